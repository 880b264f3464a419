"""The settings file: four flat texts, and one sentence for whatever else it may hold."""

import os

import pytest

from isa_cli.config import MOST_BYTES, load_settings
from isa_cli.errors import UsageError


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where the settings file lies; not made yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("GALLERY", "MODEL", "DEVICE", "PRECISION"):
        monkeypatch.delenv(f"ISA_{name}", raising=False)
    (tmp_path / "isa").mkdir()
    return tmp_path / "isa" / "config.toml"


def refused(file):
    """The message and the hint with which the file is refused: one line each."""
    with pytest.raises(UsageError) as caught:
        load_settings()
    message, hint = caught.value.message, caught.value.hint
    assert str(file) in message
    assert hint
    assert "\n" not in message
    assert len(message) < 500 + len(str(file))
    return f"{message} -> {hint}"


def test_the_four_settings_are_read(file):
    file.write_bytes(b"\xef\xbb\xbfgallery = '/photos'\nmodel = \"base\"\ndevice='cpu'\r\n")
    settings = load_settings()
    assert str(settings.gallery) == "/photos"
    assert (settings.model, settings.device, settings.precision) == ("base", "cpu", "auto")


@pytest.mark.parametrize("content", ["", "# nothing\n", "\n\n"])
def test_an_empty_one_changes_nothing(file, content):
    file.write_text(content)
    assert load_settings().model is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"model = 'caf\xe9'", "no text in UTF-8"),
        (b"model = 'a\0b'", "can't be read"),
        (b'model = "a\\u0000b"', "names nothing"),
        (b"model = ''", "names nothing"),
        (b"model", "can't be read"),
        (b"= 3", "can't be read"),
        (b"model = 'a'\nmodel = 'b'", "can't be read"),
        (b"modle = 'x'", "modle = 'x', which means nothing"),
        (b"model = 1979-05-27", "a date or a time"),
        (b"model = 07:32:00", "a date or a time"),
        (b"model = 3", "model = a number"),
        (b"model = 0x" + b"f" * 9000, "model = a number"),
        (b"model = " + b"9" * 9000, "can't be read"),
        (b"model = true", "model = True"),
        (b"model = nan", "model = nan"),
        (b"model = ['a']", "model = a list"),
        (b"[model]\nname = 'x'", "model = a table"),
        (b"[gallery.deep]\nx = 1", "gallery = a table"),
        (b"[[model]]", "model = a list"),
        (b"model = " + b"[" * 9000, "can't be read"),
        (b"model = " + b"{a=" * 4000, "can't be read"),
        (b"a." * 7000 + b"a = 1", "a = a table"),
        (b"'" + b"k" * 9000 + b"' = 'x'", "means nothing"),
        (b'"two\\nlines" = "x"', "means nothing"),
        (b"#" * (MOST_BYTES + 1), "too large"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_anything_else_is_one_sentence(file, content, said):
    file.write_bytes(content)
    assert said in refused(file)


def test_what_is_no_file_is_told_and_never_waited_for(file):
    file.mkdir()
    assert "a folder, not a file" in refused(file)
    file.rmdir()
    os.mkfifo(file)
    assert "a pipe or a device" in refused(file)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert "a pipe or a device" in refused(file)
    file.unlink()
    file.symlink_to(file)
    assert "circle" in refused(file)


def test_an_unknown_home_stays_as_it_is_written(file, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file.write_text('gallery = "~nobody-of-that-name/photos"')
    assert load_settings().gallery == tmp_path / "~nobody-of-that-name" / "photos"

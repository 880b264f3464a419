"""Files whose suffix says nothing: indexed if a photo is in them, told of by suffix if not."""

import os
import socket
import threading
from pathlib import Path

import pytest

from isa_cli.cli.summary import report
from isa_cli.gallery.content import NO_FILE, NO_PHOTOS, suffix_of
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.ignore import ScanOptions as Which
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.images import looks_like_photo
from isa_cli.reporting import Silent
from tests.bad_inputs import photo
from tests.fakes import MeanColour

ODD_NAMES = [
    *["a.pjpeg", "a.jpg_large", "a.jpg~", "a.JPG.bak", "a.insp", "a.jpg_original", "a", "a.1"],
    *["IMG 1. Mai", "a.", "a.jpg ", "a.jxl", "a.bin", "a.jpeg.part", "a.jpg;1", "日本"],
]
FORMATS = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def index(tmp_path, folder):
    """Index the folder and return what became of it; ``index.gallery`` is where."""
    with Gallery.open(tmp_path / "gallery", writable=True, space=MeanColour.space) as gallery:

        def call(*roots, **which):
            encoder = MeanColour()
            return index_folders(
                gallery,
                [os.fsencode(root) for root in roots or (folder,)],
                lambda: encoder,
                encoder.input_size,
                IndexOptions(Which(**which)),
                Silent(),
                threading.Event(),
            )

        call.gallery = gallery
        yield call


@pytest.fixture
def opened(monkeypatch):
    """The names of the files that are opened below ``open()``, as they are."""
    names = []
    whole = os.open

    def recording(path, *rest, **more):
        names.append(os.path.basename(os.fsdecode(path)))
        return whole(path, *rest, **more)

    monkeypatch.setattr(os, "open", recording)
    return names


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_photo_under_an_odd_name_is_indexed(index, folder, name):
    (folder / name).write_bytes(photo())
    (folder / ("not " + name)).write_text("no photo")
    summary = index()
    assert (summary.embedded, summary.failures, summary.tally.other) == (1, [], 1)
    assert index.gallery.catalog.photos.at(os.fsencode(folder / name)) is not None


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_shows_itself(index, folder, fmt):
    (folder / "picture").write_bytes(photo(fmt))
    summary = index()
    assert (summary.embedded, summary.failures) == (1, [])


def test_a_camera_raw_shows_itself_and_is_told_of(index, folder):
    (folder / "raw.fff").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(999))
    (folder / "half.jpg.part").write_bytes(photo()[:200])
    summary = index()
    assert [Path(os.fsdecode(path)).name for path, _ in summary.failures] == [
        *("half.jpg.part", "raw.fff")
    ]
    assert index().tally.skipped_failed == 2


def test_what_a_photo_under_an_odd_name_costs_the_next_time_is_a_stat(index, folder, opened):
    (folder / "photo").write_bytes(photo())
    (folder / "letter").write_text("no photo")
    index()
    assert opened.count("photo") >= 1
    opened.clear()
    assert index().tally.unchanged == 1
    assert (opened.count("photo"), opened.count("letter")) == (0, 1)


def test_what_is_well_known_or_left_out_is_not_opened(index, folder, opened):
    for name in ("a.mp4", "b.XMP", "c.thm", "d.odd", ".e", "f.odder", ".DS_Store", "g.jpg.bak"):
        (folder / name).write_bytes(photo())
    (folder / ".isaignore").write_text("*.odder\n")
    tally = index(exclude=("*.odd",)).tally
    assert {name for name in opened if not name.endswith(("db", "lock"))} <= {
        *(".isaignore", "g.jpg.bak")
    }
    assert tally.passed_over == {".mp4": 1, ".xmp": 1, ".thm": 1, ".ds_store": 1, ".isaignore": 1}
    assert tally.ignored == 3  # d.odd, .e, f.odder: nobody knows what they hold


def test_what_is_no_file_is_never_waited_for(index, folder):
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "nowhere").symlink_to("gone")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(folder, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    (folder / "link").symlink_to(folder / "letter")
    (folder / "letter").write_text("no photo")
    summary = index()
    assert summary.found == 0
    assert summary.tally.passed_over == {NO_FILE: 5, "": 2}
    assert summary.tally.unreadable == []


def test_a_file_that_may_not_be_opened_is_reported(index, folder, monkeypatch):
    path = os.fsencode(folder / "letter")
    (folder / "letter").write_text("no photo")
    whole = os.open

    def refuse(name, *rest, **more):  # as the system does to others than root
        if name == path:
            raise PermissionError(13, "Permission denied", name)
        return whole(name, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    tally = index().tally
    assert tally.unreadable == [(path, "Permission denied")]
    assert tally.other == 0


def test_a_photo_that_turns_into_something_else_fails_and_is_told_of(index, folder):
    (folder / "a.bak").write_bytes(photo())
    index()
    (folder / "a.bak").write_text("no photo any more")
    assert [reason for _, reason in index().failures] == [
        "not a picture isa knows: it looks like text"
    ]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        (b"a.MP4", ".mp4"),
        (b"a.tar.gz", ".gz"),
        (b"README", ""),
        (b".DS_Store", ".ds_store"),
        (b".picasa.ini", ".ini"),
        (b"a.", ""),
        (b"Dear Mr. Smith", ""),
        (b"a.what-follows-a-dot-in-a-sentence", ""),
        (b"a.caf\xe9", ".caf\udce9"),
    ],
)
def test_suffixes(name, suffix):
    assert suffix_of(name) == suffix


def test_no_photo_has_a_suffix_that_is_taken_for_something_else():
    assert not [suffix for suffix in NO_PHOTOS if looks_like_photo(b"a" + suffix.encode())]
    assert all(suffix_of(b"a" + suffix.encode()) == suffix for suffix in NO_PHOTOS)


def test_the_summary_names_suffixes_most_frequent_first(index, folder, capsys):
    for suffix, count in {".mp4": 12, ".aae": 8, "": 3, ".txt": 3, ".\x1b[31m": 1}.items():
        for number in range(count):
            (folder / f"{number}{suffix}").write_text("no photo")
    os.mkfifo(folder / "pipe.jpg")
    report(index(), quiet=False, dry_run=False)
    said = capsys.readouterr().err
    assert r"28 not photos: 12 .mp4, 8 .aae, 3 without a suffix, 3 .txt, 1 .\x1b[31m, 1 no" in said
    for name in ("a.x", "b.x", "c.y"):
        (folder / name).write_text("no photo")
    report(index(), quiet=False, dry_run=False)
    assert "3 .txt, 2 .x, 1 .\\x1b[31m, 2 with other suffixes\n" in capsys.readouterr().err

"""Ignore files and patterns that are out of all proportion, or no files at all."""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH118

import os
import random
import shutil
import subprocess

import pytest

from isa_cli.errors import UsageError
from isa_cli.gallery.ignore import ScanOptions
from isa_cli.gallery.tally import Tally
from isa_cli.gallery.walk import scan

NEVER = "*a*a*a*a*a*a*a*a*a*a*a*b"
LONG_NAME = "a" * 240 + ".jpg"


class Nothing:
    """A catalogue that knows no file."""

    def files_in(self, folder):
        return {}

    def folders_under(self, root):
        return []


def walked(*roots, **options):
    """Return the names of the photos found, and the tally."""
    tally = Tally()
    roots = [os.fsencode(root) for root in roots]
    stamps = list(
        scan(roots, Nothing(), ScanOptions(**options), tally, lambda n: n.endswith(b".jpg"))
    )
    return [os.fsdecode(os.path.basename(stamp.path)) for stamp in stamps], tally


def fill(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_rows_of_stars_are_patterns_like_others(tmp_path):
    fill(tmp_path, LONG_NAME, "x.jpg", "ab.jpg")
    (tmp_path / ".isaignore").write_text(f"{NEVER}\n{'**/' * 1000}x.jpg\n{'*' * 1000}b.jpg\n")
    found, tally = walked(tmp_path)
    assert found == [LONG_NAME]
    assert tally.warnings == []


@pytest.mark.parametrize("option", ["include", "exclude"])
def test_rows_of_stars_in_options(tmp_path, option):
    fill(tmp_path, LONG_NAME)
    found, _ = walked(tmp_path, **{option: (NEVER,)})
    assert found == ([LONG_NAME] if option == "exclude" else [])


def test_a_line_of_a_megabyte_is_named_and_the_others_count(tmp_path):
    fill(tmp_path, "a.jpg", "b.jpg")
    fill(tmp_path / "sub", "b.jpg", "c.jpg")
    (tmp_path / ".isaignore").write_text(f"a.jpg\n{'*a' * 500_000}\nb.jpg\n")
    found, tally = walked(tmp_path, tmp_path / "sub")
    assert found == ["c.jpg"]
    (path, what) = tally.warnings[0]
    assert path == os.fsencode(tmp_path / ".isaignore")
    assert what == "line 2 (more than 4,096 characters, and no path has so many)"
    assert len(tally.warnings) == 1, "once, though two roots lie below it"
    assert tally.unreadable == []


def test_of_an_ignore_file_of_many_megabytes_the_beginning_counts(tmp_path):
    fill(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    comments = ("#" * 1000 + "\n") * 4500
    (tmp_path / ".isaignore").write_text(f"a.jpg\n{comments}b.jpg\n")
    found, tally = walked(tmp_path)
    assert found == ["b.jpg", "c.jpg"]
    assert [what for _, what in tally.warnings] == ["what follows its first 4 MiB"]


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a pipe"])
def test_an_ignore_file_that_is_none_is_not_waited_for(tmp_path, kind):
    fill(tmp_path / "sub", "a.jpg")
    fill(tmp_path, "b.jpg")
    ignore = tmp_path / "sub" / ".isaignore"
    if kind == "device":
        ignore.symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "pipe")
        ignore.symlink_to(tmp_path / "pipe") if kind != "pipe" else os.mkfifo(ignore)
    found, tally = walked(tmp_path)
    assert found == ["b.jpg"]
    assert tally.unreadable == [
        (
            os.fsencode(tmp_path / "sub"),
            "its .isaignore can't be used: a pipe or a device, not a file",
        )
    ]


def test_patterns_of_options_are_refused_by_number(tmp_path):
    fill(tmp_path, "a.jpg")
    with pytest.raises(UsageError, match=r"pattern 2 \(more than 4,096 characters"):
        walked(tmp_path, exclude=("*.png", "a" * 5000))
    with pytest.raises(UsageError, match=r"patterns 10,001, 10,002 \(a list may have 10,000\)"):
        walked(tmp_path, include=("x",) * 10_002)


def test_a_name_that_is_no_text_can_be_named(tmp_path):
    for name in (b"caf\xe9.jpg", b"cafe.jpg", b"two\nlines.jpg"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):  # noqa: PTH123
            pass
    exclude = (os.fsdecode(b"caf\xe9.jpg"), "two\nlines.jpg")
    assert walked(tmp_path, exclude=exclude)[0] == ["cafe.jpg"]


def test_a_folder_that_is_kept_again_does_not_keep_what_lies_in_it(tmp_path):
    """As git has it: ``!keep/`` speaks of the folder, and ``*.jpg`` of what is in it."""
    fill(tmp_path)
    fill(tmp_path / "sub")
    fill(tmp_path / "sub" / "keep", "a.jpg")
    (tmp_path / ".isaignore").write_text("*.jpg\n")
    (tmp_path / "sub" / ".isaignore").write_text("!keep/\n")
    assert walked(tmp_path)[0] == []
    (tmp_path / "sub" / ".isaignore").write_text("!keep/*.jpg\n")
    assert walked(tmp_path)[0] == ["a.jpg"]


PIECES = [
    *["*", "!*/", "!*.jpg", "!*b*", "!b/", "!a/", "!a/**", "![ab]", "[ab]", "[!a]*", "a/**", "a/*"],
    *["b/**/", "**/a/**", "***/b", "a/***/b", "*a*b*", "\\a", "?", "/a/", "b*.jpg", "*/a*"],
]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@pytest.mark.parametrize("seed", range(30))
def test_lists_that_keep_again_mean_what_git_takes_them_to_mean(tmp_path, seed):
    rng = random.Random(seed)
    for number in range(14):
        folder = tmp_path.joinpath(*rng.choices(["a", "b", "ab"], k=rng.randrange(4)))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{rng.choice('abc')}{number}.jpg").touch()
    for folder in [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]:
        if folder == tmp_path or rng.random() < 0.15:
            lines = rng.choices(PIECES, k=rng.randrange(2, 5))
            (folder / ".isaignore").write_text("\n".join(lines))
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q"], cwd=tmp_path, check=True)
    listing = ["git", "ls-files", "-z", "--others", "--exclude-per-directory=.isaignore"]
    out = subprocess.run(listing, cwd=tmp_path, check=True, capture_output=True).stdout
    expected = [os.path.basename(name) for name in out.split(b"\0") if name.endswith(b".jpg")]
    assert sorted(map(os.fsencode, walked(tmp_path)[0])) == sorted(expected)

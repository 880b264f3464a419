"""Folders against a catalogue: what is new, changed, left alone and gone."""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH102, PTH103, PTH108, PTH116, PTH118, PTH120, PTH123, PTH211

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_cli.errors import UsageError
from isa_cli.gallery.ignore import ScanOptions, is_hidden
from isa_cli.gallery.tally import Tally
from isa_cli.gallery.walk import gone, scan
from isa_cli.images import limits
from isa_cli.types import FileStamp

# --- a catalogue of dicts ------------------------------------------------------------------------


class Known(NamedTuple):
    size: int
    mtime_ns: int
    failed: bool = False
    ctime_ns: int | None = None
    inode: int | None = None
    passing: bool = False
    needs: str = ""
    reader: str = limits.reader()


class Catalogue:
    """What ``Known`` asks for, and a ``run`` that does what an index run does."""

    def __init__(self):
        self.files = {}
        self.asked = []

    def files_in(self, folder):
        self.asked.append(folder)
        return {
            os.path.basename(path): seen
            for path, seen in self.files.items()
            if os.path.dirname(path) == folder
        }

    def folders_under(self, root):
        for path in self.files:
            folder = os.path.dirname(path)
            if folder == root or folder.startswith(os.path.join(root, b"")):
                yield folder

    def run(self, *roots, **options):
        """Scan, record, forget; return (new and changed, forgotten, tally)."""
        roots = [os.fsencode(root) for root in roots]
        tally = Tally()
        stamps = list(scan(roots, self, ScanOptions(**options), tally, is_photo))
        lost = list(gone(roots, self, tally))
        for stamp in stamps:
            self.files[stamp.path] = Known(stamp.size, stamp.mtime_ns)
        for path in lost:
            del self.files[path]
        return [s.path for s in stamps], lost, tally


def is_photo(name):
    return name.lower().endswith((b".jpg", b".png"))


def write(folder, *names, text="x"):
    """Write files with this text, and return their paths as bytes."""
    paths = [os.path.join(os.fsencode(folder), os.fsencode(name)) for name in names]
    for path in paths:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    return paths


def names(paths, folder):
    return [os.fsdecode(os.path.relpath(path, os.fsencode(folder))) for path in paths]


@pytest.fixture
def known():
    return Catalogue()


# --- new, changed, unchanged, gone ---------------------------------------------------------------


def test_yields_every_photo_once_sorted_within_each_folder(tmp_path, known):
    write(tmp_path, "b.jpg", "a.JPG", "notes.txt", "z/1.jpg", "c/2.png", "c/d/3.jpg", "x.jpg/4.jpg")
    found, lost, tally = known.run(tmp_path)
    assert names(found, tmp_path) == [
        *("a.JPG", "b.jpg", "c/2.png", "c/d/3.jpg", "x.jpg/4.jpg", "z/1.jpg")
    ]
    assert (lost, tally.other, tally.unchanged) == ([], 1, 0)


def test_a_second_scan_finds_nothing_to_do(tmp_path, known):
    write(tmp_path, "a.jpg", "c/b.jpg")
    known.run(tmp_path)
    found, lost, tally = known.run(tmp_path)
    assert (found, lost, tally.unchanged) == ([], [], 2)


def test_a_file_is_changed_when_its_size_or_its_time_differs(tmp_path, known):
    size, time, _ = paths = write(tmp_path, "size.jpg", "time.jpg", "same.jpg")
    known.run(tmp_path)
    before = os.stat(size)
    write(tmp_path, "size.jpg", text="longer")
    os.utime(size, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(time, ns=(0, os.stat(time).st_mtime_ns + 1))
    assert known.run(tmp_path)[0] == [size, time]
    assert known.files[paths[1]].mtime_ns == os.stat(time).st_mtime_ns


def test_a_deleted_file_and_a_deleted_folder_are_gone(tmp_path, known):
    a, _, c, d = write(tmp_path, "a.jpg", "b.jpg", "sub/c.jpg", "sub/deep/d.jpg")
    known.run(tmp_path)
    os.unlink(a)
    shutil.rmtree(tmp_path / "sub")
    assert known.run(tmp_path)[1] == [a, c, d]


def test_a_file_that_became_a_folder_or_a_pipe_is_gone(tmp_path, known):
    a, b = write(tmp_path, "a.jpg", "b.jpg")
    known.run(tmp_path)
    os.unlink(a)
    os.unlink(b)
    os.mkdir(a)
    os.mkfifo(b)
    _, lost, tally = known.run(tmp_path)
    assert sorted(lost) == [a, b]
    assert tally.other == 1


def test_a_failed_file_waits_until_it_changes_or_is_asked_for(tmp_path, known):
    (path,) = write(tmp_path, "a.jpg")
    known.run(tmp_path)
    known.files[path] = known.files[path]._replace(failed=True)
    found, _, tally = known.run(tmp_path)
    assert (found, tally.skipped_failed, tally.unchanged) == ([], 1, 0)
    assert known.run(tmp_path, retry_failed=True)[0] == [path]


def test_a_file_that_vanishes_while_being_looked_at_is_gone(tmp_path, known):
    a, _, c = write(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    known.run(tmp_path)
    os.utime(a, ns=(0, 0))
    tally = Tally()
    walk = scan([os.fsencode(tmp_path)], known, ScanOptions(), tally, is_photo)
    assert next(walk).path == a
    os.unlink(c)  # the folder has been listed already
    assert list(walk) == []
    assert list(gone([os.fsencode(tmp_path)], known, tally)) == [c]
    assert tally.unreadable == []


def test_the_walk_is_lazy(tmp_path, known):
    write(tmp_path, "a/1.jpg", "b/2.jpg", "c/3.jpg")
    walk = scan([os.fsencode(tmp_path)], known, ScanOptions(), Tally(), is_photo)
    next(walk)
    assert [os.path.basename(folder) for folder in known.asked[-1:]] == [b"a"]


def test_nothing_is_gone_before_the_walk_has_ended(tmp_path, known):
    a, _, _ = write(tmp_path, "a.jpg", "b.jpg", "c/d.jpg")
    known.run(tmp_path)
    os.utime(a, ns=(0, 0))
    shutil.rmtree(tmp_path / "c")
    tally = Tally()
    next(scan([os.fsencode(tmp_path)], known, ScanOptions(), tally, is_photo))
    assert list(gone([os.fsencode(tmp_path)], known, tally)) == []


def test_any_byte_may_stand_in_a_name(tmp_path, known):
    paths = write(tmp_path, b"new\nline.jpg", b"caf\xe9.jpg", b"\xff/\x01 .jpg", "日本.jpg")
    assert sorted(known.run(tmp_path)[0]) == sorted(paths)
    shutil.rmtree(os.fsencode(tmp_path) + b"/\xff")
    assert known.run(tmp_path)[1] == [paths[2]]


# --- roots ---------------------------------------------------------------------------------------


def test_a_file_named_outright_is_taken_whatever_its_suffix(tmp_path, known):
    path, *_ = write(tmp_path, "scan.dat", "other.dat", ".isaignore")
    assert known.run(tmp_path / "scan.dat")[0] == [path]
    found, lost, tally = known.run(tmp_path)
    assert (found, lost, tally.unchanged) == ([], [], 1), "and stays when its folder is scanned"


def test_overlapping_and_repeated_roots_count_once(tmp_path, known):
    paths = write(tmp_path, "a.jpg", "sub/b.jpg", "sub/deep/c.jpg")
    roots = [
        *(tmp_path / "sub" / "deep", tmp_path / "a.jpg", tmp_path, tmp_path / "sub", tmp_path),
        f"{tmp_path}/sub/../sub/",
    ]
    found, lost, _ = known.run(*roots)
    assert sorted(found) == sorted(paths)
    assert lost == []
    assert known.run(*roots)[:2] == ([], [])


def test_a_relative_root_becomes_absolute(tmp_path, known, monkeypatch):
    paths = write(tmp_path, "sub/a.jpg")
    monkeypatch.chdir(tmp_path)
    assert known.run("sub")[0] == paths


def test_only_what_lies_below_the_roots_can_be_gone(tmp_path, known):
    _, b, c = write(tmp_path, "x/a.jpg", "xy/b.jpg", "c.jpg")
    known.run(tmp_path)
    os.unlink(b)
    os.unlink(c)
    assert known.run(tmp_path / "x")[1] == []


@pytest.mark.parametrize("unmounted", ["absent", "empty folder"])
def test_a_vanished_root_is_not_forgotten_unless_pruned(tmp_path, known, unmounted):
    disk = tmp_path / "disk"
    paths = write(disk, "a.jpg", "sub/b.jpg")
    known.run(disk)
    shutil.rmtree(disk)
    if unmounted == "empty folder":
        disk.mkdir()
    found, lost, tally = known.run(disk)
    assert (found, lost, tally.missing_roots) == ([], [], [os.fsencode(disk)])
    _, lost, tally = known.run(disk, prune=True)
    assert (lost, tally.missing_roots) == (paths, [])


def test_a_vanished_root_inside_another_root_is_not_forgotten(tmp_path, known):
    a, b, c = write(tmp_path, "a.jpg", "disk/b.jpg", "sub/c.jpg")
    known.run(tmp_path)
    for path in (a, b, c):
        os.unlink(path)
    write(tmp_path, "d.jpg")
    _, lost, tally = known.run(tmp_path, tmp_path / "disk")
    assert lost == [a, c]
    assert tally.missing_roots == [os.fsencode(tmp_path / "disk")]


def test_a_disk_pulled_out_during_the_walk_is_a_vanished_root(tmp_path, known):
    disk = tmp_path / "disk"
    paths = write(disk, "a.jpg", "b.jpg", "c/d.jpg")
    known.run(disk)
    os.utime(paths[0], ns=(0, 0))
    tally = Tally()
    walk = scan([os.fsencode(disk)], known, ScanOptions(), tally, is_photo)
    next(walk)
    disk.rename(tmp_path / "pulled")
    assert list(walk) == []
    assert list(gone([os.fsencode(disk)], known, tally)) == []
    assert tally.missing_roots == [os.fsencode(disk)]


def test_a_vanished_file_root_is_forgotten_only_when_pruned(tmp_path, known):
    (path,) = write(tmp_path, "a.jpg")
    known.run(path)
    os.unlink(path)
    _, lost, tally = known.run(path)
    assert (lost, tally.missing_roots) == ([], [path])
    assert known.run(path, prune=True)[1] == [path]


def test_a_root_that_never_was_is_missing_and_an_empty_one_is_not(tmp_path, known):
    (tmp_path / "empty").mkdir()
    typo = tmp_path / "typo"
    _, _, tally = known.run(tmp_path / "empty", typo, prune=True)
    assert tally.missing_roots == [os.fsencode(typo)]


# --- links ---------------------------------------------------------------------------------------


def test_a_linked_file_is_a_photo_under_each_of_its_paths(tmp_path, known):
    (real,) = write(tmp_path, "z/real.jpg")
    os.symlink(real, os.fsencode(tmp_path / "link.jpg"))
    os.symlink(b"nowhere", os.fsencode(tmp_path / "broken.jpg"))
    assert names(known.run(tmp_path)[0], tmp_path) == ["link.jpg", "z/real.jpg"]


def test_a_linked_folder_outside_the_root_is_followed(tmp_path, known):
    write(tmp_path, "elsewhere/a.jpg", "root/b.jpg")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert names(known.run(tmp_path / "root")[0], tmp_path) == ["root/b.jpg", "root/link/a.jpg"]


def test_a_photo_is_listed_under_its_own_path_rather_than_a_links(tmp_path, known):
    write(tmp_path, "z/real/a.jpg")
    (tmp_path / "alias").symlink_to(tmp_path / "z")
    (tmp_path / "z" / "link").symlink_to(tmp_path / "z" / "real")
    found, _, tally = known.run(tmp_path / "alias", tmp_path)
    assert names(found, tmp_path) == ["z/real/a.jpg"]
    assert tally.repeats == 3  # the root 'alias', the link 'alias', the link 'z/link'


def test_loops_of_links_end(tmp_path, known):
    write(tmp_path, "a/b/c.jpg")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "ping").symlink_to("pong")
    (tmp_path / "pong").symlink_to("ping")
    found, _, tally = known.run(tmp_path)
    assert names(found, tmp_path) == ["a/b/c.jpg"]
    assert tally.repeats == 1


def test_a_root_that_is_a_link_keeps_the_users_name(tmp_path, known):
    write(tmp_path, "real/a.jpg")
    (tmp_path / "mine").symlink_to(tmp_path / "real")
    assert names(known.run(tmp_path / "mine")[0], tmp_path) == ["mine/a.jpg"]


@pytest.mark.parametrize("unmounted", ["absent", "empty folder"])
def test_a_link_to_an_unmounted_disk_is_not_forgotten(tmp_path, known, unmounted):
    paths = write(tmp_path, "root/z.jpg", "disk/a.jpg")
    (tmp_path / "root" / "nas").symlink_to(tmp_path / "disk")
    known.run(tmp_path / "root")
    shutil.rmtree(tmp_path / "disk")
    if unmounted == "empty folder":
        (tmp_path / "disk").mkdir()
    _, lost, tally = known.run(tmp_path / "root")
    assert (lost, tally.missing_roots) == ([], [os.fsencode(tmp_path / "root" / "nas")])
    assert len(known.files) == len(paths)
    assert names(known.run(tmp_path / "root", prune=True)[1], tmp_path) == ["root/nas/a.jpg"]


# --- what can't be looked at ---------------------------------------------------------------------


@pytest.fixture
def locked(monkeypatch):
    """Refuse to list these paths, as the system does to others than root."""
    paths = set()
    scandir = os.scandir

    def refuse(path):
        if path in paths:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return paths


@pytest.mark.parametrize("folder", ["sub", "."])
def test_a_folder_that_may_not_be_listed_is_reported_and_nothing_in_it_is_gone(
    tmp_path, known, locked, folder
):
    paths = write(tmp_path, "sub/a.jpg", "sub/deep/b.jpg")
    known.run(tmp_path)
    shutil.rmtree(tmp_path / "sub" / "deep")
    path = os.path.abspath(os.fsencode(tmp_path / folder))
    locked.add(path)
    found, lost, tally = known.run(tmp_path)
    assert (found, lost) == ([], [])
    assert tally.unreadable == [(path, "Permission denied")]
    locked.clear()
    assert known.run(tmp_path)[1] == [paths[1]]


def test_a_file_that_may_not_be_looked_at_is_reported_and_not_gone(tmp_path, known):
    a, b = write(tmp_path, "a.jpg", "b.jpg")
    known.run(tmp_path)
    os.unlink(a)
    os.symlink(b"a.jpg", a)  # too many levels of links: neither there nor gone
    found, lost, tally = known.run(tmp_path)
    assert (found, lost, tally.unchanged) == ([], [], 1)
    assert [path for path, _ in tally.unreadable] == [a]
    assert b in known.files


# --- rules ---------------------------------------------------------------------------------------


def test_hidden_and_system_names_are_passed_over_unless_asked_for(tmp_path, known):
    hidden = write(
        *(tmp_path, ".a.jpg", ".thumbnails/b.jpg", "._c.jpg", "@eaDir/d.jpg", "#recycle/e.jpg"),
        *("$RECYCLE.BIN/f.jpg", "Cat Previews.lrdata/g.jpg"),
    )
    shown = write(tmp_path, "h.jpg")
    found, _, tally = known.run(tmp_path)
    assert (found, tally.ignored) == (shown, len(hidden))
    found, _, tally = known.run(tmp_path, hidden=True)
    assert (sorted(found), tally.ignored) == (sorted(hidden), 0)


def test_a_hidden_root_is_walked_because_it_was_named(tmp_path, known):
    (path,) = write(tmp_path, ".album/.2024/a.jpg")
    assert known.run(tmp_path / ".album" / ".2024")[0] == [path]
    assert known.run(tmp_path)[1] == [], "and is left alone by a scan that passes over it"
    os.unlink(path)
    write(tmp_path, ".album/.2024/b.jpg")
    assert known.run(tmp_path, tmp_path / ".album" / ".2024")[1] == [path]


def test_an_ignore_file_holds_below_its_folder_and_inner_ones_overrule_it(tmp_path, known):
    write(tmp_path, "a.png", "a.jpg", "s/b.png", "s/c.png", "s/t/b.png", "raw/d.jpg", "s/raw.jpg")
    write(tmp_path, ".isaignore", text="\ufeff# comment\n*.png\nraw/\n")
    write(tmp_path, "s/.isaignore", text="!b.png\r\n/t\n")
    found, _, tally = known.run(tmp_path)
    assert names(found, tmp_path) == ["a.jpg", "s/b.png", "s/raw.jpg"]
    assert tally.ignored == 4  # a.png, s/c.png, s/t, raw


def test_an_ignore_file_above_the_root_holds_too_unless_it_names_the_root(tmp_path, known):
    write(tmp_path, "s/a.png", "s/a.jpg", "raw/x/b.png", "raw/x/b.jpg")
    write(tmp_path, ".isaignore", text="*.png\nraw/\n")
    assert names(known.run(tmp_path / "s")[0], tmp_path) == ["s/a.jpg"]
    found = known.run(tmp_path / "raw" / "x")[0]
    assert names(found, tmp_path) == ["raw/x/b.jpg", "raw/x/b.png"]


def test_what_an_ignore_file_leaves_out_is_forgotten(tmp_path, known):
    _, b, c = write(tmp_path, "a.jpg", "b.jpg", "sub/c.jpg")
    known.run(tmp_path)
    write(tmp_path, ".isaignore", text="b.jpg\nsub\n")
    assert known.run(tmp_path)[1] == [b, c]


@pytest.mark.parametrize("options", [{"exclude": ("b.jpg", "sub/")}, {"include": ("a.jpg",)}])
def test_what_the_options_leave_out_is_left_alone(tmp_path, known, options):
    paths = write(tmp_path, "a.jpg", "b.jpg", "sub/c.jpg")
    assert known.run(tmp_path, **options)[0] == paths[:1]
    known.run(tmp_path)
    for path in paths[1:]:
        write(*os.path.split(path), text="changed")
    found, lost, tally = known.run(tmp_path, **options)
    assert (found, lost, tally.unchanged, tally.ignored) == ([], [], 1, 2)
    assert sorted(known.files) == paths


def test_include_and_exclude_are_relative_to_the_root(tmp_path, known):
    write(tmp_path, "2024/a.jpg", "2024/a.png", "x/2024/b.jpg", "2023/c.jpg")
    found, _, _ = known.run(tmp_path, include=("/2024/",), exclude=("*.png",))
    assert names(found, tmp_path) == ["2024/a.jpg"]
    assert names(known.run(tmp_path, include=("2023/**", "!c.jpg"))[0], tmp_path) == []


def test_a_newline_in_a_name_does_not_end_it_for_a_pattern(tmp_path, known):
    (path, _) = write(tmp_path, "a.png\n.jpg", "b.png")
    assert known.run(tmp_path, exclude=("*.png",))[0] == [path]


@pytest.mark.parametrize("pattern", ["!", "a\\"])
def test_a_pattern_that_means_nothing_is_a_users_mistake(tmp_path, known, pattern):
    with pytest.raises(UsageError, match="pattern 2"):
        known.run(tmp_path, exclude=("ok", pattern))


def test_a_broken_ignore_file_is_reported_and_its_folder_left_alone(tmp_path, known):
    write(tmp_path, "a.jpg", "sub/b.jpg")
    known.run(tmp_path)
    write(tmp_path, "sub/.isaignore", text="fine\n!\n")
    write(tmp_path, "sub/c.jpg")
    found, lost, tally = known.run(tmp_path)
    assert (found, lost, tally.unchanged) == ([], [], 1)
    (path, reason) = tally.unreadable[0]
    assert path == os.fsencode(tmp_path / "sub")
    assert reason == "its .isaignore can't be used: pattern 2, '!', means nothing"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@pytest.mark.parametrize("seed", range(12))
def test_ignore_files_mean_what_git_takes_them_to_mean(tmp_path, known, seed):
    rng = random.Random(seed)
    parts = ["a", "b", "ab"]
    for _ in range(14):
        folders = rng.choices(parts, k=rng.randrange(4))
        write(tmp_path, "/".join([*folders, rng.choice(parts) + ".jpg"]))
    pieces = ["*.jpg", "a*", "b", "a/", "/b", "!a.jpg", "!b/", "a/b", "**/ab", "!*b*", "?", "a/**"]
    for folder in [tmp_path, *(p for p in tmp_path.rglob("*") if p.is_dir())]:
        if rng.random() < 0.6:
            write(folder, ".isaignore", text="\n".join(rng.choices(pieces, k=rng.randrange(1, 4))))
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    listing = [*git, "ls-files", "-z", "--others", "--exclude-per-directory=.isaignore"]
    out = subprocess.run(listing, cwd=tmp_path, check=True, capture_output=True).stdout
    expected = sorted(name for name in out.split(b"\0") if name.endswith(b".jpg"))
    found = [os.path.relpath(path, os.fsencode(tmp_path)) for path in known.run(tmp_path)[0]]
    assert sorted(found) == expected


# --- the whole, against a simple reference -------------------------------------------------------

NAMES = st.sampled_from(["a", "b", ".h", "@eaDir"])
FILES = st.sampled_from(
    ["p.jpg", "q.png", ".r.jpg", "t.txt", b"\xff\n.jpg".decode(errors="surrogateescape")]
)
TREES = st.dictionaries(
    st.tuples(st.lists(NAMES, max_size=3).map("/".join), FILES), st.integers(0, 2), max_size=8
)


def build(root, tree):
    """Make a folder look like this and no other; the number is a file's content and time."""
    shutil.rmtree(root)
    root.mkdir()
    for (folder, name), number in tree.items():
        (path,) = write(root / folder, name, text="x" * (number % 2))
        os.utime(path, ns=(0, number))
    (root / "keep.txt").touch()  # never an empty mount point


def photos(root, tree, *, hidden):
    """Return what a scan should leave in an empty catalogue: path -> (size, time)."""
    return {
        os.path.join(os.fsencode(root / folder), os.fsencode(name)): (number % 2, number)
        for (folder, name), number in tree.items()
        if is_photo(os.fsencode(name))
        and (hidden or not any(is_hidden(os.fsencode(p)) for p in [*folder.split("/"), name]))
    }


@settings(max_examples=60, deadline=None)
@given(trees=st.lists(TREES, min_size=1, max_size=3), hidden=st.booleans())
def test_after_any_history_the_catalogue_is_what_the_folder_holds(tmp_path_factory, trees, hidden):
    root = tmp_path_factory.mktemp("tree")
    known, before = Catalogue(), {}
    for tree in trees:
        build(root, tree)
        now = photos(root, tree, hidden=hidden)
        found, lost, tally = known.run(root, hidden=hidden)
        assert sorted(found) == sorted(p for p in now if before.get(p) != now[p])
        assert sorted(lost) == sorted(before.keys() - now.keys())
        assert tally.unchanged == len(now) - len(found)
        assert {path: seen[:2] for path, seen in known.files.items()} == now
        before = now


def test_scanning_imports_nothing_heavy():
    code = "import sys, isa_cli.gallery.walk; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path.cwd()
    )
    assert not {"torch", "PIL", "numpy", "rich"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("mtime", "kept"),
    [(2**64, 2**63 - 1), (-(2**64), -(2**63)), (1_700_000_000_000_000_000,) * 2],
)
def test_a_stamp_is_what_the_catalogue_can_keep(mtime, kept):
    status = SimpleNamespace(st_size=7, st_mtime_ns=mtime, st_ctime_ns=mtime, st_ino=3)
    assert FileStamp.of(b"/a", status) == FileStamp(b"/a", 7, kept, kept, 3)

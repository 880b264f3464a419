"""What is read again: what failed for a passing reason, and edits that keep size and time."""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH101, PTH104, PTH105, PTH108, PTH116

import errno
import os
import sqlite3
import sys
import threading
from types import SimpleNamespace

import pytest
from PIL import Image

from isa_cli.gallery import walk, worker
from isa_cli.gallery.gallery import CATALOG, Gallery
from isa_cli.gallery.ignore import ScanOptions
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.gallery.records import Cause
from isa_cli.images import limits
from isa_cli.reporting import Silent
from isa_cli.types import PhotoInfo
from tests.fakes import MeanColour

RAW = b"FUJIFILMCCD-RAW " + bytes(200)
SPEECHLESS = (ValueError("odd"), RecursionError("deep"), KeyError(3), AssertionError())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(tmp_path / "gallery", writable=True, space=MeanColour.space) as opened:
        yield opened
        assert opened.catalog.check() == []


def paint(path, colour, size=(20, 10)):
    Image.new("RGB", size, colour).save(path, compress_level=0)  # equal sizes, equal bytes
    return os.fsencode(path)


def run(gallery, folder, **options):
    encoder = MeanColour()
    scan = {name: options.pop(name) for name in ("retry_failed", "reread") if name in options}
    summary = index_folders(
        gallery,
        [os.fsencode(folder)],
        lambda: encoder,
        encoder.input_size,
        IndexOptions(ScanOptions(**scan), **options),
        Silent(),
        threading.Event(),
    )
    assert summary.embedded == encoder.encoded
    return summary


def touch(path):
    os.utime(path, ns=(1, os.stat(path).st_mtime_ns + 1))


def causes(gallery):
    return {file.path: file.cause for file in gallery.catalog.photos.failed_files()}


def failing(monkeypatch, error, name="read_file"):
    """A worker whose reading (or opening) fails; undone by ``monkeypatch.undo``."""

    def fail(*_, **__):
        raise error

    if isinstance(error, OSError) and name == "read_file":
        monkeypatch.setattr("isa_cli.images.files.read_bytes", fail)
    else:
        monkeypatch.setattr(worker, name, fail)


# --- what lies in the environment ----------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        *(errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ETIMEDOUT, errno.ENOMEM),
        *(errno.EMFILE, errno.EHOSTDOWN, errno.ENOTCONN, errno.ENOENT, errno.EAGAIN),
    ],
)
def test_what_the_file_system_says_is_tried_again_by_the_next_run(
    gallery, folder, monkeypatch, number
):
    new, known = paint(folder / "new.png", (1, 2, 3)), paint(folder / "known.png", (200, 0, 0))
    elsewhere = os.fsencode(folder.parent / "new.png")
    os.rename(new, elsewhere)
    run(gallery, folder)
    os.rename(elsewhere, new)
    touch(known)
    before = gallery.catalog.photos.at(known)
    failing(monkeypatch, OSError(number, os.strerror(number)))
    bad = run(gallery, folder)
    assert sorted(path for path, _ in bad.failures) == [known, new]
    assert causes(gallery) == bad.causes == {known: Cause.PASSING, new: Cause.PASSING}
    assert gallery.catalog.photos.at(known) == before  # it stays among the answers
    assert gallery.catalog.check() == []
    monkeypatch.undo()
    good = run(gallery, folder)
    assert (good.embedded, good.reused, good.failures) == (1, 1, [])
    assert causes(gallery) == {}
    assert run(gallery, folder).tally.unchanged == 2


@pytest.mark.parametrize("name", ["read_file", "open_image"])
def test_too_little_memory_is_passing(gallery, folder, monkeypatch, name):
    photo = paint(folder / "a.png", (1, 2, 3))
    failing(monkeypatch, MemoryError(), name)
    assert run(gallery, folder).causes == {photo: Cause.PASSING}
    monkeypatch.undo()
    assert run(gallery, folder).embedded == 1


def test_a_known_photo_goes_only_when_its_new_bytes_are_no_picture(gallery, folder, monkeypatch):
    photo = paint(folder / "a.png", (1, 2, 3))
    run(gallery, folder)
    paint(folder / "a.png", (9, 9, 9), size=(30, 10))
    for error in (OSError(errno.EIO, "I/O"), MemoryError()):
        failing(monkeypatch, error)
        run(gallery, folder)
        assert gallery.catalog.photos.at(photo) is not None
        monkeypatch.undo()
    (folder / "a.png").write_bytes(b"no picture")
    assert run(gallery, folder).causes == {photo: Cause.BYTES}
    assert gallery.catalog.photos.at(photo) is None


def test_a_kept_photo_that_is_deleted_is_gone_and_counts_once(gallery, folder, monkeypatch):
    photo, _ = paint(folder / "a.png", (1, 2, 3)), paint(folder / "b.png", (99, 2, 3))
    run(gallery, folder)
    touch(photo)
    failing(monkeypatch, OSError(errno.EIO, "I/O"))
    run(gallery, folder)
    monkeypatch.undo()
    os.unlink(photo)
    assert run(gallery, folder).gone == 1
    stats = gallery.catalog.photos.stats()
    assert (stats.photos, stats.files, stats.failed) == (1, 1, 0)


def test_a_photo_that_moved_and_cannot_be_read_yet_keeps_its_vector(gallery, folder, monkeypatch):
    photo, other = paint(folder / "a.png", (1, 2, 3)), paint(folder / "b.png", (9, 2, 3), (30, 30))
    run(gallery, folder)
    os.rename(photo, photo + b" moved.png")
    os.unlink(other)
    failing(monkeypatch, OSError(errno.EIO, "I/O"))
    assert run(gallery, folder).gone == 1  # the other one, which is of another size
    monkeypatch.undo()
    again = run(gallery, folder)
    assert (again.embedded, again.reused, again.gone) == (0, 1, 1)


def test_a_raised_limit_is_noticed_and_one_still_too_low_is_not(gallery, folder, monkeypatch):
    photo = paint(folder / "a.png", (1, 2, 3))
    (folder / "bad.jpg").write_bytes(b"no picture")
    monkeypatch.setenv("ISA_MAX_PIXELS", "100")
    assert run(gallery, folder).causes[photo] is Cause.LACKING
    monkeypatch.setenv("ISA_MAX_PIXELS", "199")
    assert run(gallery, folder).tally.skipped_failed == 2
    monkeypatch.setenv("ISA_MAX_PIXELS", "200")
    again = run(gallery, folder)
    assert (again.embedded, again.tally.skipped_failed) == (1, 1)


def test_an_optional_part_that_is_there_now_is_noticed(gallery, folder, monkeypatch):
    photo = os.fsencode(folder / "a.raf")
    (folder / "a.raf").write_bytes(RAW)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    assert run(gallery, folder).causes == {photo: Cause.LACKING}
    assert run(gallery, folder).tally.skipped_failed == 1
    monkeypatch.setitem(sys.modules, "rawpy", SimpleNamespace())
    preview = Image.new("RGB", (8, 8), "red"), PhotoInfo("RAW", 8, 8)
    monkeypatch.setattr(worker, "open_image", lambda *_, **__: preview)
    assert run(gallery, folder).embedded == 1


def test_a_later_isa_tries_once_what_this_one_could_not_read(gallery, folder, monkeypatch):
    (folder / "bad.jpg").write_bytes(b"no picture")
    run(gallery, folder)
    assert run(gallery, folder).tally.skipped_failed == 1
    monkeypatch.setattr(limits, "reader", lambda: "isa-cli 99")
    assert len(run(gallery, folder).failures) == 1
    assert run(gallery, folder).tally.skipped_failed == 1


@pytest.mark.parametrize("error", SPEECHLESS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["read_file", "open_image", "prepare"])
def test_whatever_one_file_raises_is_its_own_failure(gallery, folder, monkeypatch, error, where):
    bad, _ = paint(folder / "bad.png", (255, 0, 0)), paint(folder / "good.png", (9, 0, 0))

    def spoiled(whole):
        def call(first, *args, **kwargs):
            if is_bad(first):
                raise error
            return whole(first, *args, **kwargs)

        return call

    def is_bad(first):
        if isinstance(first, Image.Image):
            return first.getpixel((0, 0)) == (255, 0, 0)
        return first == (bad if where == "read_file" else (folder / "bad.png").read_bytes())

    if where == "prepare":
        whole = MeanColour.prepare
        monkeypatch.setattr(MeanColour, "prepare", lambda self, i: spoiled(whole.__get__(self))(i))
    else:
        monkeypatch.setattr(worker, where, spoiled(getattr(worker, where)))
    summary = run(gallery, folder)
    assert (summary.embedded, [path for path, _ in summary.failures]) == (1, [bad])
    assert type(error).__name__ in summary.failures[0][1]


# --- the walk ------------------------------------------------------------------------------------


class Breaking:
    """A folder's listing that fails after its first entry."""

    def __init__(self, listing):
        self._listing, self._left = listing, 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listing.close()

    def __iter__(self):
        return self

    def __next__(self):
        if not self._left:
            raise OSError(errno.EIO, "Input/output error")
        self._left -= 1
        return next(self._listing)


def test_a_listing_that_breaks_off_forgets_nothing(gallery, folder, monkeypatch):
    for name in "abc":
        paint(folder / f"{name}.png", (ord(name), 0, 0))
    run(gallery, folder)
    whole = os.scandir
    monkeypatch.setattr(walk.os, "scandir", lambda path: Breaking(whole(path)))
    summary = run(gallery, folder)
    assert [path for path, _ in summary.tally.unreadable] == [os.fsencode(folder)]
    monkeypatch.undo()
    assert (summary.gone, gallery.catalog.photos.stats().files) == (0, 3)
    assert run(gallery, folder).tally.unchanged == 3


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ETIMEDOUT])
def test_a_root_or_a_file_that_cannot_be_looked_at_is_kept(gallery, folder, monkeypatch, number):
    photo = paint(folder / "a.png", (1, 0, 0))
    run(gallery, folder)
    whole = os.stat

    def fail(path, *args, **kwargs):
        if path == os.fsencode(folder):
            raise OSError(number, os.strerror(number))
        return whole(path, *args, **kwargs)

    monkeypatch.setattr(walk.os, "stat", fail)
    monkeypatch.setattr(walk.os.path, "isdir", lambda _: False)  # what it says of such a root
    summary = run(gallery, folder)
    monkeypatch.undo()
    assert len(summary.tally.unreadable) == 1
    assert (summary.gone, gallery.catalog.photos.at(photo) is None) == (0, False)


# --- edits that keep size and time ---------------------------------------------------------------


def edit_secretly(path, colour):
    """Paint a file anew, of the same size, and give it back its time."""
    before = os.stat(path)
    paint(os.fsdecode(path), colour)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(path)
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def replace_secretly(path, colour):
    """The same by a new file that takes its place."""
    before = os.stat(path)
    paint(os.fsdecode(path) + ".new.png", colour)
    os.utime(path + b".new.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(path + b".new.png", path)


@pytest.mark.parametrize("edit", [edit_secretly, replace_secretly])
def test_an_edit_that_keeps_size_and_time_is_seen(gallery, folder, edit):
    photo = paint(folder / "a.png", (250, 0, 0))
    run(gallery, folder)
    old = gallery.catalog.photos.at(photo)
    edit(photo, (0, 250, 0))
    assert run(gallery, folder).embedded == 1
    assert gallery.catalog.photos.at(photo).digest != old.digest
    assert run(gallery, folder).tally.unchanged == 1


def test_a_mended_file_that_keeps_size_and_time_is_seen(gallery, folder):
    photo = paint(folder / "a.png", (250, 0, 0))
    whole = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(bytes(len(whole)))
    run(gallery, folder)
    edit_secretly(photo, (250, 0, 0))
    assert run(gallery, folder).embedded == 1


@pytest.mark.parametrize("change", ["chmod", "hard link", "copied elsewhere and back"])
def test_what_changed_besides_the_bytes_costs_a_read_and_no_embedding(gallery, folder, change):
    photo = paint(folder / "a.png", (250, 0, 0))
    run(gallery, folder)
    if change == "chmod":
        os.chmod(photo, 0o600)
    elif change == "hard link":
        os.link(photo, folder.parent / "backup.png")
    else:
        replace_secretly(photo, (250, 0, 0))
    again = run(gallery, folder)
    assert (again.reused, again.embedded) == (1, 0)
    assert run(gallery, folder).tally.unchanged == 1


def test_inodes_made_up_anew_with_every_mount_mean_nothing(gallery, folder):
    for name in "abc":
        paint(folder / f"{name}.png", (ord(name), 0, 0))
    run(gallery, folder)
    gallery.catalog._db.rows("UPDATE files SET inode = inode + 1000000")
    assert run(gallery, folder).tally.unchanged == 3


def test_an_inode_among_others_that_stayed_counts(gallery, folder):
    for name in "abc":
        paint(folder / f"{name}.png", (ord(name), 0, 0))
    run(gallery, folder)
    gallery.catalog._db.rows("UPDATE files SET inode = -inode WHERE name = ?", b"b.png")
    again = run(gallery, folder)
    assert (again.reused, again.embedded, again.tally.unchanged) == (1, 0, 2)


# --- galleries from before -----------------------------------------------------------------------

DOWN = (
    "ALTER TABLE files DROP COLUMN ctime_ns",
    "ALTER TABLE files DROP COLUMN inode",
    *(
        f"ALTER TABLE failures DROP COLUMN {name}"
        for name in ("ctime_ns", "inode", "passing", "needs", "reader")
    ),
    "DELETE FROM _sqlite_migrations WHERE name LIKE 'm0002%'",
    "PRAGMA user_version = 1",
)


@pytest.fixture
def old(tmp_path, folder):
    """A gallery with the tables of the first release: one photo, one failure."""
    paint(folder / "a.png", (250, 0, 0))
    (folder / "bad.jpg").write_bytes(b"no picture")
    place = tmp_path / "old"
    with Gallery.open(place, writable=True, space=MeanColour.space) as gallery:
        run(gallery, folder)
    connection = sqlite3.connect(place / CATALOG, isolation_level=None)
    for statement in DOWN:
        connection.execute(statement)
    connection.close()
    return place


def test_an_older_gallery_is_read_as_it_lies(old, folder):
    before = (old / CATALOG).read_bytes()
    with Gallery.open(old) as gallery:
        assert gallery.catalog.photos.at(os.fsencode(folder / "a.png")) is not None
        assert list(causes(gallery).values()) == [Cause.BYTES]
        assert not gallery.catalog.files_in(os.fsencode(folder))[b"a.png"].failed
        assert gallery.catalog.check() == []
    assert (old / CATALOG).read_bytes() == before


def test_an_older_gallery_takes_the_stamps_over_and_reads_nothing_again(old, folder, monkeypatch):
    whole, seen = worker.read_file, []

    def watched(path):
        seen.append(os.path.basename(path))
        return whole(path)

    monkeypatch.setattr(worker, "read_file", watched)
    with Gallery.open(old, writable=True) as gallery:
        assert run(gallery, folder).tally.unchanged == 1
        assert seen == [b"bad.jpg"]  # it may have failed for a passing reason
        assert run(gallery, folder).tally.skipped_failed == 1
        edit_secretly(os.fsencode(folder / "a.png"), (0, 250, 0))
        assert run(gallery, folder).embedded == 1
        assert gallery.catalog.check() == []


def test_a_dry_run_over_an_older_gallery_changes_nothing(old, folder):
    before = (old / CATALOG).read_bytes()
    with Gallery.open(old) as gallery:
        summary = run(gallery, folder, dry_run=True)
    assert (summary.found, summary.tally.unchanged) == (1, 1)  # the failure
    assert (old / CATALOG).read_bytes() == before


# --- reading again by request --------------------------------------------------------------------


def test_reread_embeds_only_what_is_another_picture(gallery, folder):
    a, b = paint(folder / "a.png", (250, 0, 0)), paint(folder / "b.png", (0, 250, 0))
    run(gallery, folder)
    edit_secretly(a, (0, 0, 250))
    status = os.stat(a)  # as if its file system kept no other time
    gallery.catalog._db.rows(
        "UPDATE files SET ctime_ns = ?, inode = ?", status.st_ctime_ns, status.st_ino
    )
    gallery.catalog._db.rows(
        "UPDATE files SET ctime_ns = ? WHERE name = ?", os.stat(b).st_ctime_ns, b"b.png"
    )
    assert run(gallery, folder, reread=(b,)).reused == 1
    again = run(gallery, folder, reread=(os.fsencode(folder),))
    assert (again.found, again.embedded, again.reused) == (2, 1, 1)


def test_a_file_that_is_reread_is_no_root_of_its_own(gallery, folder):
    photo = paint(folder / "a.png", (250, 0, 0))
    run(gallery, folder)
    assert run(gallery, os.fsdecode(photo), reread=(photo,)).reused == 1
    assert gallery.catalog.metadata.roots() == [os.fsencode(folder)]


# --- files that take too long --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cause"), [("read_file", Cause.PASSING), ("open_image", Cause.LACKING)]
)
def test_a_file_that_never_ends_fails_alone(gallery, folder, monkeypatch, name, cause):
    bad = paint(folder / "bad.png", (255, 0, 0))
    paint(folder / "good.png", (9, 0, 0))
    data, whole, never = (folder / "bad.png").read_bytes(), getattr(worker, name), threading.Event()

    def hangs(first, **kwargs):
        if first in (bad, data):
            never.wait()
        return whole(first, **kwargs)

    monkeypatch.setattr(worker, name, hangs)
    monkeypatch.setenv("ISA_MAX_SECONDS", "0.2")
    summary = run(gallery, folder, workers=1)
    assert (summary.embedded, summary.causes) == (1, {bad: cause})
    assert "took longer than 0.2 s" in summary.failures[0][1]
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "isa-file")
    if cause is Cause.LACKING:  # it lies in the bytes until somebody has more patience
        assert run(gallery, folder).tally.skipped_failed == 1
    never.set()
    monkeypatch.setenv("ISA_MAX_SECONDS", "20")
    assert run(gallery, folder).embedded == 1


def test_a_copy_of_a_file_that_never_opens_fails_with_it(gallery, folder, monkeypatch):
    bad = paint(folder / "a.png", (255, 0, 0))
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    never = threading.Event()
    monkeypatch.setattr(worker, "open_image", lambda *_, **__: never.wait())
    monkeypatch.setenv("ISA_MAX_SECONDS", "0.2")
    summary = run(gallery, folder)
    never.set()
    assert set(summary.causes) == {bad, os.fsencode(folder / "b.png")}
    assert summary.remaining == 0

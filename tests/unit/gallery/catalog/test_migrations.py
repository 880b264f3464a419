"""Opening a catalogue: new, old, from the future, damaged, or nothing of ours."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
import sqlite_utils

from isa_cli.errors import GalleryDamaged, GalleryError, GalleryLocked, GalleryMissing
from isa_cli.gallery.catalog import Catalog, connecting, migrations
from isa_cli.gallery.records import Embedded
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gallery" / "catalog.db"


def fill(path, photos=3):
    with Catalog.open(path, writable=True) as catalog:
        catalog.metadata.set_space(EmbeddingSpace("tiny", 4, "ab"))
        rows = np.random.default_rng(0).standard_normal((photos, 4)).astype(np.float32)
        catalog.record(
            [
                Embedded(FileStamp(b"/a/%d" % n, 1, 1), b"%016d" % n, PhotoInfo("PNG", 1, 1), row)
                for n, row in enumerate(rows)
            ]
        )


def schema(path):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return rows


def pragma(path, name, value=None):
    connection = sqlite3.connect(path)
    try:
        with connection:
            if value is not None:
                connection.execute(f"PRAGMA {name} = {value}")
            return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


def test_a_new_catalogue_has_every_step_and_the_settings_it_was_measured_with(path):
    Catalog.open(path, writable=True).close()
    assert pragma(path, "user_version") == migrations.LATEST == len(migrations.STEPS)
    assert pragma(path, "application_id") == migrations.APPLICATION_ID
    assert pragma(path, "page_size") == connecting.PAGE_SIZE
    assert pragma(path, "journal_mode") == "wal"
    db = sqlite_utils.Database(path)
    applied = [row["name"] for row in db["_sqlite_migrations"].rows]
    db.close()
    assert applied == [step.__name__ for step in migrations.STEPS]


def test_a_second_opening_changes_nothing(path):
    fill(path)
    before = schema(path)
    with Catalog.open(path, writable=True) as catalog:
        assert catalog.vectors.count() == 3
    assert schema(path) == before


def test_a_later_step_is_applied_to_an_older_catalogue_once(path, monkeypatch):
    fill(path)
    calls = []

    def m0003_more(db):
        calls.append(1)
        db.execute("CREATE TABLE more (id INTEGER PRIMARY KEY)")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, m0003_more))
    monkeypatch.setattr(migrations, "LATEST", 3)
    with pytest.raises(GalleryError, match="earlier isa"):
        Catalog.open(path, writable=False)
    for _ in range(2):
        with Catalog.open(path, writable=True) as catalog:
            assert catalog.vectors.count() == 3
    assert calls == [1]
    assert pragma(path, "user_version") == 3


def test_a_step_that_fails_leaves_the_catalogue_as_it_was(path, monkeypatch):
    fill(path)
    before = schema(path)

    def m0003_broken(db):
        db.execute("CREATE TABLE more (id INTEGER PRIMARY KEY)")
        raise RuntimeError("power cut")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, m0003_broken))
    monkeypatch.setattr(migrations, "LATEST", 3)
    with pytest.raises(RuntimeError):
        Catalog.open(path, writable=True)
    assert schema(path) == before
    assert pragma(path, "user_version") == 2


def test_a_creation_cut_short_is_no_gallery_yet_and_is_completed(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    with pytest.raises(GalleryMissing):
        Catalog.open(path, writable=False)
    fill(path)
    # Killed after the last step, before user_version was set:
    pragma(path, "user_version", 0)
    with Catalog.open(path, writable=True) as catalog:
        assert catalog.vectors.count() == 3


def test_an_empty_file_is_no_gallery_yet(path):
    path.parent.mkdir()
    path.touch()
    with pytest.raises(GalleryMissing):
        Catalog.open(path, writable=False)


@pytest.mark.parametrize("name", ["nowhere/catalog.db", "file/catalog.db"])
def test_no_catalogue_is_missing(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(GalleryMissing, match="no gallery") as caught:
        Catalog.open(tmp_path / name, writable=False)
    assert "isa index" in caught.value.hint


@pytest.mark.parametrize("writable", [True, False])
def test_a_later_release_is_not_touched(path, writable):
    fill(path)
    pragma(path, "user_version", migrations.LATEST + 1)
    with pytest.raises(GalleryError, match="later isa") as caught:
        Catalog.open(path, writable=writable)
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize("writable", [True, False])
def test_another_programs_database_is_not_touched(path, writable):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="another program"):
        Catalog.open(path, writable=writable)
    assert path.read_bytes() == before


@pytest.mark.parametrize("writable", [True, False])
def test_what_is_no_database_is_damaged(path, writable):
    path.parent.mkdir()
    path.write_bytes(b"not a database, just some text " * 1000)
    with pytest.raises(GalleryDamaged, match=r"catalog\.db"):
        Catalog.open(path, writable=writable)


@pytest.mark.parametrize("writable", [True, False])
def test_a_folder_in_the_catalogues_place_cannot_be_used(path, writable):
    path.mkdir(parents=True)
    with pytest.raises(GalleryError):
        Catalog.open(path, writable=writable)


def test_broken_pages_are_damage_not_a_traceback(path):
    fill(path, photos=2000)
    data = bytearray(path.read_bytes())
    data[connecting.PAGE_SIZE * 3 :] = b"\xa5" * (len(data) - connecting.PAGE_SIZE * 3)
    path.write_bytes(data)
    with Catalog.open(path, writable=False) as catalog:
        assert catalog.check() != []
        with pytest.raises(GalleryDamaged):
            list(catalog.vectors.chunks())


def test_a_second_writer_is_told_so(path, monkeypatch):
    monkeypatch.setattr(connecting, "_BUSY_SECONDS", 0.0)
    fill(path)
    with Catalog.open(path, writable=True) as one, Catalog.open(path, writable=True) as two:
        with one._db.writing(), pytest.raises(GalleryLocked):
            two.metadata.set_setting("a", "b")
        two.metadata.set_setting("a", "b")
        assert one.metadata.setting("a") == "b"


def test_a_closed_catalogue_is_one_file(path):
    fill(path)
    assert list(path.parent.iterdir()) == [path]


class TestWhereNothingCanBeWritten:
    """SQLite answers 'can't open' there; who runs the tests may be allowed to write everywhere."""

    @pytest.fixture(autouse=True)
    def _no_shared_memory(self, monkeypatch):
        connect = connecting._connect

        def refusing(path, options):
            if options == "mode=ro":
                error = sqlite3.OperationalError("unable to open database file")
                error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
                raise error
            return connect(path, options)

        monkeypatch.setattr(connecting, "_connect", refusing)

    def test_a_closed_catalogue_can_be_read(self, path):
        fill(path)
        with Catalog.open(path, writable=False) as catalog:
            assert catalog.vectors.count() == 3
            assert list(path.parent.iterdir()) == [path]

    def test_one_with_a_log_beside_it_is_refused(self, path):
        fill(path)
        with Catalog.open(path, writable=True) as writer:
            writer.metadata.set_setting("a", "b")
            with pytest.raises(GalleryError, match="not closed") as caught:
                Catalog.open(path, writable=False)
        assert "copy" in caught.value.hint


def test_a_folder_without_permission_to_write_can_be_read(path):
    fill(path)
    path.parent.chmod(0o555)
    try:
        with Catalog.open(path, writable=False) as catalog:
            assert catalog.vectors.count() == 3
    finally:
        path.parent.chmod(0o755)

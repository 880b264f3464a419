"""Opening a catalogue's SQLite file: for writing, for reading, and what may be wrong with it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from isa_cli.errors import GalleryError, GalleryMissing, next_step
from isa_cli.gallery.catalog import migrations

if TYPE_CHECKING:
    from pathlib import Path

PAGE_SIZE = 16_384
"""15 vectors of 512 float16 fit a page with 6 % waste; 32,768 saves 3 % of a large gallery and
costs twice as much log per batch, because digests fall on random pages."""

_BUSY_SECONDS = 10.0
_CACHE_KIB = 16_384


def writer(path: Path) -> sqlite3.Connection:
    """Return a connection that may write, to a catalogue created or brought up to date.

    Raises:
        GalleryError: it belongs to a later release or another program, or can't be created.
        sqlite3.Error: anything else.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GalleryError(
            f"the gallery {path.parent} can't be created: {error.strerror or error}",
            next_step(error, "choose another place with --gallery DIR"),
        ) from error
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # means something in a new file only
        outdated = _version(connection, path) < migrations.LATEST
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # Without shared memory (some network file systems) there is no WAL; NORMAL is not safe.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        if outdated:
            migrations.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads, also beside a writer or on a read-only medium.

    Raises:
        GalleryMissing: there is no catalogue.
        GalleryError: it belongs to another release or program, or can't be read here.
        sqlite3.Error: anything else.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(path) from error
    except OSError as error:
        raise GalleryError(f"the catalogue {path} can't be used: {error}") from error
    connection = _connect_reader(path)
    try:
        version = _version(connection, path)
        if version == 0:  # its creation was cut short
            raise _missing(path)
        if version < migrations.LATEST and version not in migrations.READABLE:
            raise GalleryError(
                f"the catalogue {path} was written by an earlier isa",
                "run isa index once, which brings it up to date",
            )
        if version < migrations.LATEST:
            for statement in migrations.READABLE[version]:
                connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    """Open for reading, with or without the file that readers and the writer share.

    Readers of a WAL database share memory with the writer through a file beside it.  Where that
    file can't be made there can be no writer either, and the database may be read as it lies,
    unless a log with commits was left behind: that could not be read.
    """
    try:
        return _connect(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise GalleryError(
                f"the catalogue {path} was not closed after its last change and can't be "
                "written to here",
                "copy the gallery to a place where you may write, and use it from there",
            ) from error
    return _connect(path, "immutable=1")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    """Open a connection in autocommit mode: transactions begin where we say so."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the first real read
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return how many migrations the tables have seen.

    Raises:
        GalleryError: they are those of a later release, or of another program.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE tbl_name <> '_sqlite_migrations'"
    ).fetchone()
    if application != migrations.APPLICATION_ID and (application or version or tables):
        raise GalleryError(f"{path} is a database of another program, not a catalogue of isa")
    if version > migrations.LATEST:
        raise GalleryError(
            f"the catalogue {path} was written by a later isa (its tables are version {version}, "
            f"this isa knows {migrations.LATEST})",
            "upgrade isa",
        )
    return int(version)


def _missing(path: Path) -> GalleryMissing:
    return GalleryMissing(
        f"there is no gallery in {path.parent} yet", "make one with: isa index FOLDER"
    )

"""The catalogue's tables, as numbered steps that bring any older catalogue up to date.

A step that has been released is never edited: a change of the schema is a new step.  sqlite-utils
keeps the list of applied steps; ``user_version`` repeats their number, so that opening an
up-to-date catalogue costs one PRAGMA and not the import of sqlite-utils.

What the tables are sized for: 200 bytes a photo beside its vector, at a million photos.

    folders   one row a folder, so that its path is stored once
    files     (folder, name) -> stamp and content; clustered by folder, as the scan asks
    failures  (folder, name) -> stamp and reason; beside a file while its content may still be right
    contents  one row per distinct bytes: digest, EXIF, which vector
    vectors   one row per distinct float16 vector; equal ones collapse, because a crowd of
              identical vectors cuts other items off in an HNSW graph
    labels    strings that many photos share: cameras and formats
    facts     single values: the embedding space, the generation, settings, roots

Keys of contents and vectors are AUTOINCREMENT: they only rise and are never used again, so
'everything after key K' is a complete replay and a stale key in an index can only miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from sqlite_utils.db import Database

APPLICATION_ID = 0x15A_CA7
"""Marks the SQLite file as ours (``PRAGMA application_id``)."""

_FIRST_TABLES = (
    """CREATE TABLE folders (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE
    )""",
    """CREATE TABLE labels (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL UNIQUE
    )""",
    # The checksum finds an equal vector without an index over whole vectors, and shows bit rot.
    """CREATE TABLE vectors (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        checksum INTEGER NOT NULL,
        vector BLOB NOT NULL
    )""",
    "CREATE INDEX vectors_by_checksum ON vectors (checksum)",
    """CREATE TABLE contents (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        digest BLOB NOT NULL UNIQUE,
        vector_key INTEGER NOT NULL REFERENCES vectors (key),
        bytes INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        orientation INTEGER NOT NULL,
        format_id INTEGER NOT NULL REFERENCES labels (id),
        camera_id INTEGER REFERENCES labels (id),
        taken_at INTEGER,  -- local time, in seconds since 1970 as if it were UTC
        latitude REAL,
        longitude REAL
    )""",
    "CREATE INDEX contents_by_vector ON contents (vector_key)",
    """CREATE TABLE files (
        folder_id INTEGER NOT NULL REFERENCES folders (id),
        name BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        content_key INTEGER NOT NULL REFERENCES contents (key),
        PRIMARY KEY (folder_id, name)
    ) WITHOUT ROWID""",
    "CREATE INDEX files_by_content ON files (content_key)",
    """CREATE TABLE failures (
        folder_id INTEGER NOT NULL REFERENCES folders (id),
        name BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (folder_id, name)
    ) WITHOUT ROWID""",
    # Names and values are text, or bytes where they are paths: hence no types.
    """CREATE TABLE facts (
        kind TEXT NOT NULL,
        name NOT NULL,
        value,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION_ID}",
)


def m0001_first_tables(db: Database) -> None:
    """Create everything the first release needs."""
    for statement in _FIRST_TABLES:
        db.execute(statement)


_SECOND_COLUMNS = (
    "ALTER TABLE files ADD COLUMN ctime_ns INTEGER",
    "ALTER TABLE files ADD COLUMN inode INTEGER",
    "ALTER TABLE failures ADD COLUMN ctime_ns INTEGER",
    "ALTER TABLE failures ADD COLUMN inode INTEGER",
    "ALTER TABLE failures ADD COLUMN passing INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE failures ADD COLUMN needs TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE failures ADD COLUMN reader TEXT",
)


def m0002_stamps_and_causes(db: Database) -> None:
    """Add all of ``stat`` that tells an edit, and why a file failed.

    What was written before has neither: the next run takes the stamps over as they are then, and
    tries the failures again.
    """
    for statement in _SECOND_COLUMNS:
        db.execute(statement)


STEPS: tuple[Callable[[Database], None], ...] = (m0001_first_tables, m0002_stamps_and_causes)
LATEST = len(STEPS)

READABLE = {
    1: (
        (
            "CREATE TEMP VIEW files AS SELECT folder_id, name, size, mtime_ns, content_key,"
            " NULL AS ctime_ns, NULL AS inode FROM main.files"
        ),
        (
            "CREATE TEMP VIEW failures AS SELECT folder_id, name, size, mtime_ns, reason,"
            " NULL AS ctime_ns, NULL AS inode, 0 AS passing, '' AS needs, NULL AS reader"
            " FROM main.failures"
        ),
    )
}
"""Older tables that a reader may use as they are, through views that stand before them."""


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that are missing, each in a transaction of its own.

    A crash between two steps, or before ``user_version`` is set, is made good by the next call.
    """
    # Imported here because it takes 0.15 s and is needed once in a gallery's life.
    from sqlite_utils import Database  # noqa: PLC0415
    from sqlite_utils.migrations import Migrations  # noqa: PLC0415

    migrations = Migrations("isa")
    for step in STEPS:
        migrations()(step)
    # Plugins that somebody installed for the sqlite-utils command have no business in here.
    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA user_version = {LATEST}")

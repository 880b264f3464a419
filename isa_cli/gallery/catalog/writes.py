"""What one transaction writes into the catalogue and drops; nothing here begins or commits one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.gallery.catalog.database import checksum, to_json
from isa_cli.gallery.catalog.local_time import to_seconds
from isa_cli.gallery.catalog.paths import split
from isa_cli.gallery.catalog.where import plain_text
from isa_cli.gallery.records import Cause

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from isa_cli.gallery.records import Embedded, Failed, Same
    from isa_cli.types import FileStamp

_INT64 = 2**63


class Writes:
    """The writes of one transaction, which leave it to ``drop_orphans`` to clean up behind them.

    Attributes:
        bereft: keys of the contents that lost a file here, maybe their last.
        folders: the folders seen here, with their ids.
        forgotten: how many files and failures were dropped.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.bereft: set[int] = set()
        self.folders: dict[bytes, int] = {}
        self._labels: dict[str, int] = {}
        self.forgotten = 0

    # --- one file each ---

    def embedded(self, outcome: Embedded, blob: bytes) -> None:
        """Add a content with its vector, unless the digest is known; point the file to it."""
        key = self._content_of(outcome.digest)
        self._point(outcome.stamp, self._new_content(outcome, blob) if key is None else key)

    def same(self, outcome: Same) -> None:
        """Point the file to a content that is there.

        Raises:
            ValueError: it is not there.
        """
        key = self._content_of(outcome.digest)
        if key is None:
            raise ValueError(f"{outcome.stamp.path!r} is the same as something unknown")
        self._point(outcome.stamp, key)

    def failed(self, outcome: Failed) -> None:
        """Remember a failure; in place of what was known about the file if its bytes are to blame.

        Otherwise nobody has seen yet that the file holds another picture, or none.
        """
        place = self._place(outcome.stamp.path)
        if outcome.cause is Cause.BYTES:
            self._lose_content(place)
            self._connection.execute("DELETE FROM files WHERE folder_id = ? AND name = ?", place)
        self._connection.execute(
            "INSERT OR REPLACE INTO failures (folder_id, name, size, mtime_ns, ctime_ns, inode,"
            " reason, passing, needs, reader) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(*place, *_stamp(outcome.stamp), plain_text(outcome.reason)),
                *(outcome.passing, outcome.needs, outcome.reader),
            ),
        )

    def adopt(self, stamp: FileStamp) -> None:
        """Note what an earlier isa did not look at of a file that is catalogued."""
        folder, name = split(stamp.path)
        self._connection.execute(
            "UPDATE files SET ctime_ns = ?, inode = ? WHERE folder_id = ? AND name = ?",
            (stamp.ctime_ns, stamp.inode, self._folder_of(folder), name),
        )

    def forget(self, path: bytes) -> None:
        """Drop a file or a failure; a path that is neither is passed over."""
        folder, name = split(path)
        folder_id = self._folder_of(folder)
        if folder_id is None:
            return
        place = (folder_id, name)
        self._lose_content(place)
        gone = [
            self._connection.execute(
                f"DELETE FROM {table} WHERE folder_id = ? AND name = ?",  # noqa: S608  (two names)
                place,
            ).rowcount
            for table in ("files", "failures")
        ]
        self.forgotten += any(gone)  # a file may be in both

    # --- rows ---

    def _point(self, stamp: FileStamp, content: int) -> None:
        place = self._place(stamp.path)
        self._lose_content(place)
        self._connection.execute(
            "INSERT OR REPLACE INTO files"
            " (folder_id, name, size, mtime_ns, ctime_ns, inode, content_key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*place, *_stamp(stamp), content),
        )
        self._connection.execute("DELETE FROM failures WHERE folder_id = ? AND name = ?", place)

    def _lose_content(self, place: tuple[int, bytes]) -> None:
        """Remember the content that the file at ``place`` has, as it may be its last file."""
        self.bereft.update(
            key
            for (key,) in self._connection.execute(
                "SELECT content_key FROM files WHERE folder_id = ? AND name = ?", place
            )
        )

    def _content_of(self, digest: bytes) -> int | None:
        return self._key("SELECT key FROM contents WHERE digest = ?", digest)

    def _new_content(self, outcome: Embedded, blob: bytes) -> int:
        info = outcome.info
        return self._insert(
            "INSERT INTO contents (digest, vector_key, bytes, width, height, orientation,"
            " format_id, camera_id, taken_at, latitude, longitude)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            outcome.digest,
            self._vector(blob),
            outcome.stamp.size,
            info.width,
            info.height,
            info.orientation,
            self._label(info.format),
            None if info.camera is None else self._label(info.camera),
            None if info.taken_at is None else to_seconds(info.taken_at),
            info.latitude,
            info.longitude,
        )

    def _vector(self, blob: bytes) -> int:
        """Return the key of this vector, adding it unless an equal one is there."""
        mark = checksum(blob)
        sql = "SELECT key FROM vectors WHERE checksum = ? AND vector = ?"
        key = self._key(sql, mark, blob)
        insert = "INSERT INTO vectors (checksum, vector) VALUES (?, ?)"
        return self._insert(insert, mark, blob) if key is None else key

    def _label(self, text: str) -> int:
        text = plain_text(text)
        if text not in self._labels:
            key = self._key("SELECT id FROM labels WHERE text = ?", text)
            if key is None:
                key = self._insert("INSERT INTO labels (text) VALUES (?)", text)
            self._labels[text] = key
        return self._labels[text]

    def _place(self, path: bytes) -> tuple[int, bytes]:
        """Return (folder id, name), adding the folder if it is new."""
        folder, name = split(path)
        if not name or not os.path.isabs(folder):
            raise ValueError(f"{path!r} is no absolute path of a file")
        folder_id = self._folder_of(folder)
        if folder_id is None:
            folder_id = self._insert("INSERT INTO folders (path) VALUES (?)", folder)
            self.folders[folder] = folder_id
        return folder_id, name

    def _folder_of(self, folder: bytes) -> int | None:
        if folder not in self.folders:
            folder_id = self._key("SELECT id FROM folders WHERE path = ?", folder)
            if folder_id is None:
                return None
            self.folders[folder] = folder_id
        return self.folders[folder]

    def _key(self, sql: str, *params: object) -> int | None:
        row = self._connection.execute(sql, params).fetchone()
        return None if row is None else int(row[0])

    def _insert(self, sql: str, *params: object) -> int:
        key = self._connection.execute(sql, params).lastrowid
        assert key is not None
        return key


def _stamp(stamp: FileStamp) -> tuple[int, int, int | None, int | None]:
    """Return (size, mtime_ns, ctime_ns, inode); a time beyond the year 2262 is cut off."""
    mtime = max(-_INT64, min(stamp.mtime_ns, _INT64 - 1))
    return stamp.size, mtime, stamp.ctime_ns, stamp.inode


# --- dropping what nothing points to any more ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dropped:
    """What ``drop_orphans`` did.

    Attributes:
        contents: how many were dropped.
        vectors: keys of the vectors that went with them, rising.
        kept: how many contents without a file were left, as they were asked for.
    """

    contents: int
    vectors: list[int]
    kept: int


def drop_orphans(
    connection: sqlite3.Connection, contents: Iterable[int], keep: Collection[bytes] = ()
) -> Dropped:
    """Drop those of the contents that have no file, and the vectors nobody needs then.

    Args:
        connection: inside a transaction.
        contents: keys to look at.
        keep: digests of contents that stay even without a file.
    """
    orphans = connection.execute(
        "SELECT key, digest, vector_key FROM contents"
        " WHERE key IN (SELECT value FROM json_each(?))"
        " AND NOT EXISTS (SELECT 1 FROM files WHERE content_key = contents.key)",
        (to_json(contents),),
    ).fetchall()
    doomed = [(key, vector) for key, digest, vector in orphans if digest not in keep]
    _delete(connection, "contents", [key for key, _ in doomed])
    vectors = connection.execute(
        "SELECT key FROM vectors WHERE key IN (SELECT value FROM json_each(?))"
        " AND NOT EXISTS (SELECT 1 FROM contents WHERE vector_key = vectors.key) ORDER BY key",
        (to_json({vector for _, vector in doomed}),),
    ).fetchall()
    keys = [key for (key,) in vectors]
    _delete(connection, "vectors", keys)
    return Dropped(len(doomed), keys, len(orphans) - len(doomed))


def contents_without_file(connection: sqlite3.Connection) -> set[int]:
    """Return the keys of all contents that no file has."""
    rows = connection.execute(
        "SELECT key FROM contents"
        " WHERE NOT EXISTS (SELECT 1 FROM files WHERE content_key = contents.key)"
    )
    return {key for (key,) in rows}


def drop_empty_folders(connection: sqlite3.Connection, folders: Iterable[int]) -> None:
    """Drop those of the folders (ids) that have neither files nor failures."""
    connection.execute(
        "DELETE FROM folders WHERE id IN (SELECT value FROM json_each(?))"
        " AND NOT EXISTS (SELECT 1 FROM files WHERE folder_id = folders.id)"
        " AND NOT EXISTS (SELECT 1 FROM failures WHERE folder_id = folders.id)",
        (to_json(folders),),
    )


def _delete(connection: sqlite3.Connection, table: str, keys: Iterable[int]) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE key IN (SELECT value FROM json_each(?))",  # noqa: S608
        (to_json(keys),),
    )

"""Dropping what nothing points to any more; inside a transaction that somebody else commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.gallery.catalog.database import to_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable


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

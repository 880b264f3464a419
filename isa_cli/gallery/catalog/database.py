"""One SQLite connection, shared by threads: opening it, transactions, errors in our words.

How safe a commit is.  The database runs in WAL mode with ``synchronous = NORMAL``.  Killing the
process at any moment loses nothing that was committed: a commit is in the write-ahead log, in the
operating system's hands.  Losing power may lose the last commits, as the log is synced only when
it is copied into the database; it is never lost in part or out of order.  What is lost has to be
embedded again.  The index cannot be ahead of such a catalogue without our noticing, because its
size and checksum are in the catalogue and fall back with it.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from isa_cli.errors import ROOM, GalleryDamaged, GalleryError, GalleryLocked
from isa_cli.gallery.catalog import connecting, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Database:
    """A connection that any thread may use, one at a time.

    Args:
        connection: in autocommit mode, made with ``check_same_thread=False``.
        path: for messages.

    Attributes:
        lock: held during every call here; whoever holds it sees no other thread's changes.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self.lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, writable: bool) -> Database:
        """Return an up-to-date catalogue's database; creates or migrates it if ``writable``.

        Raises:
            GalleryMissing: there is none (and it is not to be written).
            GalleryDamaged: it is no database, or a broken one.
            GalleryError: it cannot be read here, or belongs to another release or program.
        """
        with translated(path):
            connection = connecting.writer(path) if writable else connecting.reader(path)
        for name, arguments, function in _FUNCTIONS:
            connection.create_function(name, arguments, function, deterministic=True)
        return cls(connection, path)

    def close(self) -> None:
        """Close the connection; the last one to close empties the log.  Twice is harmless."""
        with self.lock:
            self._connection.close()

    def rows(self, sql: str, *params: Any) -> list[Any]:
        """Return all rows of one statement."""
        with self.lock, translated(self.path):
            return self._connection.execute(sql, params).fetchall()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give several statements the same state of the catalogue to read."""
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Commit everything that is written inside, or after an exception nothing.

        Raises:
            GalleryLocked: another process is writing, and has been for a while.
        """
        with self._transaction("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        with self.lock, translated(self.path):
            self._connection.execute(f"BEGIN {kind}")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # Some errors, a full disk for one, have already ended the transaction.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the world into ours; its errors about our SQL stay as they are."""
    try:
        yield
    except sqlite3.Error as error:
        said = _in_our_words(error, path)
        if said is None:
            raise
        raise said from error


def checksum(vector: bytes) -> int:
    """Return the CRC-32 of a stored vector, shifted to a signed number: four bytes in SQLite."""
    return zlib.crc32(vector) - 2**31


def to_json(keys: Iterable[int]) -> str:
    """Return keys for ``json_each(?)``: any number of them in one parameter."""
    return f"[{','.join(map(str, keys))}]"


_FUNCTIONS = (
    ("isa_checksum", 1, checksum),
    ("isa_contains", 2, where.contains),
    ("isa_km", 4, where.great_circle_km),
)


def _in_our_words(error: sqlite3.Error, path: Path) -> GalleryError | None:
    code = getattr(error, "sqlite_errorcode", None) or 0
    match code & 0xFF:  # the upper bytes say in which situation
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return GalleryLocked(
                f"another process is writing to the catalogue {path}", "try again when it is done"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return GalleryDamaged(
                f"the catalogue {path} is damaged ({error})",
                "restore it from a backup, or delete it and index the photos again",
            )
        case sqlite3.SQLITE_FULL:
            return _no_space(path)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_IOERR:
            if _is_full(path):  # what SQLite calls an I/O error where a file beside can't grow
                return _no_space(path)
            return GalleryError(f"the catalogue {path} can't be used: {error}", LOOK)
    return None


LOOK = "isa doctor looks at it more closely"

TIGHT = 64 * 1024
"""Bytes free on a disk below which SQLite can't work: two of its steps (ours)."""


def _no_space(path: Path) -> GalleryError:
    return GalleryError(f"there is no space left for the catalogue {path}", ROOM)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < TIGHT
    except OSError:
        return False

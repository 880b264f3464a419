"""The catalogue's single values: space, generation, roots, settings, the index file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from isa_cli.errors import SpaceMismatch
from isa_cli.gallery.records import IndexFile
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    import sqlite3

    from isa_cli.gallery.catalog.database import Database

Kind = Literal["catalog", "setting", "root"]


def set_fact(connection: sqlite3.Connection, kind: Kind, name: str | bytes, value: Any) -> None:
    """Write one value, replacing the one that was there."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (kind, name, value))


def pop_fact(connection: sqlite3.Connection, kind: Kind, name: str) -> bool:
    """Delete one value and return whether it was there."""
    gone = connection.execute("DELETE FROM facts WHERE kind = ? AND name = ?", (kind, name))
    return gone.rowcount > 0


def raise_generation(connection: sqlite3.Connection) -> None:
    """Say that files or vectors are no longer what they were."""
    connection.execute(
        "INSERT INTO facts VALUES ('catalog', 'generation', 1)"
        " ON CONFLICT DO UPDATE SET value = value + 1"
    )


def fact(db: Database, kind: Kind, name: str) -> Any:
    """Return one value, or ``None``."""
    rows = db.rows("SELECT value FROM facts WHERE kind = ? AND name = ?", kind, name)
    return rows[0][0] if rows else None


class Metadata:
    """What a catalogue says of itself, one value at a time; ``Catalog.metadata``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def space(self) -> EmbeddingSpace | None:
        """The space of all vectors; ``None`` until it is set."""
        value = fact(self._db, "catalog", "space")
        return None if value is None else EmbeddingSpace(**json.loads(value))

    def set_space(self, space: EmbeddingSpace) -> None:
        """Say which space all vectors live in; an equal one may bring a new name.

        Raises:
            SpaceMismatch: there are vectors of another.
        """
        with self._db.writing() as connection:
            current = self.space
            empty = not self._db.rows("SELECT 1 FROM vectors LIMIT 1")
            if current is not None and current != space and not empty:
                raise SpaceMismatch(current, space)
            set_fact(connection, "catalog", "space", json.dumps(asdict(space)))

    @property
    def generation(self) -> int:
        """A number that rises by one with every transaction that changes files or vectors."""
        return int(fact(self._db, "catalog", "generation") or 0)

    def setting(self, name: str) -> str | None:
        """The value that ``set_setting`` was given, or ``None``."""
        value = fact(self._db, "setting", name)
        return None if value is None else os.fsdecode(value)

    def set_setting(self, name: str, value: str) -> None:
        """Remember a value under a name of the caller's."""
        with self._db.writing() as connection:
            set_fact(connection, "setting", name, _stored(value))

    def roots(self) -> list[bytes]:
        """Return the folders and files that were asked to be indexed, sorted."""
        rows = self._db.rows("SELECT name FROM facts WHERE kind = 'root' ORDER BY name")
        return [name for (name,) in rows]

    def add_root(self, root: bytes) -> None:
        """Remember that ``root`` was asked to be indexed."""
        if root not in self.roots():
            with self._db.writing() as connection:
                set_fact(connection, "root", root, None)

    def index_file(self) -> IndexFile | None:
        """Return the index file that goes with the catalogue."""
        value = fact(self._db, "catalog", "index_file")
        return None if value is None else IndexFile(**json.loads(value))

    def set_index_file(self, file: IndexFile | None) -> None:
        """Say which index file goes with the catalogue from now on."""
        value = None if file is None else json.dumps(asdict(file))
        with self._db.writing() as connection:
            set_fact(connection, "catalog", "index_file", value)


def _stored(text: str) -> str | bytes:
    """Return text as SQLite takes it: a path that is no text, as a model's may be, as its bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text

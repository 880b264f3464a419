"""The catalogue: the truth of a gallery, in one SQLite file.

Which files there are, what they contain, the vectors, and what could not be read.  Every change
is one transaction; the vector index is a copy that can be made again from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from isa_cli.gallery.catalog import checks
from isa_cli.gallery.catalog.database import Database
from isa_cli.gallery.catalog.metadata import (
    Metadata,
    fact,
    pop_fact,
    raise_generation,
    set_fact,
)
from isa_cli.gallery.catalog.paths import below, join
from isa_cli.gallery.catalog.photos import PhotoTable
from isa_cli.gallery.catalog.vectors import VectorTable
from isa_cli.gallery.catalog.writes import (
    Writes,
    contents_without_file,
    drop_empty_folders,
    drop_orphans,
)
from isa_cli.gallery.records import Embedded, Forgotten, KnownFile, Same

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from isa_cli.gallery.records import Outcome
    from isa_cli.types import Keys


class Catalog:
    """An open catalogue; any thread may use it.  One process writes, any number read.

    What the catalogue has more than one question about is a part of it; files, and everything
    that is written about them, are the catalogue's own.

    Attributes:
        metadata: single values: the space, roots, settings, the index file.
        vectors: what an index reads.
        photos: what a person sees.
    """

    def __init__(self, db: Database) -> None:
        self.metadata = Metadata(db)
        self.vectors = VectorTable(db)
        self.photos = PhotoTable(db)
        self._db = db
        self._vouched: set[bytes] = set()

    @classmethod
    def open(cls, path: Path, *, writable: bool) -> Catalog:
        """Return the catalogue in the file ``path``.

        Args:
            path: the SQLite file.
            writable: create it or bring its tables up to date as needed; otherwise it is only
                read, which also works on a read-only medium.

        Raises:
            GalleryMissing: there is none to read.
            GalleryDamaged: it is no database, or a broken one.
            GalleryError: it belongs to another release or program, or can't be used here.
        """
        db = Database.open(path, writable=writable)
        catalog = cls(db)
        if writable and fact(db, "catalog", "unswept") is not None:
            catalog.forget(())  # a run that was killed left contents between two files
        return catalog

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._db.close()

    def __enter__(self) -> Self:
        """Return the catalogue itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the file."""
        self.close()

    # --- files ---

    def files_in(self, folder: bytes) -> dict[bytes, KnownFile]:
        """Return the files known directly in a folder, failures included, by name."""
        rows = self._db.rows(
            "WITH here AS (SELECT id FROM folders WHERE path = ?)"
            " SELECT name, size, mtime_ns, 0 FROM files WHERE folder_id = (SELECT id FROM here)"
            " UNION ALL"
            " SELECT name, size, mtime_ns, 1 FROM failures WHERE folder_id = (SELECT id FROM here)",
            folder,
        )
        return {name: KnownFile(size, mtime, bool(failed)) for name, size, mtime, failed in rows}

    def folders_under(self, root: bytes) -> list[bytes]:
        """Return the folders with a known file that are ``root`` or lie below it, sorted."""
        rows = self._db.rows(
            "SELECT path FROM folders WHERE path = ? OR (path >= ? AND path < ?) ORDER BY path",
            *below(root),
        )
        return [path for (path,) in rows]

    def has(self, digest: bytes) -> bool:
        """Return whether these bytes are catalogued, so that ``Same`` can be recorded of a file.

        The answer is a promise: until the next ``forget``, a content that was found here stays
        even if its last file is re-pointed before that ``Same`` arrives, as happens when photos
        in a folder are renumbered.
        """
        with self._db.lock:
            known = bool(self._db.rows("SELECT 1 FROM contents WHERE digest = ?", digest))
            if known:
                self._vouched.add(digest)
        return known

    # --- writing ---

    def record(self, outcomes: Sequence[Outcome]) -> Keys:
        """Write what became of some files, all or nothing; later outcomes of a file win.

        A file whose content changed is re-pointed, and its old content goes if that was the last
        file that had it.  ``Embedded`` with a digest that is known counts as ``Same``.

        Returns:
            The keys of the vectors that were dropped, (N,) uint64; hardly ever any.

        Raises:
            ValueError: a vector is zero, not finite or of another dimension than the space; no
                space was set; ``Same`` as something unknown; a path is not absolute.
        """
        from isa_cli.gallery.catalog.float16 import to_blobs, to_keys  # noqa: PLC0415  (numpy)

        vectors = [outcome.vector for outcome in outcomes if isinstance(outcome, Embedded)]
        blobs = iter(to_blobs(vectors, self._dim()) if vectors else ())
        if not outcomes:
            return to_keys(())
        with self._db.writing() as connection:
            writes = Writes(connection)
            for outcome in outcomes:
                if isinstance(outcome, Embedded):
                    writes.embedded(outcome, next(blobs))
                elif isinstance(outcome, Same):
                    writes.same(outcome)
                else:
                    writes.failed(outcome)
            dropped = drop_orphans(connection, writes.bereft, self._vouched)
            if dropped.kept:
                set_fact(connection, "catalog", "unswept", 1)
            raise_generation(connection)
        return to_keys(dropped.vectors)

    def forget(self, paths: Iterable[bytes]) -> Forgotten:
        """Drop files and failures by path, and the contents and vectors nobody has then."""
        paths = list(paths)  # before the transaction: the caller may be reading them from here
        with self._db.writing() as connection:
            return self._forget(connection, paths)

    def forget_under(self, folder: bytes) -> Forgotten:
        """Drop the file ``folder``, or every file below it, and the roots that lie there."""
        path, low, high = below(folder)
        with self._db.writing() as connection:
            folders = self.folders_under(folder)
            paths = [join(top, name) for top in folders for name in self.files_in(top)]
            connection.execute(
                "DELETE FROM facts WHERE kind = 'root' AND (name = ? OR (name >= ? AND name < ?))",
                (path, low, high),
            )
            return self._forget(connection, [*paths, path])

    def _forget(self, connection: sqlite3.Connection, paths: Iterable[bytes]) -> Forgotten:
        from isa_cli.gallery.catalog.float16 import to_keys  # noqa: PLC0415  (numpy)

        writes = Writes(connection)
        for path in paths:
            writes.forget(path)
        candidates = writes.bereft
        if pop_fact(connection, "catalog", "unswept"):
            candidates = contents_without_file(connection)
        dropped = drop_orphans(connection, candidates)
        self._vouched.clear()
        drop_empty_folders(connection, writes.folders.values())
        if writes.forgotten or dropped.contents:
            raise_generation(connection)
        return Forgotten(writes.forgotten, dropped.contents, to_keys(dropped.vectors))

    def _dim(self) -> int:
        space = self.metadata.space
        if space is None:
            raise ValueError("set_space comes before the first vector")
        return space.dim

    # --- the whole ---

    def check(self) -> list[str]:
        """The catalogue's faults, one line each; none if it is sound.

        Reads everything: a second or so per 100,000 photos.
        """
        return checks.problems(self._db)

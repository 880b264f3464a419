"""What an index reads from the catalogue: vectors and their keys (``protocols.VectorRows``)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from isa_cli.gallery.catalog.database import to_json
from isa_cli.gallery.catalog.where import compile_where

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from isa_cli.filters import Where
    from isa_cli.gallery.catalog.database import Database
    from isa_cli.types import Keys, Vectors

_CHUNK = 8_192  # rows: 16 MB of float32 at 512 dimensions


class VectorTable:
    """The vectors of a catalogue, by rising key; ``Catalog.vectors``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def count(self, *, after: int = 0) -> int:
        """Return N, the number of vectors, or of those with keys greater than ``after``."""
        sql = "SELECT count(*) FROM vectors"
        if after:  # by the contents' index, as counting vectors from the middle reads them
            sql = "SELECT count(DISTINCT vector_key) FROM contents WHERE vector_key > ?"
        ((count,),) = self._db.rows(sql, *([after] if after else []))
        return int(count)

    def select(self, where: Where) -> Keys:
        """Return the keys of the vectors that have a photo which ``where`` keeps, rising."""
        import numpy as np  # noqa: PLC0415

        condition, params = compile_where(where)
        # One string, not a tuple a row: for 100,000 keys this takes a quarter of the time.
        ((keys,),) = self._db.rows(
            f"SELECT group_concat(c.vector_key) FROM contents AS c WHERE {condition}",  # noqa: S608
            *params,
        )
        return np.unique(np.fromstring(keys or "", np.uint64, sep=","))

    def chunks(self, keys: Keys | None = None, *, after: int = 0) -> Iterator[tuple[Keys, Vectors]]:
        """Yield (keys, vectors) in chunks by rising key; rows are unit after their float16 rest.

        Each chunk is read by itself, so a slow caller holds nobody up; what is written meanwhile
        may or may not be seen.

        Args:
            keys: only these; keys that no longer exist are passed over.  ``None``: all.
            after: only keys greater than this one.
        """
        from isa_cli.gallery.catalog.float16 import to_keys, to_vectors  # noqa: PLC0415  (numpy)

        found = self._all(after) if keys is None else self._some(keys, after)
        for rows in found:
            if rows:
                yield to_keys(key for key, _ in rows), to_vectors([blob for _, blob in rows])

    def sample(self, n: int) -> Vectors:
        """Return up to n vectors, spread evenly over the keys; the same ones every time.

        Reads only these: the first key at or after each of n marks.  Where keys were forgotten in
        a long run, several marks find the same one and there are fewer than n.
        """
        from isa_cli.gallery.catalog.float16 import to_vectors  # noqa: PLC0415  (numpy)

        if self.count() <= n:
            return to_vectors([blob for rows in self._all(0) for _, blob in rows])
        ((first, last),) = self._db.rows("SELECT min(key), max(key) FROM vectors")
        marks = to_json(first + i * (last - first + 1) // n for i in range(n))
        rows = self._db.rows(
            "SELECT vector FROM vectors WHERE key IN (SELECT"
            " (SELECT key FROM vectors WHERE key >= mark.value ORDER BY key LIMIT 1)"
            " FROM json_each(?) AS mark) ORDER BY key",
            marks,
        )
        return to_vectors([blob for (blob,) in rows])

    def of(self, digest: bytes) -> NDArray[np.float32] | None:
        """Return the (D,) float32 unit vector of a content, or ``None`` if it is unknown."""
        from isa_cli.gallery.catalog.float16 import to_vectors  # noqa: PLC0415  (numpy)

        rows = self._db.rows(
            "SELECT vector FROM vectors WHERE key = "
            "(SELECT vector_key FROM contents WHERE digest = ?)",
            digest,
        )
        return to_vectors([blob for (blob,) in rows])[0] if rows else None

    def _all(self, after: int) -> Iterator[list[tuple[int, bytes]]]:
        sql = "SELECT key, vector FROM vectors WHERE key > ? ORDER BY key LIMIT ?"
        while rows := self._db.rows(sql, after, _CHUNK):
            yield rows
            after = rows[-1][0]

    def _some(self, keys: Keys, after: int) -> Iterator[list[tuple[int, bytes]]]:
        wanted = iter(sorted({key for key in keys.tolist() if key > after}))
        while chunk := list(islice(wanted, _CHUNK)):
            yield self._db.rows(
                "SELECT key, vector FROM vectors"
                " WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
                to_json(chunk),
            )

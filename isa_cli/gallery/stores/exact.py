"""Brute force over the catalogue's own vectors: what 'correct' means for every other engine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from isa_cli.filters import And
from isa_cli.gallery.stores.scoring import (
    Best,
    check_batch,
    check_keys,
    check_queries,
    members,
)
from isa_cli.types import IndexStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from isa_cli.filters import Where
    from isa_cli.protocols import VectorRows
    from isa_cli.types import EmbeddingSpace, Keys, Matches, Vectors

EXACT_BELOW = 20_000
"""Up to so many vectors, comparing with all of them is quick enough.

Measured by ``examples/experiments/recall.py`` at 512 dimensions on one core: 64 ms for the first
search of a process, nearly all of it reading SQLite, and 2 ms for the next; a graph takes 17 ms to
open and 2.5 ms to search, and 6 s to make.
"""

CACHE_BYTES = 256 * 2**20
"""A gallery whose float32 vectors fit in here is kept in memory from the first full search on."""


class ExactIndex:
    """Every answer by comparing with every vector; the catalogue itself is its copy.

    Args:
        space: of the vectors.
        rows: the catalogue.
    """

    def __init__(self, space: EmbeddingSpace, rows: VectorRows) -> None:
        self._space = space
        self._rows = rows
        self._cache: _Cache | None = None
        self._filling = threading.Lock()

    @property
    def space(self) -> EmbeddingSpace:
        """The space that every stored vector lives in."""
        return self._space

    def __len__(self) -> int:
        """Return the number of vectors that can be found."""
        return self._rows.count()

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        """Check the vectors, which the catalogue must have been given already.

        Raises:
            ValueError: keys or vectors that no engine takes.
        """
        check_batch(keys, vectors, self._space)
        self._cache = None

    def remove(self, keys: Keys) -> None:
        """Take note that the catalogue has forgotten these keys."""
        check_keys(keys)
        self._cache = None

    def known(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of these keys the catalogue has."""
        return members(check_keys(keys), self._rows.select(And(())))

    def held_keys(self) -> Iterator[Keys]:
        """Yield the catalogue's keys, rising."""
        yield self._rows.select(And(()))

    def search(
        self,
        queries: Vectors,
        k: int,
        where: Where | None = None,
        *,
        exact: bool = False,  # noqa: ARG002  (it always is)
    ) -> Matches:
        """Return the k best vectors of each query among those that ``where`` keeps.

        Raises:
            ValueError: queries that are no unit rows of this space, or k < 1.
        """
        queries = check_queries(queries, k, self._space)
        return self.among(queries, k, None if where is None else self._rows.select(where))

    def among(self, queries: Vectors, k: int, keys: Keys | None) -> Matches:
        """Return the k best of the vectors with these keys (rising; ``None``: of all)."""
        best = Best(queries, k)
        for chunk_keys, vectors in self._chunks(keys):
            best.show(chunk_keys, vectors)
        return best.matches()

    def status(self) -> IndexStatus:
        """Return that nothing is missing, and nothing is taken."""
        return IndexStatus("exact", self._rows.count())

    def flush(self) -> None:
        """Do nothing: there is nothing to lose."""

    def close(self) -> None:
        """Give the memory back."""
        self._cache = None

    def _chunks(self, keys: Keys | None) -> Iterator[tuple[Keys, Vectors]]:
        cache = self._cache  # another thread may put a newer one there, or none
        if cache is not None and cache.is_current(self._rows):
            yield from cache.chunks(keys)
        elif keys is not None:
            yield from self._rows.chunks(keys)
        elif self._filling.acquire(blocking=False):
            try:
                yield from self._filled()
            finally:
                self._filling.release()
        else:  # one memory of the vectors is enough, and reading is quicker than waiting
            yield from self._rows.chunks()

    def _filled(self) -> Iterator[tuple[Keys, Vectors]]:
        """Yield all vectors, and remember them once they have all been there."""
        cache: _Cache | None = _Cache()
        for keys, vectors in self._rows.chunks():
            cache = cache and cache.take(keys, vectors)
            yield keys, vectors
        self._cache = cache


class _Cache:
    """A gallery's vectors in memory, as they came, and how to tell that they are still all."""

    def __init__(self) -> None:
        self._chunks: list[tuple[Keys, Vectors]] = []
        self._count = 0
        self._bytes = 0

    def take(self, keys: Keys, vectors: Vectors) -> _Cache | None:
        """Return this cache with one more chunk, or ``None`` if that is too much."""
        self._chunks.append((keys, vectors))
        self._count += len(keys)
        self._bytes += vectors.nbytes
        return self if self._bytes <= CACHE_BYTES else None

    def is_current(self, rows: VectorRows) -> bool:
        """Return whether nothing was written, perhaps by another process, since it was filled.

        Keys rise and are never reused, so a change that leaves the count as it was has added a
        key above the last one.
        """
        last = int(self._chunks[-1][0][-1]) if self._chunks else 0
        return rows.count() == self._count and not rows.count(after=last)

    def chunks(self, keys: Keys | None) -> Iterator[tuple[Keys, Vectors]]:
        """Yield (keys, vectors) in chunks: all, or those with these keys."""
        for chunk_keys, vectors in self._chunks:
            if keys is None:
                yield chunk_keys, vectors
            else:
                kept = members(chunk_keys, keys)
                yield chunk_keys[kept], vectors[kept]

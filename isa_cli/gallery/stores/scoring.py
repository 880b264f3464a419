"""What every engine shares: the checks of keys and rows, and one exact way to score.

Scores are computed in float64 and rounded to float32 at the end, row by row, so that a vector's
score depends neither on the engine nor on what else was scored beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isa_cli.filters import And
from isa_cli.types import Matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from isa_cli.protocols import VectorRows
    from isa_cli.types import EmbeddingSpace, Keys, Vectors

UNIT_TOLERANCE = 1e-2
"""How far a row's length may be from 1; float16 in the catalogue accounts for about 1e-4."""

_SLACK = 1e-5
"""More than a float32 product of unit rows can be wrong by; what is this close is scored again."""


def check_keys(keys: ArrayLike) -> Keys:
    """Return the keys as (N,) uint64.

    Raises:
        ValueError: not a flat row of integers from 1 to 2**63 - 1.
    """
    array = np.asarray(keys)
    if not array.size:
        array = array.astype(np.uint64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"keys are a flat array of integers, not {array.dtype} {array.shape}")
    if array.size and not (int(array.min()) >= 1 and int(array.max()) < 2**63):
        raise ValueError("keys run from 1 to 2**63 - 1")
    return array.astype(np.uint64)


def check_rows(vectors: ArrayLike, space: EmbeddingSpace) -> Vectors:
    """Return the vectors as (N, D) float32.

    Raises:
        ValueError: another shape, not finite, or not unit rows.
    """
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.ndim != 2 or array.shape[1] != space.dim:  # noqa: PLR2004
        raise ValueError(f"expected vectors (N, {space.dim}), got {array.shape}")
    lengths = np.linalg.norm(array, axis=1)
    if not np.all(np.abs(lengths - 1) <= UNIT_TOLERANCE):  # a NaN is not <= anything
        raise ValueError("vectors must be finite unit rows")
    return array


def check_batch(keys: ArrayLike, vectors: ArrayLike, space: EmbeddingSpace) -> tuple[Keys, Vectors]:
    """Return keys (N,) and vectors (N, D) fit to be stored, the last of equal keys only.

    Raises:
        ValueError: see ``check_keys`` and ``check_rows``, or the two differ in length.
    """
    keys, rows = check_keys(keys), check_rows(vectors, space)
    if len(keys) != len(rows):
        raise ValueError(f"{len(keys)} keys for {len(rows)} vectors")
    unique, from_the_end = np.unique(keys[::-1], return_index=True)
    return unique, rows[len(keys) - 1 - from_the_end]


def check_queries(queries: ArrayLike, k: int, space: EmbeddingSpace) -> Vectors:
    """Return the queries as (Q, D) float32.

    Raises:
        ValueError: see ``check_rows``, or k is not positive.
    """
    if k < 1:
        raise ValueError(f"k must be positive, not {k}")
    return check_rows(queries, space)


def members(keys: Keys, among: Keys) -> NDArray[np.bool_]:
    """Return which keys (N,) occur in ``among``, which rises; much cheaper than ``np.isin``."""
    if not len(among):
        return np.zeros(len(keys), dtype=np.bool_)
    places = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    found: NDArray[np.bool_] = among[places] == keys
    return found


def score_candidates(
    rows: VectorRows,
    queries: Vectors,
    k: int,
    candidates: Sequence[Keys],
    *,
    after: int,
    allowed: Keys | None,
) -> Matches:
    """Return the k best of what an engine proposes and of what it has not taken yet.

    The catalogue's vectors are compared, so an engine's own rounding changes no score, and what
    the catalogue has forgotten since is dropped.  Fewer than k may be left then.

    Args:
        rows: the catalogue.
        queries: (Q, D) float32, unit rows.
        k: how many to return for each.
        candidates: keys for each query, in any order.
        after: every vector of the catalogue up to this key was there to be proposed; those above
            it are compared one by one.
        allowed: keys that the filter keeps, rising; ``None``: all.
    """
    near = [np.sort(keys[keys <= after]) for keys in candidates]
    wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *near]))
    keys, vectors = _gather(rows.chunks(wanted), queries.shape[1])
    best = Best(queries, k)
    for query, proposed in enumerate(near):
        present = members(keys, proposed)
        best.offer(query, keys[present], vectors[present])
    for tail, vectors in rows.chunks(after=after):
        kept = slice(None) if allowed is None else members(tail, allowed)
        best.show(tail[kept], vectors[kept])
    return best.matches()


def reach(rows: VectorRows, known: Callable[[Keys], NDArray[np.bool_]]) -> int:
    """Return the key up to which a copy has every vector of the catalogue; 0 if none.

    Args:
        rows: the catalogue.
        known: which of the keys (N,) the copy has.
    """
    live = rows.select(And(()))
    missing = np.flatnonzero(~known(live))
    covered = live[: missing[0]] if len(missing) else live
    return int(covered[-1]) if len(covered) else 0


def _gather(chunks: Iterable[tuple[Keys, Vectors]], dim: int) -> tuple[Keys, Vectors]:
    """Return the chunks' keys (N,) and vectors (N, dim) in one piece."""
    pieces = list(chunks)
    if not pieces:
        return np.empty(0, np.uint64), np.empty((0, dim), np.float32)
    return np.concatenate([keys for keys, _ in pieces]), np.concatenate([v for _, v in pieces])


class Best:
    """The k best vectors of each query among those shown so far, in whatever order they come.

    A vector must not be shown to a query twice.

    Args:
        queries: (Q, D) float32, unit rows.
        k: how many to keep of each.
    """

    def __init__(self, queries: Vectors, k: int) -> None:
        self._queries = queries
        self._precise = queries.astype(np.float64)
        self._k = k
        self._keys: list[Keys] = [np.empty(0, np.uint64) for _ in queries]
        self._scores: list[NDArray[np.float32]] = [np.empty(0, np.float32) for _ in queries]

    def show(self, keys: Keys, vectors: Vectors) -> None:
        """Show vectors (N, D) to every query."""
        if not len(keys):
            return
        rough = self._queries @ vectors.T  # (Q, N)
        for query, scores in enumerate(rough):
            near = np.flatnonzero(scores >= self._floor(query, scores) - _SLACK)
            self.offer(query, keys[near], vectors[near])

    def offer(self, query: int, keys: Keys, vectors: Vectors) -> None:
        """Show vectors (N, D) to the query with this number alone."""
        products = vectors.astype(np.float64) * self._precise[query]
        scores = products.sum(axis=1).clip(-1, 1).astype(np.float32)
        keys = np.concatenate([self._keys[query], keys])
        scores = np.concatenate([self._scores[query], scores])
        order = np.lexsort((keys, -scores))[: self._k]
        self._keys[query], self._scores[query] = keys[order], scores[order]

    def matches(self) -> Matches:
        """The best ones so far."""
        return Matches(self._keys, self._scores)

    def _floor(self, query: int, scores: NDArray[np.float32]) -> float:
        """Return a score that k of the vectors are known to reach, or -inf."""
        if len(self._keys[query]) == self._k:
            return float(self._scores[query][-1])
        if len(scores) > self._k:
            return float(np.partition(scores, -self._k)[-self._k])
        return -np.inf

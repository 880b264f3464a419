"""The only file that names USearch: an HNSW graph of keys, with what bites in USearch closed off.

Vectors are kept as one byte per component.  USearch's own conversion from float32 multiplies by
127 whatever the range, and the components of a unit row are small (0.04 at 512 dimensions: five
steps), so vectors are scaled by their own largest component here; the cosine does not mind.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from usearch.index import Index

from isa_cli.gallery.stores.scoring import members

if TYPE_CHECKING:
    import mmap

    from numpy.typing import NDArray

    from isa_cli.types import EmbeddingSpace, Keys, Vectors

    Codes = NDArray[np.int8]  # (N, D)

_FORMAT = 1
"""Rises when files written before must be made again."""

_DITHER = 0.25
"""Of a step; see ``quantise``."""


@dataclass(frozen=True, slots=True)
class BuildParams:
    """How a graph is built; files of another shape are made again.

    Measured by ``examples/experiments/recall.py`` on 100,000 x 512, clustered, with 512 candidates
    looked at: 16 links 661 bytes per vector and recall@10 0.967 after re-ranking, 24 links 724 and
    0.986, 32 links 788 and 0.991; USearch's own i8 at 32 links 0.985, its bf16 1,300 bytes and
    0.991.

    Attributes:
        connectivity: links per vector (twice that on the ground floor): 8 bytes each.
        expansion_add: candidates looked at for the links of a new vector; 256 would bring recall
            from 0.992 to 0.994, and take 1.5 times as long to make.
    """

    connectivity: int = 32
    expansion_add: int = 128

    def settings(self, space: EmbeddingSpace) -> str:
        """The settings that a file depends on, as JSON."""
        facts = {
            "engine": "usearch",
            "format": _FORMAT,
            "dtype": "i8",
            "connectivity": self.connectivity,
            "expansion_add": self.expansion_add,
            "dim": space.dim,
            "space": space.digest,
        }
        return json.dumps(facts, sort_keys=True)


def quantise(vectors: Vectors, dither: np.random.Generator | None = None) -> Codes:
    """Return (N, D) int8 with the same directions, to within a percent.

    Args:
        vectors: (N, D) float32, no zero rows.
        dither: rounds components that are about half a step off at random.  Bit-equal vectors
            become different codes: many equal ones link to each other alone, and a search that
            gets there never leaves, so that other vectors can't be found any more.
    """
    steps = vectors * (127 / np.abs(vectors).max(axis=1, keepdims=True))
    if dither is not None:
        steps += dither.uniform(-_DITHER, _DITHER, steps.shape).astype(np.float32)
    codes: Codes = np.rint(steps).astype(np.int8)
    return codes


class Graph:
    """An HNSW graph: in memory and growing, or mapped from a file and only read.

    Any number of threads may share it; they take turns.  USearch has one expansion for all
    searches of an index, and searches of one query each would share the same buffers.

    Args:
        dim: D, the length of a vector.
        shape: how it is built.
    """

    def __init__(self, dim: int, shape: BuildParams, *, lookups: bool = True) -> None:
        self._dim, self._shape = dim, shape
        self._index = self._made(lookups=lookups)
        self._image: mmap.mmap | None = None
        self._turn = threading.RLock()

    def _made(self, *, lookups: bool) -> Any:
        return Index(
            ndim=self._dim,
            metric="cos",
            dtype="i8",
            connectivity=self._shape.connectivity,
            expansion_add=self._shape.expansion_add,  # neither expansion is kept in a file
            enable_key_lookups=lookups,
        )

    @classmethod
    def load(cls, image: mmap.mmap, dim: int, shape: BuildParams) -> Graph:
        """Return a graph that can grow, read from a checked file, which is closed."""
        graph = cls(dim, shape)
        graph._index.load(image)
        image.close()
        return graph

    @classmethod
    def view(cls, image: mmap.mmap, dim: int, shape: BuildParams) -> Graph:
        """Return a graph that lives in a checked file; writing to it would be a crash."""
        graph = cls(dim, shape, lookups=False)
        graph._index.view(image)
        graph._image = image  # USearch holds a bare pointer into it
        return graph

    @property
    def is_view(self) -> bool:
        """Return whether it may only be read."""
        return self._image is not None

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._index)

    @property
    def keys(self) -> Keys:
        """Return every key, rising, (N,)."""
        with self._turn:
            listed = self._index
            if self.is_view and len(self):
                # It was opened without a table of its keys, which takes longer to make than the
                # view; and without one, what USearch says of its keys is made up.
                listed = self._made(lookups=True)
                listed.view(self._image)
            keys: Keys = np.sort(listed.keys[:])
        return keys

    def holds(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of these keys it has, (N,)."""
        if self.is_view:  # has no table of its keys
            return members(keys, self.keys)
        with self._turn:
            found: NDArray[np.bool_] = self._index.contains(keys)
        return found

    @property
    def removed(self) -> int:
        """Return the number of tombstones: vectors that were removed but still cost time."""
        with self._turn:
            return int(self._index.stats.nodes) - len(self)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add vectors, replacing those whose key is there; keys are unique and at least one."""
        codes = quantise(vectors, np.random.default_rng(int(keys[0])))
        with self._turn:
            self.remove(keys)  # USearch raises on a key it has, with a part of the batch added
            self._index.add(keys, codes, threads=1)  # more of them leave vectors nobody can reach

    def remove(self, keys: Keys) -> None:
        """Forget keys; unknown ones are passed over."""
        with self._turn:
            held = keys[self.holds(keys)]
            if len(held):
                self._index.remove(held)

    def nearest(self, queries: Vectors, count: int, expansion: int) -> list[Keys]:
        """Return about ``count`` keys per query, best first by their one-byte components."""
        codes = quantise(queries)
        with self._turn:
            if not len(self):
                return [np.empty(0, np.uint64) for _ in queries]
            self._index.expansion_search = expansion
            if len(queries) == 1:  # one query is answered in another shape than several
                return [self._index.search(codes, count, threads=1).keys]
            found = self._index.search(codes, count)
            return [found[query].keys for query in range(len(queries))]  # padding is cut off

    def save(self, path: str) -> None:
        """Write a file; not atomic, see ``files.write``."""
        with self._turn:
            self._index.save(os.fspath(path))

    def close(self) -> None:
        """Give memory and file back; the graph is empty afterwards."""
        with self._turn:
            self._index.reset()
            if self._image is not None:
                self._image.close()

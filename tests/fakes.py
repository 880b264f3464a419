"""Fakes whose answers you can work out by eye."""

import threading

import numpy as np

from isa_cli.errors import ModelError
from isa_cli.filters import And, Compare, Not, Or
from isa_cli.gallery.stores.scoring import (
    check_batch,
    check_keys,
    check_queries,
    reach,
    score_candidates,
)
from isa_cli.types import EmbeddingSpace, IndexStatus


class MeanColour:
    """An encoder whose vector is a photo's mean colour: (R, G, B) at unit length.

    Args:
        poison: pictures whose mean red is above this make the whole batch fail, as a picture
            that overflows a real model would.
    """

    space = EmbeddingSpace("mean-colour", 3, "c" * 64)
    lanes = 2
    batch_size = 4
    input_size = (8, 8)

    def __init__(self, poison=None):
        self.poison = poison
        self.encoded = 0
        self.batches = []
        self._lock = threading.Lock()

    def __reduce__(self):
        return type(self), (self.poison,)  # another process counts for itself

    def prepare(self, image):
        return np.asarray(image.resize((8, 8)))

    def encode(self, batch):
        means = np.stack([pixels.reshape(-1, 3).mean(axis=0) for pixels in batch])
        if self.poison is not None and (means[:, 0] > self.poison).any():
            raise ModelError("the model gave no finite vector")
        with self._lock:
            self.encoded += len(batch)
            self.batches.append(len(batch))
        vectors = means.astype(np.float32) + np.float32(1e-3)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class FakeRows:
    """A catalogue's vectors in a dictionary; every photo is as many pixels wide as its key.

    So ``Compare("width", "<=", 5)`` keeps the vectors 1 to 5.

    Attributes:
        read: how many vectors have been handed out.
    """

    CHUNK = 400

    def __init__(self, keys=(), vectors=()):
        self.read = 0
        self._vectors = {}
        self.put(keys, vectors)

    def put(self, keys, vectors):
        """Take vectors as the catalogue does, in float16."""
        for key, vector in zip(keys, vectors, strict=True):
            self._vectors[int(key)] = np.float16(vector)

    def drop(self, keys):
        for key in keys:
            self._vectors.pop(int(key), None)

    def count(self, *, after=0):
        return sum(key > after for key in self._vectors)

    def select(self, where):
        return np.array([key for key in sorted(self._vectors) if _keeps(where, key)], np.uint64)

    def chunks(self, keys=None, *, after=0):
        known = self._vectors if keys is None else self._vectors.keys() & {int(k) for k in keys}
        wanted = sorted(key for key in known if key > after)
        for start in range(0, len(wanted), self.CHUNK):
            chunk = wanted[start : start + self.CHUNK]
            self.read += len(chunk)
            vectors = np.stack([self._vectors[key] for key in chunk])
            yield np.array(chunk, np.uint64), vectors.astype(np.float32)


def _keeps(where, key):
    """Return whether a filter on the width alone keeps the photo with this key."""
    if isinstance(where, And):
        return all(_keeps(part, key) for part in where.parts)
    if isinstance(where, Or):
        return any(_keeps(part, key) for part in where.parts)
    if isinstance(where, Not):
        return not _keeps(where.part, key)
    if isinstance(where, Compare) and where.field == "width":
        return {"<=": key <= where.value, ">": key > where.value}[where.op]
    return where.field == "width" and key in where.values  # In


class Server:
    """A vector database that runs somewhere else and has never heard of the catalogue.

    Attributes:
        vectors: (D,) float16 by key.
        covered: a number that it keeps for its client, as durable as the vectors.
        writes: the keys of every upsert, one list a call.
    """

    def __init__(self):
        self.vectors = {}
        self.covered = 0
        self.writes = []

    def put(self, keys, vectors):
        self.writes.append(keys.tolist())
        self.vectors.update(zip(keys.tolist(), vectors.astype(np.float16), strict=True))

    def drop(self, keys):
        for key in keys.tolist():
            self.vectors.pop(key, None)

    def nearest(self, query, count, allowed):
        """Return keys, best first, by products of its own rounding."""
        keys = [key for key in self.vectors if allowed is None or key in allowed]
        scores = [float(np.float16(self.vectors[key] @ query.astype(np.float16))) for key in keys]
        best = sorted(zip(scores, keys, strict=True), key=lambda pair: -pair[0])[:count]
        return np.array([key for _, key in best], np.uint64)


class RemoteIndex:
    """An engine of somebody else's: all that the protocol asks for, over a ``Server``."""

    def __init__(self, server, space, rows, *, writable=True):
        self._server, self._rows, self._writable = server, rows, writable
        self.space = space

    def __len__(self):
        return self._rows.count()

    def upsert(self, keys, vectors):
        assert self._writable
        self._server.put(*check_batch(keys, vectors, self.space))

    def remove(self, keys):
        assert self._writable
        self._server.drop(check_keys(keys))

    def known(self, keys):
        return np.array([int(key) in self._server.vectors for key in keys], bool)

    def held_keys(self):
        keys = np.array(sorted(self._server.vectors), np.uint64)
        yield from (keys[start : start + 100] for start in range(0, len(keys), 100))

    def search(self, queries, k, where=None, *, exact=False):
        queries = check_queries(queries, k, self.space)
        allowed = None if where is None else self._rows.select(where)
        wanted = min(k, len(self) if allowed is None else len(allowed))
        among = None if allowed is None else set(allowed.tolist())
        fetch = len(self._server.vectors) if exact else 4 * k
        while True:
            found = score_candidates(
                self._rows,
                queries,
                k,
                [self._server.nearest(query, fetch, among) for query in queries],
                after=self._server.covered,
                allowed=allowed,
            )
            complete = all(len(keys) >= wanted for keys in found.keys)
            if complete or fetch >= len(self._server.vectors):
                return found
            fetch *= 4  # much of what it proposed has been forgotten

    def status(self):
        behind = self._rows.count(after=self._server.covered)
        reason = "" if self._server.vectors or not behind else "nothing was sent there yet"
        return IndexStatus("remote", len(self._server.vectors), behind, reason, place="memory://")

    def flush(self):
        if self._writable:
            self._server.covered = reach(self._rows, self.known)

    def close(self):
        pass

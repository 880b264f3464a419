"""Fakes whose answers you can work out by eye."""

import threading

import numpy as np

from isa_cli.errors import ModelError
from isa_cli.filters import And, Compare, Not, Or
from isa_cli.types import EmbeddingSpace


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

    def count(self):
        return len(self._vectors)

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

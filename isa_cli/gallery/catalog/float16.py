"""Vectors as the catalogue holds them, float16 rows as bytes; and back.

The only part of the catalogue that needs numpy, so that counting and forgetting files start fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from isa_cli.types import Keys, Vectors


def to_blobs(vectors: Sequence[NDArray[np.float32]], dim: int) -> list[bytes]:
    """Return each vector as the float16 bytes (little-endian) of its unit row.

    Raises:
        ValueError: a vector has another length, is zero, or is not finite.
    """
    if any(vector.shape != (dim,) for vector in vectors):
        raise ValueError(f"every vector must have shape ({dim},)")
    rows = np.array(vectors, np.float64).reshape(-1, dim)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError("every vector must be finite and not zero")
    # Adding zero turns -0.0 into 0.0: what is equal shall be equal bit by bit.
    return [row.tobytes() for row in (rows / lengths).astype("<f2") + np.float16(0)]


def to_vectors(blobs: Sequence[bytes]) -> Vectors:
    """Return (N, D) float32 unit rows; what float16 took from their length is made good."""
    if not blobs:
        return np.empty((0, 0), np.float32)
    halves = np.frombuffer(b"".join(blobs), "<f2").reshape(len(blobs), -1)
    rows = halves.astype(np.float32)
    rows /= np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    return rows


def to_keys(keys: Iterable[int]) -> Keys:
    """Return (N,) uint64."""
    return np.fromiter(keys, np.uint64)

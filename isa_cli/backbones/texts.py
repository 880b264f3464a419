"""What every text encoder does with a list of texts: a chunk at a time, and no cut in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors

CHUNK = 64
"""Texts that go through the tower together."""

SHOWN = 40
"""Characters of a text that are enough to recognise it by."""


def encode_in_chunks(
    texts: Sequence[str],
    dim: int,
    encode: Callable[[Sequence[str]], tuple[Vectors, Sequence[bool]]],
    reporter: Reporter | None,
) -> Vectors:
    """Return (N, dim) unit rows for N texts, having warned of those whose end was cut.

    Args:
        texts: any number of them.
        dim: D, the length of a vector.
        encode: returns (B, dim) unit rows for B texts, and which of them were too long.
        reporter: is warned, if there is one.
    """
    rows = [np.empty((0, dim), np.float32)]
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        vectors, cut = encode(chunk)
        rows.append(vectors)
        for text, was_cut in zip(chunk, cut, strict=True):
            if was_cut and reporter is not None:
                reporter.warn(f"too long for the model, the end was cut: {text[:SHOWN]}…")
    return np.concatenate(rows)

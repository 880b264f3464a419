"""What every text encoder may do: a chunk of texts at a time, no cut in silence, each text once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from isa_cli.protocols import TextEncoder
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Vectors

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
                reporter.warn(
                    f"too long for the model, the end was cut: {printable(text[:SHOWN])}…"
                )
    return np.concatenate(rows)


class CachingTextEncoder:
    """A ``TextEncoder`` that keeps every vector it was ever asked for.

    Args:
        encoder: does the work.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._encoder.space

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode_text(new), strict=True))
        rows = [self._known[text] for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.space.dim), np.float32)

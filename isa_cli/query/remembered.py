"""A text encoder that encodes each text once, for callers who ask for the same ones often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isa_cli.protocols import TextEncoder
    from isa_cli.types import EmbeddingSpace, Vectors


class Remembered:
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

"""Texts of plain CLIP models as vectors, in a tenth of the time that importing torch takes.

A dozen positions through a text tower are some 30 ms of arithmetic; importing torch and open_clip
to do it takes seconds.  For the one kind of tower that most models have, numpy does the same here.
Every other kind, and every file that is not just as expected, is left to ``load_backbone``: nothing
is guessed, and the words for what is wrong with a file are found there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isa_cli.encoders.numpy_text.text_tower import TextTower, plain_shape
from isa_cli.encoders.numpy_text.tokenizer import Tokenizer, read_merges
from isa_cli.encoders.numpy_text.weights import open_weights
from isa_cli.encoders.texts import encode_in_chunks
from isa_cli.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isa_cli.encoders.files import ModelFiles
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Vectors

__all__ = ["NumpyTextEncoder", "numpy_text_encoder"]


def numpy_text_encoder(
    files: ModelFiles, reporter: Reporter | None = None
) -> NumpyTextEncoder | None:
    """Return a text encoder that needs no torch, or ``None`` where only the slow way is exact.

    Args:
        files: of the model.
        reporter: is warned of texts that are longer than the model reads.
    """
    shape = plain_shape(files.config)
    weights = shape and open_weights(files.weights, shape.tensors())
    merges = weights and read_merges()
    if not (shape and weights and merges):
        return None
    tokenizer = Tokenizer(merges, shape.context_length)
    return NumpyTextEncoder(files.space, tokenizer, TextTower(shape, weights), reporter)


class NumpyTextEncoder:
    """A ``TextEncoder`` in numpy, fp32; gives what ``query.text.BackboneTextEncoder`` gives.

    Args:
        space: of the model.
        tokenizer, tower: its text part.
        reporter: is warned of texts that are longer than the model reads.
    """

    def __init__(
        self,
        space: EmbeddingSpace,
        tokenizer: Tokenizer,
        tower: TextTower,
        reporter: Reporter | None = None,
    ) -> None:
        self._space = space
        self._tokenizer = tokenizer
        self._tower = tower
        self._reporter = reporter

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._space

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts.

        Raises:
            ModelError: the model gave no usable numbers.
        """
        return encode_in_chunks(texts, self.space.dim, self._encode, self._reporter)

    def _encode(self, texts: Sequence[str]) -> tuple[Vectors, Sequence[bool]]:
        ids, cut = self._tokenizer.tokenize(texts)
        with np.errstate(all="ignore"):  # damaged weights are told once, by _unit_rows
            return self._unit_rows(self._tower.features(ids)), cut

    def _unit_rows(self, features: NDArray[np.float32]) -> Vectors:
        norms = np.linalg.norm(features, axis=-1, keepdims=True)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise ModelError(
                f"{self.space.name} gives numbers that are not finite", "the weights are damaged"
            )
        rows: Vectors = features / norms
        return rows

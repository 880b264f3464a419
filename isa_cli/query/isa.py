"""The composer that is learned: a picture's sentence and the modifier, read by the text tower.

Image2Sentence, Du et al., ICLR 2024: only the light encoder looks at the reference; the gallery's
large visual encoder is not even loaded.  The symmetric variant and published networks differ in
what makes the sentence alone, see ``query.image2sentence``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from isa_cli.errors import SpaceMismatch
from isa_cli.query.composers import TrainingFree, pushed_away, unit
from isa_cli.query.image2sentence import image_to_sentence
from isa_cli.query.reading import reader_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isa_cli.encoders import Backbone
    from isa_cli.protocols import TextEncoder
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.composers import Calibration
    from isa_cli.query.image2sentence import Picture
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Query, Vectors

    Vector = NDArray[np.float32]  # (D,)

BATCH = 64
"""Sentences read at once."""

BESIDE = 0.6
"""Weight of the words in the slerp that a learned answer is blended with (ours)."""


class IsaComposer:
    """Reference pictures become sentences; prompt, sentence and modifier are read as one text.

    Args:
        model: the query model, of any kind.
        backbone: loaded with the parts that the model's header names; the model's space must be
            its space.
        text: encodes what is unwanted.
        calibration: the scores of the gallery that will be searched.
        blend: weight of slerp's answer beside the learned one, 0 (none) to 1 (ours).
        reporter: is warned of modifiers that are longer than the tower reads.
        method: one of the model's; ``None``: its best.

    Raises:
        SpaceMismatch: the model was made for another space.
        ModelError: it does not say what it looks with, or its template does not fit.
    """

    def __init__(
        self,
        model: QueryModel,
        backbone: Backbone,
        text: TextEncoder,
        calibration: Calibration,
        blend: float = 0.0,
        reporter: Reporter | None = None,
        method: str | None = None,
    ) -> None:
        if model.header.space != backbone.space:
            raise SpaceMismatch(backbone.space, model.header.space)
        self._method = method or model.header.method
        self._image_to_sentence = image_to_sentence(model, backbone)
        self._reader = reader_of(model, backbone, self._method, reporter)
        self._backbone = backbone
        self._text = text
        self._calibration = calibration
        self.blend = blend

    @property
    def name(self) -> str:
        """What ``--method`` calls it."""
        return self._method

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._backbone.space

    def compose(self, queries: Sequence[Query]) -> Vectors:
        """Return (Q, D) unit rows; several references of one query are read apart and averaged.

        Raises:
            ValueError: a query without a reference picture.
            ImageError: a reference can't be opened.
        """
        read = self._read([(image, query.modifier) for query in queries for image in query.images])
        texts = sorted({text for query in queries for text in query.avoid_texts if text})
        words = dict(zip(texts, self._text.encode_text(texts), strict=True)) if texts else {}
        vectors = []
        for query in queries:
            own, read = np.split(read, [len(query.images)])
            if not len(own):
                raise ValueError(f"{self.name} composes from pictures, and this query has none")
            vectors.append(unit(own.mean(axis=0)))
        learned = self._blended(queries, np.stack(vectors)) if self.blend else np.stack(vectors)
        return np.stack(
            [
                unit(pushed_away(vector, query, words, self._calibration))
                for vector, query in zip(learned, queries, strict=True)
            ]
        )

    def _blended(self, queries: Sequence[Query], learned: Vectors) -> Vectors:
        """Return the learned vectors mixed with slerp's, by ``blend``; what is unwanted waits."""
        wanted = [replace(query, avoid_texts=(), avoid_images=None) for query in queries]
        plain = TrainingFree("slerp", self._text, self._calibration, BESIDE).compose(wanted)
        return blended(learned, plain, self.blend)

    @torch.inference_mode()
    def _read(self, pairs: Sequence[tuple[Picture, str]]) -> Vectors:
        """Return one unit row for each picture and its modifier."""
        rows = [np.empty((0, self.space.dim), np.float32)]
        for start in range(0, len(pairs), BATCH):
            chunk = pairs[start : start + BATCH]
            sentence = self._image_to_sentence.sentences([picture for picture, _ in chunk])
            modifiers = [modifier for _, modifier in chunk]
            features = self._reader.read(sentence.tokens, modifiers, sentence.features)
            rows.append(self._backbone.unit_rows(features))
        return np.concatenate(rows)


def blended(learned: Vectors, plain: Vectors, blend: float) -> Vectors:
    """Return (Q, D) unit rows between two answers to the same queries, each (Q, D) unit rows.

    Args:
        learned: by a query model.
        plain: by a training-free composer.
        blend: the weight of ``plain``, 0 to 1.
    """
    return np.stack([unit(vector) for vector in (1 - blend) * learned + blend * plain])

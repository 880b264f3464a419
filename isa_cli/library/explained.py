"""A question, its answer, and how the answer came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import UsageError
from isa_cli.search.references import read_reference

if TYPE_CHECKING:
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.query.explain import Explanation, Split
    from isa_cli.search.request import Answer, Request
    from isa_cli.search.searcher import Searcher


@dataclass(frozen=True, slots=True)
class Explained:
    """A question, its answer, and how the answer came about.

    Attributes:
        request: one reference and words.
        answer: what a search finds.
        explanation: the query, taken apart.
        splits: how the score of each hit comes about.
    """

    request: Request
    answer: Answer
    explanation: Explanation
    splits: list[Split]


def take_apart(
    request: Request, gallery: Gallery, searcher: Searcher, foundation: Foundation
) -> Explained:
    """Asks a question, and says how the answer came about.

    Args:
        request: one reference and words; the gallery's query model decides the method.
        gallery: open.
        searcher: over it.
        foundation: the gallery's large model.

    Raises:
        UsageError: not one picture and words, or nothing was learned for this gallery.
        ImageError: the reference can't be opened.
    """
    if len(request.references) != 1 or not request.modifier:
        raise UsageError(
            "there is something to explain of one picture and the words that change it",
            'isa explain ref.jpg "same dress but sleeveless"',
        )
    file = searcher.query_file
    if file is None:
        raise UsageError(
            "this gallery has no query model: its searches mix picture and words by a fixed "
            "formula, and there is nothing learned to explain",
            "isa train makes one from the gallery's own photos",
        )
    answer = searcher.search(request)
    from isa_cli.query.explain import Explainer  # noqa: PLC0415 - torch

    picture = read_reference(request.references[0])
    blend = 0.0 if answer.alpha is None else 1.0 - answer.alpha
    explainer = Explainer(
        file.load(gallery.space),
        foundation.clip(file.header.parts),
        foundation.torch_text_encoder(),
        answer.method,
    )
    explanation = explainer.explain(
        picture.open,
        request.modifier,
        blend=blend,
        reference=searcher.vector_of(picture) if blend else None,
    )
    found = [gallery.catalog.vectors.of(bytes.fromhex(hit.photo.digest)) for hit in answer]
    splits = explanation.splits(np.array(found, np.float32), searcher.calibration)
    return Explained(request, answer, explanation, splits)

"""A composer of one's own, beside two of isa's, asked what has known answers.

    python examples/composer_of_your_own.py

A composer turns a reference and words into one vector (``isa_cli.protocols.Composer``).  This one
walks from the reference along what the words say that a picture without words does not.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from isa_cli import Foundation
from isa_cli.encoders.texts import CachingTextEncoder
from isa_cli.evaluation.measure import calibration
from isa_cli.evaluation.runner import run
from isa_cli.evaluation.vectors import cache_folder, vectors_of
from isa_cli.evaluation.wardrobe import wardrobe
from isa_cli.query.composers import TrainingFree
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.protocols import TextEncoder
    from isa_cli.types import Query, Vectors

NOTHING_SAID = "a picture"


class Direction:
    """``v + step (w(modifier) - w(nothing said))``, at unit length.

    Args:
        text: encodes words, in the gallery's space.
        step: how far to walk.
    """

    name = "direction"

    def __init__(self, text: TextEncoder, step: float = 1.0) -> None:
        self.space = text.space
        self._text = text
        self._step = np.float32(step)

    def compose(self, queries: Sequence[Query]) -> Vectors:
        """Return (Q, D) unit rows; several references count as their mean."""
        said = self._text.encode_text([query.modifier or NOTHING_SAID for query in queries])
        walk = said - self._text.encode_text([NOTHING_SAID])
        references = np.stack([query.references.mean(axis=0) for query in queries])
        rows = references + self._step * walk
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def main() -> None:
    """Render a small wardrobe, ask every composer the same questions, print a table."""
    parser = argparse.ArgumentParser(description="A composer of one's own, beside isa's.")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=1_000)
    asked = parser.parse_args()

    benchmark = wardrobe(Silent(), seed=1, cases=asked.questions, gallery=asked.pictures)
    model = Foundation("isa-mini", device="cpu", precision="fp32")
    vectors = vectors_of(
        benchmark.images,
        cache_folder(model.space, "fp32"),
        model.space,
        model.gallery_encoder,
        model.input_size,
        Silent(),
    )
    text = CachingTextEncoder(model.text_encoder())  # every text is read once
    isas = [TrainingFree(name, text, calibration(vectors)) for name in ("slerp", "calibrated")]
    for result in run(benchmark, vectors, [Direction(text), *isas], Silent()):
        shares = (f"{name} {values.mean():6.1%}" for name, values in result.values.items())
        print(f"{result.method:10}", *shares, sep="  ")


if __name__ == "__main__":
    main()

"""Which composer should be the default?  Measured on captioned photos.

    python examples/experiments/compare_composers.py --photos DIR --captions captions.csv \
      --model DIR
    python examples/experiments/compare_composers.py ... --query-model FILE   # isa, and blends

Pseudo-triplets are mined from the captions (several people's words for each photo), with no
picture looked at: reference and target are photos whose captions share most of their content
words but not all; the modifier is made of the target's words that the reference lacks.  The
target is the only right answer, so the numbers are low for every method (many other photos show
"a brown dog ... in the snow" too); what they rank is the composers.  Targets are split in two
halves: alphas are chosen on the first (by R@10), the table is from the second.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.encoders.foundation import Foundation
from isa_cli.encoders.texts import CachingTextEncoder
from isa_cli.images import open_image, read_file
from isa_cli.query.checkpoint import load
from isa_cli.query.composers import MIXES, Calibration, TrainingFree
from isa_cli.query.isa import BESIDE, IsaComposer, blended
from isa_cli.types import Query

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.types import Vectors

STOP = frozenset(
    """
    a an the is are be being in on at of to and with while his her their its it he she they as by
    for from up down out two three one some other another through over under near front into that
    this there him them who which what off very
    """.split()  # noqa: SIM905 - reads better than ninety quotes
)
ALPHAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Triplet:
    """Positions of reference and target in the gallery, and the words between them."""

    reference: int
    modifier: str
    target: int


TOP = 10
"""Alphas are chosen, and intervals given, for R@10."""


def content_words(captions: list[str]) -> set[str]:
    """Return the words that at least two people used for a photo."""
    votes: dict[str, int] = defaultdict(int)
    for caption in captions:
        for word in set(re.findall(r"[a-z]+", caption.lower())) - STOP:
            votes[word] += 1
    return {word for word, count in votes.items() if count > 1}


def mine(
    captions: list[list[str]], seed: int, *, each: int = 5, least: int = 2, most: int = 3
) -> list[Triplet]:
    """Return up to ``each`` triplets per target: references with similar words, 1-3 of them new."""
    words = [content_words(of_photo) for of_photo in captions]
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    triplets = []
    for target, target_words in enumerate(words):
        fitting = [
            reference
            for reference, reference_words in enumerate(words)
            if reference != target
            and len(reference_words & target_words) >= least
            and 1 <= len(target_words - reference_words) <= most
            and reference_words - target_words
        ]
        for reference in rng.sample(fitting, min(each, len(fitting))):
            new = sorted(target_words - words[reference], key=" ".join(captions[target]).find)
            triplets.append(Triplet(reference, " ".join(new), target))
    return triplets


def ranks(queries: Vectors, triplets: list[Triplet], vectors: Vectors) -> NDArray[np.int64]:
    """Return each target's rank from 0 in the gallery without the reference, (Q,)."""
    scores = queries @ vectors.T  # (Q, N)
    rows = np.arange(len(triplets))
    scores[rows, [t.reference for t in triplets]] = -np.inf
    targets = scores[rows, [t.target for t in triplets]]
    better: NDArray[np.int64] = (scores > targets[:, None]).sum(axis=1)
    return better


class World:
    """Photos, their vectors, and what is asked about them."""

    def __init__(
        self, photos: list[Path], foundation: Foundation, query_model: Path | None
    ) -> None:
        self.photos = photos
        clip = foundation.clip({"image", "text"})
        encoder = foundation.gallery_encoder()
        parts = []
        for start in range(0, len(photos), 64):
            chunk = photos[start : start + 64]
            pixels = [encoder.prepare(open_image(read_file(bytes(path)))[0]) for path in chunk]
            parts.append(encoder.encode(pixels))
        self.vectors: Vectors = np.concatenate(parts)
        self.text = CachingTextEncoder(foundation.torch_text_encoder())
        self.calibration = Calibration(self.vectors)
        self.isa = query_model and IsaComposer(
            load(query_model, foundation.space), clip, self.text, self.calibration
        )

    def queries(self, triplets: list[Triplet]) -> list[Query]:
        """Return the triplets as composers take them."""
        return [
            Query(
                references=self.vectors[[t.reference]],
                modifier=t.modifier,
                images=(partial(_opened, self.photos[t.reference]),),
            )
            for t in triplets
        ]

    def mixed(self, method: str, triplets: list[Triplet]) -> dict[float, Vectors]:
        """Return the query vectors (Q, D) by the weight of the words, or of isa beside slerp."""
        queries = self.queries(triplets)
        if method != "isa":
            alphas = ALPHAS if method in {"sum", "slerp", "calibrated"} else (0.5,)
            return {
                alpha: TrainingFree(method, self.text, self.calibration, alpha).compose(queries)
                for alpha in alphas
            }
        assert self.isa
        learned = self.isa.compose(queries)
        plain = TrainingFree("slerp", self.text, self.calibration, BESIDE).compose(queries)
        return {alpha: blended(learned, plain, 1 - alpha) for alpha in (*ALPHAS, 1.0)}

    def sentences_alone(self) -> tuple[float, float]:
        """Return image to sentence to image R@1 and R@10 over all photos."""
        assert self.isa
        alone = [Triplet(row, "", row) for row in range(len(self.photos))]
        scores = self.isa.compose(self.queries(alone)) @ self.vectors.T
        found = (scores > scores.diagonal()[:, None]).sum(axis=1)
        return float((found < 1).mean()), float((found < TOP).mean())


def _opened(path: Path, at_least: tuple[int, int] | None = None) -> Image:
    return open_image(read_file(bytes(path)), at_least=at_least)[0]


def interval(hits: NDArray[np.bool_], targets: NDArray[np.int64], seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of ``hits``, whole targets drawn at a time."""
    rng = np.random.default_rng(seed)
    ids = np.unique(targets)
    sums = np.array([hits[targets == i].sum() for i in ids])
    counts = np.array([(targets == i).sum() for i in ids])
    draws = rng.integers(0, len(ids), (2000, len(ids)))
    low, high = np.quantile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", required=True)
    parser.add_argument("--query-model", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    captions: dict[str, list[str]] = defaultdict(list)
    with arguments.captions.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["split"] == arguments.split:
                captions[row["image"]].append(row["caption"])
    names = sorted(captions)
    world = World(
        [arguments.photos / name for name in names],
        Foundation(arguments.model),
        arguments.query_model,
    )
    if arguments.query_model:
        at_1, at_10 = world.sentences_alone()
        print(f"image to sentence to image: R@1 {100 * at_1:.1f}, R@10 {100 * at_10:.1f}")
    triplets = mine([captions[name] for name in names], arguments.seed)
    halves = [[t for t in triplets if t.target % 2 == part] for part in (0, 1)]
    tuning, held_out = halves
    print(f"{len(names)} photos, {len(tuning)} triplets for alpha, {len(held_out)} for the table\n")
    print("| composer | alpha | R@1 | R@5 | R@10 (95 %) |\n| --- | --- | --- | --- | --- |")
    targets = np.array([t.target for t in held_out])
    for method in (*MIXES, *(["isa"] if arguments.query_model else [])):
        tried = world.mixed(method, tuning)
        hits = {a: (ranks(q, tuning, world.vectors) < TOP).mean() for a, q in tried.items()}
        best = max(hits, key=lambda alpha: float(hits[alpha]))
        weights = [best] if method != "isa" else sorted({best, 1.0})
        asked = world.mixed(method, held_out)
        for alpha in weights:
            found = ranks(asked[alpha], held_out, world.vectors)
            at_1, at_5, at_10 = (100 * float((found < k).mean()) for k in (1, 5, 10))
            shown = f"{alpha:g}" if len(tried) > 1 else ""
            low, high = interval(found < TOP, targets, arguments.seed)
            print(
                f"| {method} | {shown} | {at_1:.1f} | {at_5:.1f} "
                f"| {at_10:.1f} ({100 * low:.1f} to {100 * high:.1f}) |"
            )


if __name__ == "__main__":
    main()

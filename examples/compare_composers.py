"""Which training-free composer should be the default?  Measured on captioned photos.

    python examples/compare_composers.py --photos DIR --captions captions.csv --model DIR

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
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.backbones import load_backbone
from isa_cli.gallery.encoder import BackboneEncoder
from isa_cli.images import open_image, read_file
from isa_cli.query.composers import MIXES, Calibration, TrainingFree
from isa_cli.query.remembered import Remembered
from isa_cli.query.text import BackboneTextEncoder
from isa_cli.types import Query

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def ranks(
    composer: TrainingFree, triplets: list[Triplet], vectors: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return each target's rank from 0 in the gallery without the reference, (Q,)."""
    queries = [Query(references=vectors[[t.reference]], modifier=t.modifier) for t in triplets]
    scores = composer.compose(queries) @ vectors.T  # (Q, N)
    rows = np.arange(len(triplets))
    scores[rows, [t.reference for t in triplets]] = -np.inf
    targets = scores[rows, [t.target for t in triplets]]
    better: NDArray[np.int64] = (scores > targets[:, None]).sum(axis=1)
    return better


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
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    captions: dict[str, list[str]] = defaultdict(list)
    with arguments.captions.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["split"] == arguments.split:
                captions[row["image"]].append(row["caption"])
    names = sorted(captions)
    backbone = load_backbone(arguments.model)
    encoder = BackboneEncoder(backbone)
    pixels = [encoder.prepare(open_image(read_file(arguments.photos / name))[0]) for name in names]
    vectors = np.concatenate(
        [encoder.encode(pixels[i : i + 64]) for i in range(0, len(pixels), 64)]
    )
    calibration = Calibration(vectors)
    text = Remembered(BackboneTextEncoder(backbone))
    triplets = mine([captions[name] for name in names], arguments.seed)
    halves = [[t for t in triplets if t.target % 2 == part] for part in (0, 1)]
    tuning, held_out = halves
    print(f"{len(names)} photos, {len(tuning)} triplets for alpha, {len(held_out)} for the table\n")
    print("| composer | alpha | R@1 | R@5 | R@10 (95 %) |\n| --- | --- | --- | --- | --- |")
    targets = np.array([t.target for t in held_out])
    for method in MIXES:
        alphas = ALPHAS if method in {"sum", "slerp", "calibrated"} else (0.5,)
        composers = [TrainingFree(method, text, calibration, alpha) for alpha in alphas]
        best = max(composers, key=lambda c: float((ranks(c, tuning, vectors) < TOP).mean()))
        found = ranks(best, held_out, vectors)
        at_1, at_5, at_10 = (100 * float((found < k).mean()) for k in (1, 5, 10))
        low, high = interval(found < TOP, targets, arguments.seed)
        shown = f"{best.alpha:g}" if len(alphas) > 1 else ""
        print(
            f"| {method} | {shown} | {at_1:.1f} | {at_5:.1f} "
            f"| {at_10:.1f} ({100 * low:.1f} to {100 * high:.1f}) |"
        )


if __name__ == "__main__":
    main()

"""A benchmark of one's own: does a model find the photo that a cut-out was taken from?

    python examples/benchmark_of_your_own.py ~/Pictures --model small

A benchmark is pictures, questions with known answers, and metrics (``evaluation.benchmark``); the
rest of ``isa eval`` then works for it: vectors kept between runs, every composer, intervals.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.evaluation import Benchmark, Case, EvalConfig, Ranking, at, evaluate
from isa_cli.evaluation.metrics import recall_at
from isa_cli.images import open_file

if TYPE_CHECKING:
    from collections.abc import Sequence


def reciprocal_rank(ranking: Ranking, case: Case) -> float:
    """Return 1 for a right answer in the first place, 1/2 in the second, ..., 0 for none."""
    places = [place for place, one in enumerate(ranking.top, start=1) if one in case.targets]
    return 1 / places[0] if places else 0.0


def cut_outs(photos: Sequence[Path], folder: Path) -> Benchmark:
    """Return one question per photo: its middle, a third as wide and as high, asks for it.

    Args:
        photos: what may be found.
        folder: for the cut-outs.
    """
    pieces = []
    for number, path in enumerate(photos):
        photo = open_file(os.fsencode(path))  # upright, whatever its format
        width, height = photo.size
        middle = (width // 3, height // 3, width - width // 3, height - height // 3)
        pieces.append(folder / f"{number:05}.png")
        photo.crop(middle).save(pieces[-1])
    found = np.arange(len(photos))  # the cut-outs themselves are no answers
    return Benchmark(
        name="cut-outs",
        split="all",
        images=[*photos, *pieces],
        cases=[
            Case(photo.name, len(photos) + number, "", targets=(number,), gallery=found)
            for number, photo in enumerate(photos)
        ],
        metrics={"R@1": at(recall_at, 1), "MRR@10": reciprocal_rank},
        depth=10,
        keep_reference=False,
    )


def main() -> None:
    """Cut, embed, ask, print."""
    parser = argparse.ArgumentParser(description="Find photos by their cut-outs.")
    parser.add_argument("photos", type=Path, help="a folder of JPEGs")
    parser.add_argument("--model", default="small")
    asked = parser.parse_args()
    photos = sorted(asked.photos.expanduser().rglob("*.jpg"))
    if not photos:
        parser.error(f"there is no .jpg in {asked.photos}")

    with tempfile.TemporaryDirectory() as folder:
        config = EvalConfig(asked.model, methods=("image",))
        done = evaluate(lambda: cut_outs(photos, Path(folder)), config)
    result = done.document["results"][0]
    for name, share in result["metrics"].items():
        low, high = result["intervals"][name]
        print(f"{name:7} {share:6.1%}  (95 % interval {low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()

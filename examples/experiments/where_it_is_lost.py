"""Where composed search over the wardrobe loses its answers: bounds beside the methods.

    python examples/experiments/where_it_is_lost.py --seeds 1 2 3

The same questions are asked in four more ways.  By a full caption of the right answer: what the
space could give.  By the reference's own full caption with the modifier behind it: what the text
tower composes where real words stand in the picture's place.  And by other pictures of the same
garment as the reference, each read with the modifier, one alone and the answers averaged: what
chance in the picture (light, ground, pose) costs.  Only who draws the world can ask so.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.cli.console import ConsoleReporter
from isa_cli.encoders.names import BUNDLED, BUNDLED_QUERY
from isa_cli.evaluation import EvalConfig
from isa_cli.evaluation.measure import Bench
from isa_cli.evaluation.names import CASES, GALLERY
from isa_cli.evaluation.runner import Reference, run
from isa_cli.evaluation.wardrobe import SEEN, UNSEEN, wardrobe
from isa_cli.wardrobe import folder
from isa_cli.wardrobe.captions import caption
from isa_cli.wardrobe.cases import collection
from isa_cli.wardrobe.scenes import place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from isa_cli.evaluation.benchmark import Case
    from isa_cli.protocols import Composer
    from isa_cli.query.image2sentence import Picture
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Query, Vectors
    from isa_cli.wardrobe.cases import Collection

    Hits = NDArray[np.float64]  # (Q,) R@1 of each question

LEARNED = ("isa", "two-stage")


@dataclass(frozen=True, slots=True)
class OtherPictures:
    """A learned composer that is shown other pictures instead of a reference.

    Attributes:
        learned: reads each of several pictures apart, and averages.
        shown: pictures by the reference.
    """

    learned: Composer
    shown: Mapping[Picture, Sequence[Reference]]

    @property
    def name(self) -> str:
        """The composer's own."""
        return self.learned.name

    @property
    def space(self) -> EmbeddingSpace:
        """The composer's own."""
        return self.learned.space

    def compose(self, queries: Sequence[Query]) -> Vectors:
        """Return (Q, D) unit rows."""
        return self.learned.compose(
            [replace(query, images=tuple(self.shown[query.images[0]])) for query in queries]
        )


def asked(seed: int, arguments: argparse.Namespace, reporter: Reporter) -> dict[str, list[Hits]]:
    """Return R@1 of every question of a wardrobe by each way to ask: on seen pairs, on unseen."""
    config = EvalConfig(
        BUNDLED, precision="fp32", methods=LEARNED, query_model=arguments.query_model
    )
    sizes = {"cases": arguments.count, "gallery": arguments.gallery_size}
    bench = Bench(lambda: wardrobe(reporter, seed=seed, **sizes), config, reporter)
    made = collection(seed, **sizes)
    cases = bench.benchmark.cases
    learned = {name: bench.composer(name, 1.0) for name in LEARNED}
    text = bench.composer("text")
    ways: dict[str, tuple[Composer, Sequence[Case]]] = {
        "a full caption of the answer": (text, captioned(made, cases, of_answer=True)),
        "the reference's caption, modifier": (text, captioned(made, cases, of_answer=False)),
        **{name: (composer, cases) for name, composer in learned.items()},
    }
    with tempfile.TemporaryDirectory() as scratch:
        others = drawn(made, arguments.pictures, seed, Path(scratch), reporter)
        for many in (1, arguments.pictures):
            shown: dict[Picture, Sequence[Reference]] = {
                Reference(bench.benchmark.images[one.reference]): others[number][:many]
                for number, one in enumerate(made.cases)
            }
            for name, composer in learned.items():
                ways[f"{name}, {many} other"] = (OtherPictures(composer, shown), cases)
        hits = {
            way: run(replace(bench.benchmark, cases=those), bench.vectors, [composer], reporter)[0]
            for way, (composer, those) in ways.items()
        }
    groups = [np.array([group in case.groups for case in cases]) for group in (SEEN, UNSEEN)]
    return {way: [found.values["R@1"][rows] for rows in groups] for way, found in hits.items()}


def captioned(made: Collection, cases: Sequence[Case], *, of_answer: bool) -> list[Case]:
    """Return the cases with a caption that names every attribute in the words' place, or before."""
    rng = Random(0)  # noqa: S311 - reproducible, not secret
    changed = []
    for case, one in zip(cases, made.cases, strict=True):
        scene = made.scenes[one.targets[0] if of_answer else one.reference]
        words = caption(scene, rng, full=True)
        changed.append(replace(case, modifier=words if of_answer else f"{words}, {case.modifier}"))
    return changed


def drawn(
    made: Collection, count: int, seed: int, scratch: Path, reporter: Reporter
) -> list[list[Reference]]:
    """Return other pictures of each question's reference, drawn into a folder."""
    rng = Random(f"others {seed}")  # noqa: S311 - reproducible, not secret
    garments = [made.scenes[one.reference].garment for one in made.cases]
    scenes = [place(garment, rng) for garment in garments for _ in range(count)]
    paths = [Reference(path) for path in folder.write(scratch / "others", scenes, reporter)]
    return [paths[start : start + count] for start in range(0, len(paths), count)]


def main() -> None:
    """Ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of the wardrobes")
    parser.add_argument("--query-model", type=Path, default=BUNDLED_QUERY)
    parser.add_argument("--pictures", type=int, default=6, help="others of each reference")
    parser.add_argument("--count", type=int, default=CASES, help="questions of a wardrobe")
    parser.add_argument("--gallery-size", type=int, default=GALLERY, help="pictures of one")
    arguments = parser.parse_args()
    found = [asked(seed, arguments, ConsoleReporter(quiet=True)) for seed in arguments.seeds]
    print("| R@1, percent | seen pairs | unseen pairs |\n| --- | ---: | ---: |")
    for way in found[0]:
        seen, unseen = (
            100 * float(np.concatenate([one[way][group] for one in found]).mean())
            for group in range(2)
        )
        print(f"| {way} | {seen:.1f} | {unseen:.1f} |")


if __name__ == "__main__":
    main()

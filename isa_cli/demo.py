"""The demo's story: a wardrobe is rendered, indexed and asked, and the answers are judged.

Nothing here is special to the demo but the questions: the pictures are files, the index is a
gallery, and the questions go through the same search as anybody's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from isa_cli.search.request import Request
from isa_cli.wardrobe.cases import collection
from isa_cli.wardrobe.changes import SINGLE, step
from isa_cli.wardrobe.folder import write
from isa_cli.wardrobe.garments import Garment, draw
from isa_cli.wardrobe.scenes import Scene, place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.library.library import Library
    from isa_cli.reporting import Reporter
    from isa_cli.search.request import Answer

MODIFIER = "same dress but sleeveless"
REFERENCE = Garment(
    "dress", "red", "dotted", "white", sleeves="long", length="knee-length", neckline="round",
    buttons="no", belt="yes", pockets="no",
)  # fmt: skip
WANTED = REFERENCE.but(sleeves="sleeveless")
"""What the demo asks for, and what it starts from."""

RIGHT = 10
"""Pictures that answer the demo's own question; as many are near misses, of each kind."""

QUESTIONS = 150
PICTURES = 1_200
TOP = 10


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question of which the right answers are known.

    Attributes:
        reference: a picture of the gallery.
        modifier: the words.
        targets: the pictures that are right.
    """

    reference: Path
    modifier: str
    targets: frozenset[Path]


@dataclass(frozen=True, slots=True)
class World:
    """The demo's pictures and what is asked about them.

    Attributes:
        photos: the folder of the pictures.
        main: the question that is shown.
        others: those that are only counted.
    """

    photos: Path
    main: DemoQuestion
    others: tuple[DemoQuestion, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, judged.

    Attributes:
        request: what was asked.
        answer: what was found.
        right: for each hit, whether it is.
    """

    request: Request
    answer: Answer
    right: tuple[bool, ...]


def make_world(folder: Path, seed: int, reporter: Reporter) -> World:
    """Render the demo's pictures into ``folder/photos``; those that are there are kept.

    Raises:
        UsageError: the folder holds other things, or can't be written to.
    """
    made = collection(seed, cases=QUESTIONS, gallery=PICTURES)
    scenes = [*made.scenes, *_staged(Random(seed))]  # noqa: S311 - reproducible, not secret
    photos = folder / "photos"
    paths = write(photos, scenes, reporter)
    main = DemoQuestion(
        paths[len(made.scenes)],
        MODIFIER,
        frozenset(
            path for path, scene in zip(paths, scenes, strict=True) if scene.garment.fits(WANTED)
        ),
    )
    others = [
        DemoQuestion(
            paths[one.reference], one.change.modifier, frozenset(paths[at] for at in one.targets)
        )
        for one in made.cases
    ]
    return World(photos, main, tuple(others))


def _staged(rng: Random) -> list[Scene]:
    """Return the scenes of the demo's own question: the reference first, answers, near misses."""
    garments = [REFERENCE] * RIGHT + [WANTED] * RIGHT
    while len(garments) < 3 * RIGHT:  # right by the picture, wrong by the words
        near = step(REFERENCE, rng.choice(SINGLE), rng)
        if near and near.sleeves != WANTED.sleeves:
            garments.append(near)
    while len(garments) < 4 * RIGHT:  # right by the words, wrong by the picture
        garments.append(draw(rng, category="dress").but(sleeves=WANTED.sleeves))
    return [place(garment, rng) for garment in garments]


class Judge:
    """Asks questions and says which answers are right.

    Args:
        library: that has indexed the world's pictures.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    def ask(self, question: DemoQuestion, method: str = "auto") -> Told:
        """Return the judged answer to one question, by the gallery's own method or another."""
        request = Request((question.reference,), question.modifier, top=TOP, method=method)
        answer = self._library.ask(request)
        targets = {os.fsencode(path) for path in question.targets}
        right = tuple(not targets.isdisjoint(hit.photo.paths) for hit in answer.hits)
        return Told(request, answer, right)

    def shares(
        self, questions: Sequence[DemoQuestion], method: str, reporter: Reporter
    ) -> dict[int, float]:
        """Return R@1, R@5 and R@10 over questions, as fractions by k."""
        found = dict.fromkeys((1, 5, TOP), 0)
        with reporter.progress("asking", len(questions), "question") as progress:
            for question in questions:
                right = self.ask(question, method).right
                for k in found:
                    found[k] += any(right[:k])
                progress.advance()
        return {k: count / len(questions) for k, count in found.items()}

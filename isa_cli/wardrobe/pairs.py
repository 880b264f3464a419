"""Pairs to learn from: two scenes and the words between them, none with a held-out pair."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from isa_cli.wardrobe.cases import ask
from isa_cli.wardrobe.changes import KINDS
from isa_cli.wardrobe.scenes import place

if TYPE_CHECKING:
    from isa_cli.wardrobe.changes import Change
    from isa_cli.wardrobe.scenes import Scene


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and one right answer.

    Attributes:
        reference: the position of its scene.
        change: what is asked for, and in which words.
        target: the position of the answer's scene.
    """

    reference: int
    change: Change
    target: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Scenes, each of them in one pair."""

    scenes: tuple[Scene, ...]
    pairs: tuple[Pair, ...]


def pairs(seed: int, count: int) -> Pairs:
    """Return pairs and twice as many scenes; the same seed returns the same.

    Kinds of change are evenly spread.  More pairs begin with those that fewer are, and no seed
    begins with the questions that the benchmark of the same seed asks.

    Args:
        seed: of everything.
        count: how many pairs.
    """
    rng = Random(f"pairs {seed}")  # noqa: S311 - reproducible, not secret
    scenes: list[Scene] = []
    found = []
    for number in range(count):
        one = ask(KINDS[number % len(KINDS)], rng, held_out=False)
        found.append(Pair(len(scenes), one.change, len(scenes) + 1))
        scenes += [place(one.reference, rng), place(one.target, rng)]
    return Pairs(tuple(scenes), tuple(found))

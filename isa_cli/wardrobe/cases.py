"""Questions with known answers: a gallery of scenes, and changes whose right answers are in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from isa_cli.wardrobe.changes import KINDS, SINGLE, Change, complete, is_drawable, propose, step
from isa_cli.wardrobe.garments import NAMES, Garment, draw, is_held_out
from isa_cli.wardrobe.scenes import Scene, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class WardrobeCase:
    """One question about a collection.

    Attributes:
        reference: the position of its scene.
        change: what is asked for.
        targets: the positions of all right answers, rising; never the reference.
        held_out: the targets show a pair of values that training never sees; otherwise neither
            they nor the reference do.
    """

    reference: int
    change: Change
    targets: tuple[int, ...]
    held_out: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """A gallery and questions about it."""

    scenes: tuple[Scene, ...]
    cases: tuple[WardrobeCase, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question before there is a gallery.

    Attributes:
        reference: what is started from.
        change: what is asked for.
        target: a right answer.
        held_out: as of ``WardrobeCase``.
    """

    reference: Garment
    change: Change
    target: Garment
    held_out: bool


def collection(seed: int, *, cases: int = 1200, gallery: int = 6000) -> Collection:
    """Return a gallery and questions; the same seed returns the same.

    Kinds of change are evenly spread, and half of the questions have held-out targets.  For each
    the gallery holds the reference, right answers, and traps as far as they fit: garments that
    are right but for one attribute, or right by the words alone, and the reference's double.

    Args:
        seed: of everything.
        cases: how many questions.
        gallery: how many scenes.

    Raises:
        ValueError: the gallery is too small for a reference and a target for each question.
    """
    if gallery < 2 * cases:
        raise ValueError(f"{cases} cases need a gallery of {2 * cases}, not {gallery}")
    rng = Random(seed)  # noqa: S311
    shown = _Shown()
    questions = []
    for number in range(cases):
        kind, held_out = KINDS[number % len(KINDS)], number // len(KINDS) % 2 == 1
        while not shown.admits(question := ask(kind, rng, held_out=held_out)):
            pass
        shown.add(question.reference, question.target, wanted=question)
        questions.append(question)
    garments = [garment for one in questions for garment in (one.reference, one.target)]
    garments += _traps(questions, shown, gallery - len(garments), rng)
    while len(garments) < gallery:
        garment = draw(rng)
        if shown.allows(garment):
            garments.append(garment)
    return _assembled(questions, garments, rng)


def ask(kind: str, rng: Random, *, held_out: bool) -> Question:
    """Return a question by chance.

    Args:
        kind: one of ``KINDS``.
        rng: where chance comes from.
        held_out: ``True``: the target shows a pair of values that training never sees; ``False``:
            neither it nor the reference does.
    """
    while True:
        reference = draw(rng, held_out=None if held_out else False)
        change = propose(reference, kind, rng)
        if change:
            target = complete(change.wanted, rng)
            if is_held_out(target) == held_out:
                return Question(reference, change, target, held_out)


def _traps(questions: Sequence[Question], shown: _Shown, room: int, rng: Random) -> list[Garment]:
    """Return at most ``room`` garments that make the questions hard, and second targets.

    Round by round, so that a gallery with little room gives every question the same.
    """
    rounds: tuple[tuple[float, Callable[[Question, Random], Garment]], ...] = (
        (1.0, _half_right),
        (1.0, lambda one, _: one.reference),
        (0.5, lambda one, rng: complete(one.change.wanted, rng)),
        (0.5, _right_by_words),
    )
    found: list[Garment] = []
    for share, make in rounds:
        for one in questions:
            if len(found) < room and rng.random() < share:
                garment = make(one, rng)
                if shown.allows(garment):
                    found.append(garment)
    return found


def _half_right(one: Question, rng: Random) -> Garment:
    """Return the target with one further attribute changed: no right answer."""
    while True:
        garment = step(one.target, rng.choice(SINGLE), rng)
        if garment and garment != one.reference and not garment.fits(one.change.wanted):
            return garment


def _right_by_words(one: Question, rng: Random) -> Garment:
    """Return a garment as the words ask for, and otherwise by chance: no right answer."""
    wanted = one.change.wanted
    asked = {name: wanted[name] for name in NAMES if wanted[name] != one.reference[name]}
    if one.change.kind == "category":
        asked = {}  # the category alone; it is drawn so
    elif "second" in asked:
        asked["pattern"] = wanted.pattern  # "white dots" are dots
    while True:
        garment = draw(rng, category=wanted.category).but(**asked)
        if is_drawable(garment) and not garment.fits(wanted):
            return garment


class _Shown:
    """What garments are there and what is asked for, so that questions and gallery agree.

    Where a wish leaves something free, each garment that fits must be as new to training as the
    question says.
    """

    def __init__(self) -> None:
        self._garments: dict[Key, list[Garment]] = defaultdict(list)
        self._questions: dict[Key, list[Question]] = defaultdict(list)

    def add(self, *garments: Garment, wanted: Question) -> None:
        """Note a question and the garments that it brings."""
        self._questions[_key(wanted.change.wanted)].append(wanted)
        for garment in garments:
            self._garments[_key(garment)].append(garment)

    def allows(self, garment: Garment) -> bool:
        """Return whether the garment is no answer of the wrong sort to any question."""
        return all(
            is_held_out(garment) == one.held_out or not garment.fits(one.change.wanted)
            for one in self._questions[_key(garment)]
        )

    def admits(self, one: Question) -> bool:
        """Return whether a question can be added."""
        return (
            self.allows(one.reference)
            and self.allows(one.target)
            and all(
                is_held_out(garment) == one.held_out or not garment.fits(one.change.wanted)
                for garment in self._garments[_key(one.change.wanted)]
            )
        )


def _key(garment: Garment) -> Key:
    """Return the attributes that every wish names, so that few garments remain to be compared."""
    return garment.category, garment.colour, garment.pattern


def _assembled(
    questions: Iterable[Question], garments: Sequence[Garment], rng: Random
) -> Collection:
    """Return the collection; the first garments are each question's reference and target."""
    order = list(range(len(garments)))
    rng.shuffle(order)
    scenes = tuple(place(garments[index], rng) for index in order)
    position = {index: at for at, index in enumerate(order)}
    alike: dict[Key, list[int]] = defaultdict(list)
    for at, scene in enumerate(scenes):
        alike[_key(scene.garment)].append(at)
    cases = []
    for number, one in enumerate(questions):
        wanted = one.change.wanted
        targets = tuple(at for at in alike[_key(wanted)] if scenes[at].garment.fits(wanted))
        cases.append(WardrobeCase(position[2 * number], one.change, targets, one.held_out))
    return Collection(scenes, tuple(cases))

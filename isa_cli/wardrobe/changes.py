"""Changes: what is to be different about a garment, in words and in truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.wardrobe.edits import altered
from isa_cli.wardrobe.garments import (
    ALIKE,
    ATTRIBUTES,
    CATEGORIES,
    COLOURS,
    OPTIONAL,
    PARTS,
    Garment,
    attributes_of,
    second_colour,
)
from isa_cli.wardrobe.modifiers import category_modifier, modifier
from isa_cli.wardrobe.words import spelled

if TYPE_CHECKING:
    from random import Random

KINDS = ("swap", "removal", "addition", "two", "category")
"""The kinds of change that the benchmark tells apart."""

SINGLE = ("swap", "removal", "addition")
PATTERNS = tuple(pattern for pattern in ATTRIBUTES["pattern"] if pattern != "plain")


@dataclass(frozen=True, slots=True)
class Change:
    """A wish: the words, and what would answer them.

    Attributes:
        kind: one of ``KINDS``.
        modifier: as a person would type it.
        wanted: the reference with the change made; '' for what does not matter.
            ``Garment.fits(wanted)`` tells the right answers.
    """

    kind: str
    modifier: str
    wanted: Garment


def propose(garment: Garment, kind: str, rng: Random) -> Change | None:
    """Return a change of this kind by chance; ``None`` where the garment allows none.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of change: {kind}")
    if kind == "category":
        return _other_category(garment, rng)
    wanted = _two_steps(garment, rng) if kind == "two" else step(garment, kind, rng)
    if wanted is None:
        return None
    return Change(kind, spelled(modifier(garment, wanted, rng), rng), wanted)


def complete(wanted: Garment, rng: Random) -> Garment:
    """Return a whole garment that fits ``wanted``: what does not matter is left to chance."""
    names = ("colour", "pattern", *PARTS[wanted.category])
    free = {name: rng.choice(ATTRIBUTES[name]) for name in names if not wanted[name]}
    if wanted.second and "colour" in free:
        free["colour"] = second_colour(rng, wanted.second)  # compatible is mutual
    if wanted.second and "pattern" in free:
        free["pattern"] = rng.choice(PATTERNS)
    garment = wanted.but(**free)
    if garment.pattern != "plain" and not garment.second:
        return garment.but(second=second_colour(rng, garment.colour))
    return garment


def is_drawable(garment: Garment) -> bool:
    """Return whether colours can be told apart: the second is there with a pattern, and clear."""
    if garment.pattern == "plain":
        return not garment.second
    return garment.second in _clear(garment.colour)


def step(garment: Garment, kind: str, rng: Random) -> Garment | None:
    """Return the garment with one attribute changed; ``None`` where this kind cannot be.

    Args:
        garment: what to change.
        kind: "swap", "removal" or "addition".
        rng: where chance comes from.
    """
    names = _candidates(garment, kind)
    if not names:
        return None
    name = rng.choice(names)
    if name == "pattern":
        return _patterned(garment, kind, rng)
    return garment.but(**{name: rng.choice(_values(garment, name, kind))})


def _values(garment: Garment, name: str, kind: str) -> list[str]:
    """Return the other values that an attribute may take, in a change of this kind."""
    if name == "colour":
        return _other_colours(garment)
    if name == "second":
        return [colour for colour in _clear(garment.colour) if colour != garment.second]
    if kind == "removal" and name == "sleeves":
        return ["sleeveless"]
    return [value for value in ATTRIBUTES[name] if value not in {garment[name], "sleeveless"}]


def _candidates(garment: Garment, kind: str) -> list[str]:
    parts = PARTS[garment.category]
    plain = garment.pattern == "plain"
    if kind == "addition":
        names = [part for part in parts if part in OPTIONAL and not garment.has(part)]
        return [*names, "pattern"] if plain else names
    if kind == "removal":
        names = [part for part in parts if part in OPTIONAL and garment.has(part)]
        names += ["sleeves"] if garment.sleeves in {"short", "long"} else []
        return names if plain else [*names, "pattern"]
    valued = [part for part in parts if part not in OPTIONAL]
    return ["colour", "colour", *valued, *(() if plain else ("pattern", "second"))]


def _clear(colour: str) -> list[str]:
    return [other for other in COLOURS if other not in {colour, *ALIKE.get(colour, ())}]


def _other_colours(garment: Garment) -> list[str]:
    clear = _clear(garment.second) if garment.second else COLOURS
    return [colour for colour in clear if colour != garment.colour]


def _patterned(garment: Garment, kind: str, rng: Random) -> Garment:
    if kind == "removal":
        return garment.but(pattern="plain", second="")
    pattern = rng.choice([pattern for pattern in PATTERNS if pattern != garment.pattern])
    return garment.but(pattern=pattern, second=garment.second or second_colour(rng, garment.colour))


def _two_steps(garment: Garment, rng: Random) -> Garment:
    while True:
        one = step(garment, rng.choice(SINGLE), rng)
        two = one and step(one, rng.choice(SINGLE), rng)
        if two and _are_two(garment, two):
            return two


def _are_two(before: Garment, after: Garment) -> bool:
    """Return whether two changes can be told from the words for each: none hides the other."""
    names = altered(before, after)
    if "pattern" in names:
        was, now = before.second, after.second
        # Another pattern in another colour is one wish; "in plain red" names the colour.
        if (was and now and was != now) or (not now and "colour" in names):
            return False
    return len(names) == 2  # noqa: PLR2004


def _other_category(garment: Garment, rng: Random) -> Change:
    category = rng.choice([other for other in CATEGORIES if other != garment.category])
    kept = {name: garment[name] for name in attributes_of(category)}
    wanted = Garment(category, **kept)
    return Change("category", spelled(category_modifier(garment, wanted, rng), rng), wanted)

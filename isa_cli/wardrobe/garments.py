"""Garments as values: what can be said of one, which goes with which, and what training never sees.

The world is closed, so that the truth is known: a garment is its category and a value for every
attribute that its category has.  Everything else in a picture (cut, pose, folds, light, noise,
framing) is chance, and no part of what makes two garments the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey"
)  # fmt: skip

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "pattern": ("plain", "striped", "dotted", "checked", "floral"),
    "second": COLOURS,  # the pattern's colour; plain garments have none
    "sleeves": ("sleeveless", "short", "long"),
    "length": ("short", "knee-length", "long"),
    "neckline": ("round", "V-shaped", "square"),
    "collar": ("no", "yes"),
    "buttons": ("no", "yes"),
    "belt": ("no", "yes"),
    "pockets": ("no", "yes"),
    "heel": ("flat", "high"),
    "laces": ("no", "yes"),
    "strap": ("short", "long"),
    "brim": ("narrow", "wide"),
    "ribbon": ("no", "yes"),
}
"""Every attribute and its values."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "dress": ("sleeves", "length", "neckline", "buttons", "belt", "pockets"),
    "shirt": ("sleeves", "neckline", "collar", "buttons", "pockets"),
    "skirt": ("length", "buttons", "belt", "pockets"),
    "trousers": ("length", "belt", "pockets"),
    "coat": ("sleeves", "length", "collar", "buttons", "belt", "pockets"),
    "shoes": ("heel", "laces"),
    "bag": ("strap", "buttons", "pockets"),
    "hat": ("brim", "ribbon"),
}
"""Which attributes a category has, besides colour, pattern and second colour."""

CATEGORIES = tuple(PARTS)
OPTIONAL = tuple(name for name, values in ATTRIBUTES.items() if values == ("no", "yes"))
"""What a garment has or has not."""

HELD_OUT: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (("pattern", "striped"), ("colour", "yellow")),
    (("pattern", "dotted"), ("colour", "purple")),
    (("pattern", "checked"), ("colour", "orange")),
    (("pattern", "floral"), ("colour", "green")),
    (("category", "dress"), ("colour", "brown")),
    (("category", "coat"), ("colour", "pink")),
    (("category", "bag"), ("colour", "blue")),
    (("category", "skirt"), ("pattern", "dotted")),
    (("category", "trousers"), ("pattern", "floral")),
    (("category", "shirt"), ("colour", "grey")),
    (("category", "hat"), ("colour", "red")),
    (("category", "shoes"), ("colour", "white")),
    (("sleeves", "sleeveless"), ("pattern", "checked")),
    (("sleeves", "short"), ("colour", "black")),
)
"""Pairs that no training picture shows: each value is common, the two together are new."""


@dataclass(frozen=True, slots=True)
class Garment:
    """One garment; '' where an attribute does not apply (or, in a question, does not matter).

    Attributes:
        category: a key of ``PARTS``; every other attribute: a value of ``ATTRIBUTES``.
    """

    category: str
    colour: str = ""
    pattern: str = ""
    second: str = ""
    sleeves: str = ""
    length: str = ""
    neckline: str = ""
    collar: str = ""
    buttons: str = ""
    belt: str = ""
    pockets: str = ""
    heel: str = ""
    laces: str = ""
    strap: str = ""
    brim: str = ""
    ribbon: str = ""

    def __getitem__(self, attribute: str) -> str:
        """Return an attribute's value by name."""
        return str(getattr(self, attribute))

    def has(self, part: str) -> bool:
        """Return whether an optional part (``OPTIONAL``) is there."""
        return self[part] == "yes"

    def fits(self, wanted: Garment) -> bool:
        """Return whether this garment has every value that ``wanted`` asks for."""
        return all(wanted[name] in {"", self[name]} for name in NAMES)

    def but(self, **changes: str) -> Garment:
        """Return this garment with some attributes changed."""
        return replace(self, **changes)

    def as_dict(self) -> dict[str, str]:
        """Return the attributes that apply to this garment, by name."""
        return {name: self[name] for name in NAMES if self[name]}


NAMES = tuple(field.name for field in fields(Garment))
"""``category`` and every attribute, in the order in which they are listed above."""


def attributes_of(category: str) -> tuple[str, ...]:
    """Return the names of the attributes that a category has (``second`` only with a pattern)."""
    return ("colour", "pattern", "second", *PARTS[category])


def is_held_out(garment: Garment) -> bool:
    """Return whether the garment shows a pair of values that training never sees."""
    return any(
        garment[one[0]] == one[1] and garment[other[0]] == other[1] for one, other in HELD_OUT
    )


def draw(rng: Random, *, category: str = "", held_out: bool | None = None) -> Garment:
    """Return a garment by chance.

    Args:
        rng: where chance comes from.
        category: of this category only.
        held_out: ``False``: one that training may see; ``True``: one that it may not; ``None``:
            either.
    """
    while True:
        garment = _any(rng, category or rng.choice(CATEGORIES))
        if held_out is None or is_held_out(garment) == held_out:
            return garment


def _any(rng: Random, category: str) -> Garment:
    colour = rng.choice(COLOURS)
    pattern = rng.choice(ATTRIBUTES["pattern"])
    second = "" if pattern == "plain" else second_colour(rng, colour)
    parts = {part: rng.choice(ATTRIBUTES[part]) for part in PARTS[category]}
    return Garment(category, colour, pattern, second, **parts)


def second_colour(rng: Random, colour: str) -> str:
    """Return a colour that can be told from ``colour`` when it lies upon it."""
    return rng.choice([other for other in COLOURS if other not in {colour, *ALIKE.get(colour, ())}])


ALIKE: Mapping[str, tuple[str, ...]] = {
    "red": ("orange", "pink", "brown"),
    "orange": ("red", "yellow", "brown"),
    "yellow": ("orange", "white"),
    "blue": ("purple",),
    "purple": ("blue", "pink"),
    "pink": ("red", "purple"),
    "brown": ("red", "orange", "black", "grey"),
    "black": ("brown",),
    "white": ("yellow", "grey"),
    "grey": ("white", "brown"),
}
"""Colours too close for a pattern of one upon the other."""

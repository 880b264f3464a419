"""The words for garments: how each value of an attribute can be said, and where in a sentence.

One table serves captions and modifiers, so that both speak the same language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.wardrobe.garments import ATTRIBUTES, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from isa_cli.wardrobe.garments import Garment

NOUNS: Mapping[str, tuple[str, ...]] = {category: (category,) for category in PARTS} | {
    "trousers": ("trousers", "trousers", "pants"),
    "bag": ("bag", "bag", "bag", "handbag"),
}
"""What a category is called; a more usual name is listed more often."""

PLURAL = frozenset({"trousers", "shoes"})
"""Categories whose nouns are plural: "red trousers are", "a pair of"."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to say one value, by the place in which the words can stand.

    Attributes:
        before: "a ... dress", and "the dress is ..." unless in ``ONLY_BEFORE``.
        having: "a dress with ...".
        lacking: "a dress without ..."; with "no", the article goes.
        tail: "a dress ...".
    """

    before: tuple[str, ...] = ()
    having: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()

    def options(self, *, predicate: bool = False) -> tuple[tuple[str, str], ...]:
        """Return (place, words) pairs; ``predicate``: only words that can follow "is"."""
        adjectives = [word for word in self.before if not (predicate and word in ONLY_BEFORE)]
        return (
            *(("before", words) for words in adjectives),
            *(("having", words) for words in self.having),
            *(("lacking", words) for words in self.lacking),
            *(("tail", words) for words in self.tail),
        )


ONLY_BEFORE = frozenset(
    {"mini", "maxi", "polka-dot", "V-neck", "round-neck", "square-neck", "lace-up", "slip-on"}
    | {"shoulder", "short-sleeve", "long-sleeve"}
)
"""Words that stand before a noun but not after "is"."""

WAYS: Mapping[tuple[str, str], Ways] = {
    ("pattern", "plain"): Ways(("plain",), lacking=("a pattern",)),
    ("pattern", "striped"): Ways(("striped", "stripy"), ("stripes",)),
    ("pattern", "dotted"): Ways(
        ("dotted", "spotted", "polka-dot"), ("dots", "polka dots", "spots")
    ),
    ("pattern", "checked"): Ways(
        ("checked", "chequered", "checkered", "plaid"), ("checks", "a plaid pattern")
    ),
    ("pattern", "floral"): Ways(("floral", "flowery"), ("flowers", "a floral pattern")),
    ("sleeves", "sleeveless"): Ways(("sleeveless",), lacking=("sleeves",)),
    ("sleeves", "short"): Ways(("short-sleeved", "short-sleeve"), ("short sleeves",)),
    ("sleeves", "long"): Ways(("long-sleeved", "long-sleeve"), ("long sleeves",)),
    ("length", "short"): Ways(("short", "short", "mini"), tail=("ending above the knee",)),
    ("length", "knee-length"): Ways(
        ("knee-length", "knee-length", "knee length"), tail=("to the knee", "down to the knee")
    ),
    ("length", "long"): Ways(
        ("long", "long", "ankle-length", "maxi"), tail=("down to the ankles",)
    ),
    ("neckline", "round"): Ways(("round-neck",), ("a round neckline", "a round neck")),
    ("neckline", "V-shaped"): Ways(("V-neck",), ("a V-neck", "a V-shaped neckline")),
    ("neckline", "square"): Ways(("square-neck",), ("a square neckline", "a square neck")),
    ("collar", "yes"): Ways(("collared",), ("a collar", "a collar")),
    ("collar", "no"): Ways(("collarless",), lacking=("a collar", "a collar")),
    ("buttons", "yes"): Ways(("buttoned",), ("buttons", "buttons")),
    ("buttons", "no"): Ways(lacking=("buttons",)),
    ("belt", "yes"): Ways(("belted",), ("a belt", "a belt")),
    ("belt", "no"): Ways(lacking=("a belt",)),
    ("pockets", "yes"): Ways(having=("pockets",)),
    ("pockets", "no"): Ways(lacking=("pockets",)),
    ("heel", "flat"): Ways(("flat", "flat-heeled"), ("flat heels",)),
    ("heel", "high"): Ways(("high-heeled",), ("high heels",)),
    ("laces", "yes"): Ways(("lace-up",), ("laces", "laces")),
    ("laces", "no"): Ways(("slip-on",), lacking=("laces", "laces")),
    ("strap", "short"): Ways(having=("a short handle", "a short strap")),
    ("strap", "long"): Ways(("shoulder",), ("a long strap", "a long strap", "a shoulder strap")),
    ("brim", "narrow"): Ways(("narrow-brimmed",), ("a narrow brim",)),
    ("brim", "wide"): Ways(("wide-brimmed",), ("a wide brim", "a broad brim")),
    ("ribbon", "yes"): Ways(having=("a ribbon",)),
    ("ribbon", "no"): Ways(lacking=("a ribbon",)),
}
"""How to say a value (colours are their own words; ``figures`` says the second one)."""

UNSAID: Mapping[str, frozenset[str]] = {
    "mini": frozenset({"coat", "trousers"}),
    "maxi": frozenset({"coat", "trousers"}),
    "buttoned": frozenset({"bag", "skirt"}),
}
"""Words that are right for a value, but not for these categories."""

FIGURES: Mapping[str, tuple[str, ...]] = {
    "striped": ("stripes",),
    "dotted": ("dots", "dots", "polka dots", "spots"),
    "checked": ("checks",),
    "floral": ("flowers",),
}
"""What a pattern is made of."""


def _said(category: str, ways: Ways) -> Ways:
    before = tuple(word for word in ways.before if category not in UNSAID.get(word, ()))
    return Ways(before, ways.having, ways.lacking, ways.tail)


SAID: Mapping[tuple[str, str, str], Ways] = {
    (category, name, value): _said(category, WAYS[name, value])
    for category, parts in PARTS.items()
    for name in ("pattern", *parts)
    for value in ATTRIBUTES[name]
}
"""How to say a value of a category: by category, attribute and value."""


def figures(pattern: str, colour: str, rng: Random) -> str:
    """Return a pattern in its colour, as it follows "with": "white dots"."""
    if chance(rng, 0.12):
        return article(f"{colour} {rng.choice(ADJECTIVES[pattern])} pattern")
    if chance(rng, 0.12):
        return f"{rng.choice(FIGURES[pattern])} in {colour}"
    return f"{colour} {rng.choice(FIGURES[pattern])}"


ADJECTIVES: Mapping[str, tuple[str, ...]] = {
    "striped": ("striped",),
    "dotted": ("dotted", "polka-dot"),
    "checked": ("checked", "plaid"),
    "floral": ("floral",),
}
"""What a pattern's picture is called: "a white floral pattern"."""

VERBS = frozenset({"striped", "dotted", "checked"})
"""Patterns that are said of a colour: "striped in white"."""


def article(words: str) -> str:
    """Return words after "a" or "an"."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def bare(words: str) -> str:
    """Return words without their article."""
    return words.removeprefix("a ").removeprefix("an ")


def definite(words: str) -> str:
    """Return words with "the" for their article."""
    return f"the {bare(words)}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Return "one", "one and two" or "one, two and three"."""
    if len(items) < 2:  # noqa: PLR2004
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def noun(garment: Garment, rng: Random) -> str:
    """Return a noun that the garment is called by."""
    return rng.choice(NOUNS[garment.category])


def spelled(text: str, rng: Random) -> str:
    """Return the text in British spelling, or now and then in American."""
    if chance(rng, 0.25):
        return text.replace("grey", "gray").replace("colour", "color").replace("chequer", "checker")
    return text


def chance(rng: Random, share: float) -> bool:
    """Return ``True`` in this share of all calls."""
    return rng.random() < share

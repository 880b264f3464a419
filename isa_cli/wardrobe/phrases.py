"""Phrases: the attributes of a garment put together as English has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isa_cli.wardrobe.words import (
    ADJECTIVES,
    PLURAL,
    SAID,
    VERBS,
    article,
    bare,
    chance,
    figures,
    listed,
    noun,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from isa_cli.wardrobe.garments import Garment

COLOURING = ("colour", "pattern", "second")
PLACES = {
    name: rank
    for rank, names in enumerate(
        (("length",), ("sleeves",), ("brim", "heel", "belt", "collar", "buttons"), ("laces",))
    )
    for name in names
} | {"colour": 4, "pattern": 5, "neckline": 6, "strap": 7}
"""The order of adjectives: "a long sleeveless red striped V-neck dress"."""

MOST_ADJECTIVES = 2  # besides the colour; what can be said with "with" goes there
OPTIONS = {
    predicate: {key: ways.options(predicate=predicate) for key, ways in SAID.items()}
    for predicate in (False, True)
}


@dataclass(slots=True)
class Parts:
    """What a caption will say, by the place of the words.

    Attributes:
        before: adjectives, each after its rank.
        being: what can stand behind the noun and after "is" alike: "striped in white".
        tail: what stands behind the noun only: "down to the knee".
        having: what follows "with".
        lacking: what follows "without".
    """

    before: list[tuple[float, str]] = field(default_factory=list)
    being: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    having: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    def adjectives(self) -> list[str]:
        """Return the adjectives in their order."""
        return [words for _, words in sorted(self.before)]


def _gathered(
    garment: Garment, names: Sequence[str], rng: Random, *, predicate: bool = False
) -> Parts:
    parts = Parts()
    _gather_colours(garment, names, rng, parts, predicate=predicate)
    options = OPTIONS[predicate]
    for name in names:
        if name not in COLOURING:
            choices = options[garment.category, name, garment[name]]
            place, words = rng.choice(choices)
            # Nobody says "a short short-sleeved dress".
            stutters = name == "sleeves" and garment.sleeves == garment.length
            if place == "before" and (stutters or len(parts.before) > MOST_ADJECTIVES):
                rest = [choice for choice in choices if choice[0] != "before"]
                place, words = rng.choice(rest or choices)
            _put(parts, place, name, words, rng)
    rng.shuffle(parts.having)
    rng.shuffle(parts.lacking)
    return parts


def _put(parts: Parts, place: str, name: str, words: str, rng: Random) -> None:
    if place == "before":
        rank = PLACES[name]
        # The first adjectives change places freely; the colour and what follows it do not.
        loose = rng.random() * 1.5 if rank < PLACES["laces"] else 0.0
        parts.before.append((rank + loose, words))
    else:
        getattr(parts, place).append(words)


def _gather_colours(
    garment: Garment, names: Sequence[str], rng: Random, parts: Parts, *, predicate: bool
) -> None:
    colour = garment.colour if "colour" in names else ""
    if "second" in names:
        colour = _with_second(garment, colour, rng, parts)
    elif "pattern" in names and garment.pattern == "plain" and colour and chance(rng, 0.75):
        colour = f"plain {colour}"
    elif "pattern" in names:
        place, words = rng.choice(OPTIONS[predicate][garment.category, "pattern", garment.pattern])
        _put(parts, place, "pattern", words, rng)
    if colour and not (predicate or parts.being) and chance(rng, 0.07):
        parts.being.append(f"in {colour}")
    elif colour:
        parts.before.append((PLACES["colour"], colour))


def _with_second(garment: Garment, colour: str, rng: Random, parts: Parts) -> str:
    """Return the colour, "red" or "red and white striped", and put the pattern into the parts."""
    pattern, second = rng.choice(ADJECTIVES[garment.pattern]), garment.second
    if colour and chance(rng, 0.2):
        return f"{colour} and {second} {pattern}"
    if pattern in VERBS and chance(rng, 0.15):
        parts.being.append(f"{pattern} in {second}")
    else:
        parts.having.append(figures(garment.pattern, second, rng))
    return colour


def noun_phrase(
    garment: Garment,
    names: Sequence[str],
    rng: Random,
    *,
    posed: bool = True,
    loose: bool = False,
) -> str:
    """Return "a red dress with white dots".

    Args:
        garment: what is described.
        names: the attributes to name.
        rng: where the choice of words comes from.
        posed: it may be "a photo of" one.
        loose: now and then a dress may be "a garment".
    """
    parts = _gathered(garment, names, rng)
    words = parts.adjectives()
    called = garment.category if "shoulder" in words else noun(garment, rng)
    if loose and chance(rng, 0.03) and garment.category in _CLOTHES:
        called = rng.choice(("garment", "piece of clothing"))
    head = _determined(
        " ".join([*words, called]), rng, plural=garment.category in PLURAL, posed=posed
    )
    return " ".join([head, *parts.being, *parts.tail]) + _owned(parts, rng)


_CLOTHES = frozenset({"dress", "shirt", "skirt", "coat"})


_STARTS = ("a {}",) * 9 + ("{}",) * 4 + ("the {}",) * 2 + ("one {}",)
_POSED = (*_STARTS, "a photo of a {}", "a photo of a {}", "a picture of a {}", "an image of a {}")


def _determined(words: str, rng: Random, *, plural: bool, posed: bool) -> str:
    """Return "a red dress", "the red dress" or "a photo of a red dress"."""
    if plural and chance(rng, 0.5):
        words, plural = f"pair of {words}", False
    start = rng.choice(_POSED if posed else _STARTS)
    if plural:
        return start.replace("one {}", "the {}").replace("a {}", "{}").format(words)
    return start.replace("a {}", article(words)).format(words)


def _owned(parts: Parts, rng: Random) -> str:
    """Return the words after the noun: " with a belt and long sleeves, without pockets"."""
    if not parts.lacking:
        return f" with {listed(parts.having)}" if parts.having else ""
    without = f"without {listed(parts.lacking, 'or')}"
    if not parts.having:
        no = listed([f"no {bare(words)}" for words in parts.lacking])
        return f" with {no}" if chance(rng, 0.3) else f" {without}"
    if chance(rng, 0.4):
        return f" with {listed(parts.having)}{rng.choice((', ', ' and ', ' but '))}{without}"
    return f" with {_had(parts, rng)}"


def _had(parts: Parts, rng: Random) -> str:
    """Return words that can follow "has": "a belt, long sleeves and no pockets"."""
    no = [f"no {bare(words)}" for words in parts.lacking]
    if no and parts.having and chance(rng, 0.4):
        return f"{listed(parts.having)} but {listed(no, 'and')}"
    return listed([*parts.having, *no])


def sentence(garment: Garment, names: Sequence[str], rng: Random) -> str:
    """Return "the dress is red and has long sleeves"."""
    parts = _gathered(garment, names, rng, predicate=True)
    being = [*parts.adjectives(), *parts.being]
    had = _had(parts, rng)
    called, plural = noun(garment, rng), garment.category in PLURAL
    are, have = ("are", "have") if plural else ("is", "has")
    subject = rng.choice(
        (f"the {called}", f"these {called}" if plural else f"this {called}")
        if chance(rng, 0.7)
        else (f"{called if plural else article(called)} that",)
    )
    tail = "".join(f", {words}" for words in parts.tail)
    if not being:
        return f"{subject} {have} {had}{tail}" if had else f"{subject} {are} {garment.colour}{tail}"
    if not had:
        return f"{subject} {are} {listed(being)}{tail}"
    if chance(rng, 0.3):
        return f"{subject} {are} {listed(being)}{tail}{_owned(parts, rng)}"
    return f"{subject} {are} {listed(being)} and {have} {had}{tail}"


def comma_list(
    garment: Garment, names: Sequence[str], around: Sequence[tuple[str, str]], rng: Random
) -> str:
    """Return "red dress, white dots, short sleeves, no belt"."""
    parts = _gathered(garment, names, rng, predicate=True)
    words = parts.adjectives()
    called = noun(garment, rng)
    keep = 0 if chance(rng, 0.2) else rng.randint(1, 2)
    head = " ".join([*words[-keep:], called]) if keep and words else called
    items = [*(words[:-keep] if keep else words), *map(bare, parts.having), *parts.being]
    items += [*parts.tail, *(f"no {bare(lacked)}" for lacked in parts.lacking)]
    rng.shuffle(items)
    return ", ".join([head, *items, *(f"{value} {what}" for what, value in around)])

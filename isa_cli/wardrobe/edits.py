"""The words for one changed attribute, by their grammar: "with stripes", "add a belt".

Words say what is wanted and nothing else: no "shorter" where two lengths are shorter, no bare
colour where a pattern has one of its own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from isa_cli.wardrobe.garments import OPTIONAL, attributes_of
from isa_cli.wardrobe.words import (
    ADJECTIVES,
    FIGURES,
    ONLY_BEFORE,
    PLURAL,
    SAID,
    VERBS,
    article,
    bare,
    definite,
    figures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from isa_cli.wardrobe.garments import Garment

Edits = dict[str, list[str]]
"""Words by what they follow: "be" ("the same but ..."), "with", "without", and "do": nothing."""

STEPS: Mapping[tuple[str, str, str], str] = {
    ("length", "knee-length", "short"): "shorter",
    ("length", "knee-length", "long"): "longer",
    ("sleeves", "short", "long"): "longer",
    ("sleeves", "long", "short"): "shorter",
    ("strap", "short", "long"): "longer",
    ("strap", "long", "short"): "shorter",
    ("brim", "narrow", "wide"): "wider",
    ("brim", "wide", "narrow"): "narrower",
}
"""Comparatives that leave no doubt about which value is meant."""


def edits(before: Garment, after: Garment, attribute: str, rng: Random) -> Edits:
    """Return all the ways to ask for one attribute's value of ``after``; ``before`` has another."""
    if attribute == "colour":
        return _colour(before, after)
    if attribute == "second":
        return _second(before, after, rng)
    if attribute == "pattern":
        return _pattern(before, after, rng)
    if attribute in OPTIONAL:
        return _comes(after, attribute) if after.has(attribute) else _goes(before, attribute)
    return _value(before, after, attribute)


def altered(before: Garment, after: Garment) -> tuple[str, ...]:
    """Return the attributes that a change speaks of: a pattern's colour comes with the pattern."""
    names = [name for name in attributes_of(before.category) if before[name] != after[name]]
    return tuple(name for name in names if name != "second" or "pattern" not in names)


def them(garment: Garment) -> str:
    """Return "it" or "them"."""
    return "them" if garment.category in PLURAL else "it"


def _colour(before: Garment, after: Garment) -> Edits:
    new, old = after.colour, before.colour
    plain = before.pattern == "plain"
    return {
        "be": [f"in {new}", f"in {new}", f"in {new} instead of {old}", *([new] if plain else [])],
        "do": [
            f"make {them(before)} {new}",
            f"change the {'colour' if plain else 'main colour'} to {new}",
            f"change the {'colour' if plain else 'main colour'} from {old} to {new}",
        ],
    }


def _second(before: Garment, after: Garment, rng: Random) -> Edits:
    figure, new, old = rng.choice(FIGURES[before.pattern]), after.second, before.second
    return {
        "with": [f"{new} {figure}", f"{new} {figure} instead of {old} ones"],
        "do": [
            f"make the {figure} {new}",
            f"change the colour of the {figure} to {new}",
            f"change the {figure} from {old} to {new}",
        ],
    }


def _pattern(before: Garment, after: Garment, rng: Random) -> Edits:
    if after.pattern == "plain":
        return _to_plain(before, rng)
    if before.pattern == "plain":
        return _to_pattern(after, rng)
    return _other_pattern(before, after, rng)


def _to_plain(before: Garment, rng: Random) -> Edits:
    figure, adjective = rng.choice(FIGURES[before.pattern]), _PREDICATES[before.pattern]
    return {
        "be": [f"in plain {before.colour}", "plain", f"plain instead of {adjective}"],
        "without": ["the pattern", f"the {figure}", figure],
        "do": [
            f"remove the {figure}",
            f"make {them(before)} plain {before.colour}",
            f"leave out the {figure}",
        ],
    }


def _to_pattern(after: Garment, rng: Random) -> Edits:
    figure = figures(after.pattern, after.second, rng)
    verb = rng.choice(ADJECTIVES[after.pattern])
    return {
        "with": [figure, f"{after.second} {rng.choice(FIGURES[after.pattern])}"],
        "be": [f"{verb} in {after.second}"] if verb in VERBS else [],
        "do": [f"add {figure}"],
    }


def _other_pattern(before: Garment, after: Garment, rng: Random) -> Edits:
    old, new = rng.choice(FIGURES[before.pattern]), rng.choice(FIGURES[after.pattern])
    adjective = _PREDICATES[after.pattern]
    return {
        "with": [f"{new} instead of {old}", f"{before.second} {new} instead of {old}", new],
        "be": [f"{adjective} instead of {_PREDICATES[before.pattern]}"],
        "do": [
            f"turn the {old} into {new}",
            f"replace the {old} with {new}",
            f"change the pattern to {new}",
        ],
    }


def _comes(after: Garment, part: str) -> Edits:
    ways = SAID[after.category, part, "yes"]
    words = ways.having[-1]
    return {
        "with": [words] * 3,
        "be": [word for word in ways.before if word not in ONLY_BEFORE],
        "do": [f"add {words}", f"add {words}", f"give {them(after)} {words}"],
    }


_PREDICATES = {pattern: adjectives[0] for pattern, adjectives in ADJECTIVES.items()}


def _goes(before: Garment, part: str) -> Edits:
    words = SAID[before.category, part, "no"].lacking[0]
    the = definite(words)
    away = f"take off {the}" if part != "pockets" else f"take away {the}"
    return {"without": [words, the], "do": [f"remove {the}", away, f"leave out {the}"]}


def _value(before: Garment, after: Garment, attribute: str) -> Edits:
    old, new = before[attribute], after[attribute]
    ways, step = SAID[after.category, attribute, new], STEPS.get((attribute, old, new))
    found: Edits = defaultdict(list)
    found["be"] += [word for word in ways.before if word not in ONLY_BEFORE]
    found["with"] += ways.having
    found["without"] += [lacked for words in ways.lacking for lacked in (words, definite(words))]
    it = them(before)
    if attribute == "length":
        found["be"] += [step] * 2 if step else []
        found["do"] += [f"make {it} {step or new}", f"make {it} {new}"]
    elif new == "sleeveless":
        found["do"] += [f"make {it} sleeveless", "remove the sleeves"]
    elif old == "sleeveless":
        found["do"] += [f"add {new} sleeves", f"give {it} {new} sleeves"]
    elif attribute == "heel":
        found["do"] += ["make them flat" if new == "flat" else "give them high heels"]
    elif attribute == "neckline":
        before_ways = SAID[before.category, attribute, old].having
        found["with"] += [f"{ways.having[0]} instead of {before_ways[0]}"]
        found["do"] += [f"change the neckline to {article(_SHAPES[new])}"]
    else:
        found["with"] += [_stepped(ways.having[0], new, step)] if step else []
        found["do"] += [f"make {definite(attribute)} {step or new}"]
    return found


_SHAPES = {"round": "round one", "V-shaped": "V-neck", "square": "square one"}


def _stepped(words: str, value: str, step: str) -> str:
    """Return "a wider brim" for "a wide brim"."""
    stepped = bare(words).replace(value, step)
    return stepped if words == bare(words) else article(stepped)

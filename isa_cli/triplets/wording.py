"""Modifiers: a change between two photos as somebody might type it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isa_cli.triplets.words import CLAUSE, COLOURS, DETERMINERS, stem

if TYPE_CHECKING:
    from random import Random

    from isa_cli.triplets.grammar import Phrase

LONGEST = 6
"""Words in a phrase; what is longer was not understood."""

OWNING = frozenset({"with", "and", "wearing", "holding", "carrying"})
"""What stands before a thing that can be there or not."""

OTHER_THING = (
    "{new} instead of {old}", "{new} instead of {old}", "with {new} instead of {old}",
    "replace {the_old} with {new}", "change {the_old} to {new}", "the same but with {new}",
    "with {new}", "but with {new}", "{new}", "{new}, not {old}",
)  # fmt: skip
OTHER_PLACE = (
    "{new} instead of {old}", "{new}", "the same but {new}", "but {new}", "now {new}",
    "the same {new}", "{new}, not {old}",
)  # fmt: skip
OTHER_DEED = (
    "{new} instead of {old}", "{new} instead of {old}", "{new}", "the same but {new}", "now {new}",
    "but {new}", "{new}, not {old}",
)  # fmt: skip
OTHER_COLOUR = (
    "make the {head} {core}", "the {head} in {core}", "{core} instead of {was}", "{new}",
    "change the colour of the {head} to {core}", "the same but with {new}",
    "{new} instead of {old}", "the {head} should be {core}",
)  # fmt: skip
MORE_THINGS = ("with {new}", "add {new}", "the same but with {new}", "and {new}", "but with {new}")
MORE_DETAIL = ("with {new}", "{new}", "the same but with {new}", "but with {new}")
MORE_DEEDS = ("{new}", "now {new}", "the same but {new}", "but {new}")
IN_PLACE = ("{new}", "the same {new}", "the same but {new}", "now {new}", "but {new}")
GONE = (
    "without {the_old}", "the same without {the_old}", "but without {the_old}",
    "remove {the_old}", "leave out {the_old}", "no {bare_old}",
)  # fmt: skip


def modifier(old: Phrase | None, new: Phrase | None, rng: Random) -> str | None:
    """Return the words that turn ``old`` into ``new``; ``None`` where nobody would say that.

    Args:
        old: what the reference shows; ``None``: the new is added.
        new: what the target shows; ``None``: the old goes.
        rng: where the choice of words comes from.
    """
    if any(phrase and not _is_usable(phrase) for phrase in (old, new)):
        return None
    if new is None:
        return _without(old, rng) if old else None
    if old and not (old.is_verb or new.is_verb) and new.place and not old.place:
        old = None  # "in the mud" instead of football: the words are about the place
    if old is None:
        return rng.choice(_additions(new)).format(new=_said(new, placed=bool(new.place)))
    if old.is_verb != new.is_verb or (old.place and not new.place and old.has_head):
        return None
    placed = bool(old.place and new.place) and not new.is_colour
    return rng.choice(_replacements(old, new, placed=placed)).format(
        new=_said(new, placed=placed),
        old=_said(_short(old, new), placed=placed),
        the_old=definite(old.words),
        core=" ".join(new.core),
        was=" ".join(old.core),
        head=new.words[-1],
    )


def definite(words: tuple[str, ...]) -> str:
    """Return words with "the" for their article: "the brown dog"."""
    return " ".join(("the", *bare(words)))


def bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words without their article."""
    return words[1:] if words[0] in DETERMINERS else words


def _is_usable(phrase: Phrase) -> bool:
    """Return whether a phrase was understood: "with black" was not, "in black" was."""
    is_bare_colour = phrase.has_head and stem(phrase.core[-1]) in COLOURS
    is_whole = len(phrase.words) <= LONGEST and CLAUSE.isdisjoint(phrase.words)
    return is_whole and not (is_bare_colour and not phrase.place)


def _without(old: Phrase, rng: Random) -> str | None:
    if old.is_verb or not old.has_head or old.joined not in OWNING:
        return None  # "brown" can't be left out of a brown dog, nor where something is
    words = {"the_old": definite(old.words), "bare_old": " ".join(bare(old.words))}
    return rng.choice(GONE).format(**words)


def _additions(new: Phrase) -> tuple[str, ...]:
    if new.is_verb:
        return MORE_DEEDS
    if new.place:
        return IN_PLACE
    return MORE_THINGS if new.has_head else MORE_DETAIL


def _replacements(old: Phrase, new: Phrase, *, placed: bool) -> tuple[str, ...]:
    if new.is_verb:
        return OTHER_DEED
    if old.is_colour and new.is_colour:
        return OTHER_COLOUR
    return OTHER_PLACE if placed else OTHER_THING


def _said(phrase: Phrase, *, placed: bool) -> str:
    return " ".join((phrase.place, *phrase.words) if placed else phrase.words)


def _short(old: Phrase, new: Phrase) -> Phrase:
    """Return the old words as they follow "a red shirt instead of": "a blue one"."""
    words = old.words
    if words[-1] == new.words[-1] and words[0] in {"a", "an"} and not old.has_head:
        return replace(old, words=(*words[:-1], "one"))
    return old

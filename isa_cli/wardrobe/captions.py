"""Captions: what a scene shows, in the many ways in which people would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.wardrobe.edits import altered
from isa_cli.wardrobe.garments import attributes_of
from isa_cli.wardrobe.modifiers import category_words, state
from isa_cli.wardrobe.phrases import comma_list, noun_phrase, sentence
from isa_cli.wardrobe.words import article, chance, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from isa_cli.wardrobe.changes import Change
    from isa_cli.wardrobe.garments import Garment
    from isa_cli.wardrobe.scenes import Scene


def caption(scene: Scene, rng: Random, *, full: bool = False) -> str:
    """Return one English caption of a scene.

    Args:
        scene: what is shown.
        rng: where the choice of words comes from.
        full: name every attribute that applies, absent parts too; otherwise some of them.
    """
    garment = scene.garment
    names = _all_names(garment) if full else _some_names(garment, rng)
    around = _around(scene, rng)
    if chance(rng, 0.18):
        return spelled(comma_list(garment, names, around, rng), rng)
    if chance(rng, 0.22):
        text = _placed(sentence(garment, names, rng), around, rng, comma=True)
    else:
        text = _placed(noun_phrase(garment, names, rng, loose=not full), around, rng)
    return spelled(text, rng)


def corrected(before: Garment, change: Change, scene: Scene, rng: Random) -> str:
    """Return a caption of a changed garment by one who compares it, or corrects himself.

    "a red dress with long sleeves, but sleeveless".  What was there and is no longer is always
    named first; what was missing before, half the time.

    Args:
        before: the garment that was changed.
        change: how.
        scene: what is shown: the garment after the change.
        rng: where the choice of words comes from.
    """
    after, is_category = scene.garment, change.kind == "category"
    changed = () if is_category else altered(before, after)
    must = {name for name in changed if not _is_absent(before, name) or chance(rng, 0.5)}
    others = [
        name
        for name in _some_names(before, rng)
        if name not in changed and not _is_absent(before, name)
    ]
    few = rng.sample(others, min(len(others), rng.randint(0, 2)))
    names = ["colour", *few, *must]
    if "second" in names and "pattern" not in names:
        names.append("pattern")
    start = noun_phrase(before, _in_order(before, names), rng, posed=False)
    if start.startswith(("a ", "an ", "the ")) and chance(rng, 0.4):
        start = f"like {start}"
    words = category_words(after, rng) if is_category else state(before, after, rng)
    removes, replaces = words.startswith(("without ", "no ")), " instead" in words
    if words.startswith(("with ", "in ")) and " without " not in words and not replaces:
        words += " instead" if change.kind == "swap" and chance(rng, 0.2) else ""
    links = [", but ", ", but ", ", only ", ", just "]
    links += [", "] if removes or (replaces and words.startswith("with ")) else []
    links += [] if removes or is_category or " but " in start else [" but "]
    return spelled(f"{start}{rng.choice(links)}{words}", rng)


def _is_absent(garment: Garment, name: str) -> bool:
    return garment[name] in {"", "no", "plain"}


def _all_names(garment: Garment) -> list[str]:
    return [name for name in attributes_of(garment.category) if garment[name]]


def _in_order(garment: Garment, names: Iterable[str]) -> list[str]:
    chosen = set(names)
    return [name for name in _all_names(garment) if name in chosen]


def _some_names(garment: Garment, rng: Random) -> list[str]:
    """Return the colour, nearly always, and by chance some of the rest: two names or more."""
    names = [name for name in _all_names(garment) if name not in {"colour", "second"}]
    # What is missing is seldom worth a word.
    likely = [name for name in names if not _is_absent(garment, name) or chance(rng, 0.4)]
    if not likely:
        likely = names
    chosen = set(rng.sample(likely, rng.randint(1, len(likely))))
    if len(chosen) == 1 or chance(rng, 0.93):
        chosen.add("colour")
    if "pattern" in chosen and chance(rng, 0.7):
        chosen.add("second")
    return _in_order(garment, chosen)


def _around(scene: Scene, rng: Random) -> list[tuple[str, str]]:
    """Return those of ("background", its colour) and ("light", its kind) that are to be said."""
    said = [("background", scene.background)] if chance(rng, 0.35) else []
    return [*said, ("light", scene.light)] if chance(rng, 0.2) else said


def _placed(
    text: str, around: Sequence[tuple[str, str]], rng: Random, *, comma: bool = False
) -> str:
    if not around:
        return text
    words = [
        f"{rng.choice(('in', 'in', 'under'))} {value} light"
        if what == "light"
        else rng.choice(_BEFORE).format(article(value))
        for what, value in around
    ]
    where = rng.choice((" ", ", ")).join(words)
    if chance(rng, 0.12):
        return f"{where}, {text}"
    return f"{text}{',' if comma or chance(rng, 0.5) else ''} {where}"


_BEFORE = (
    "on {} background", "on {} background", "against {} background", "in front of {} wall",
    "in front of {} background",
)  # fmt: skip

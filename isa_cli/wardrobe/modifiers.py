"""Modifiers: how people type what is to be different."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.wardrobe.edits import altered, edits, them
from isa_cli.wardrobe.words import PLURAL, article, bare, chance, listed, noun

if TYPE_CHECKING:
    from random import Random

    from isa_cli.wardrobe.garments import Garment


def modifier(before: Garment, after: Garment, rng: Random) -> str:
    """Return the words of one who has ``before`` and wants ``after``, of the same category."""
    if chance(rng, 0.3):
        orders = [edits(before, after, name, rng)["do"] for name in altered(before, after)]
        order = " and ".join(rng.choice(choices) for choices in orders)
        return f"{order} please" if chance(rng, 0.06) else order
    words, called = state(before, after, rng), noun(before, rng)
    if words.startswith("no "):
        return rng.choice((words, f"but {words}", f"same {called}, {words}"))
    this = f"{'these' if before.category in PLURAL else 'this'} {called}"
    frames: tuple[str, ...] = (
        "{}", "{}", "{}", "but {}", f"same {called} but {{}}", f"the same {called} but {{}}",
        f"same {called}, {{}}", "the same but {}", f"{this} but {{}}", "like this but {}",
        f"just like {this}, only {{}}",
    )  # fmt: skip
    if words.startswith(("with", "in ")):
        frames += (f"the same {called} {{}}", f"same {called} {{}}", f"{this} {{}}")
    return rng.choice(frames).format(words)


def category_modifier(before: Garment, after: Garment, rng: Random) -> str:
    """Return the words of one who has ``before`` and wants the like of another category."""
    words = category_words(after, rng)
    called, it, many = noun(before, rng), them(before), before.pattern != "plain"
    that = "these" if before.category in PLURAL else "this"
    same = "same colours" if many else "same colour"
    return rng.choice((
        f"as {words}", f"as {words}", f"{that} as {words}", f"the same as {words}",
        f"make it {words}" if it == "it" else f"turn them into {words}", f"turn {it} into {words}",
        f"{same} but {words}", f"the same colour and pattern but {words}",
        f"{words} instead of {_counted(before, called)}", f"but {words}",
        f"{words} like {that} {called}", f"{words} like this",
    ))  # fmt: skip


def category_words(garment: Garment, rng: Random) -> str:
    """Return "a skirt", "trousers" or "a pair of trousers"."""
    return _counted(garment, noun(garment, rng), pair=chance(rng, 0.4))


def _counted(garment: Garment, called: str, *, pair: bool = False) -> str:
    if garment.category not in PLURAL:
        return article(called)
    return f"a pair of {called}" if pair else called


def state(before: Garment, after: Garment, rng: Random) -> str:
    """Return the changed attributes as they follow "the same but": "in green with a belt"."""
    chosen: dict[str, list[str]] = {"be": [], "with": [], "without": []}
    for name in altered(before, after):
        ways = edits(before, after, name, rng)
        shapes = [shape for shape in chosen if ways.get(shape)]
        shape = rng.choice(shapes)
        chosen[shape].append(rng.choice(ways[shape]))
    # "instead of" goes last, where it cannot be taken to speak of the other change.
    for words in chosen.values():
        words.sort(key=lambda word: " instead " in word)
    return _joined(chosen["be"], chosen["with"], chosen["without"], rng)


def _joined(be: list[str], having: list[str], lacking: list[str], rng: Random) -> str:
    if lacking and not be and chance(rng, 0.3):
        no = [f"no {bare(words.removeprefix('the '))}" for words in lacking]
        return f"with {listed([*having, *no])}" if having else listed(no)
    phrases = [*be]
    if having:
        phrases.append(f"with {listed(having)}")
    if lacking:
        phrases.append(f"without {listed(lacking, 'or')}")
    if be and not lacking and having and chance(rng, 0.4) and be[0].startswith("in "):
        return " ".join(phrases)
    return listed(phrases)

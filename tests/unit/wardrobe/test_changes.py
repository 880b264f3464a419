"""A change says what it means: the words, and the garment that is wanted, agree."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from isa_cli.wardrobe.changes import KINDS, complete, is_drawable, propose, step
from isa_cli.wardrobe.edits import altered, edits
from isa_cli.wardrobe.garments import ATTRIBUTES, NAMES, OPTIONAL, PARTS, Garment, draw

DRESS = Garment(
    "dress", "red", "dotted", "white", sleeves="long", length="long", neckline="round",
    buttons="yes", belt="no", pockets="no",
)  # fmt: skip
ODD = re.compile(
    r"\ba (a|an|the)\b|\ba [aeio]\w*|\ban [^aeiou\W]\w*|  |,,|[ ,]$|^[ ,]|None|\{"
    r"|\b(a|an|this) (trousers|pants|shoes)\b|\bthese (dress|shirt|skirt|coat|hat|bag)"
    r"|\b(and|but|in)( (and|but)\b|,|$)|\b(with|without)( (with|without|and|but)\b|,|$)"
)


def _changes(kind, number=1500, seed=1):
    rng = Random(seed)
    for _ in range(number):
        garment = draw(rng)
        change = propose(garment, kind, rng)
        if change:
            yield garment, change


@pytest.mark.parametrize("kind", KINDS)
def test_modifiers_are_correct_and_varied(kind):
    changes = [change for _, change in _changes(kind)]
    assert len(changes) > 1200
    for change in changes:
        assert change.kind == kind
        assert not ODD.search(change.modifier), change.modifier
    assert len({change.modifier for change in changes}) > 200


@pytest.mark.parametrize("kind", KINDS[:4])
def test_a_change_leaves_everything_else_alone(kind):
    for before, change in _changes(kind):
        changed = altered(before, change.wanted)
        assert len(changed) == (2 if kind == "two" else 1)
        others = set(NAMES) - set(changed) - ({"second"} if "pattern" in changed else set())
        assert all(before[name] == change.wanted[name] for name in others)
        assert is_drawable(change.wanted)
        assert not before.fits(change.wanted)


def test_a_swap_gives_another_value():
    seen = set()
    for before, change in _changes("swap", 3000):
        (name,) = altered(before, change.wanted)
        assert name not in OPTIONAL
        assert change.wanted[name] not in {"", "plain", "sleeveless"}
        assert before[name] not in {"", "plain"}
        if name == "pattern":
            assert before.second == change.wanted.second
        seen.add(name)
    assert seen == set(ATTRIBUTES) - set(OPTIONAL)


def test_a_removal_takes_away():
    for before, change in _changes("removal"):
        (name,) = altered(before, change.wanted)
        assert change.wanted[name] in {"no", "plain", "sleeveless"}
        assert before[name] not in {"no", "plain", "sleeveless"}


def test_an_addition_brings():
    for before, change in _changes("addition"):
        (name,) = altered(before, change.wanted)
        assert before[name] in {"no", "plain"}
        assert change.wanted[name] not in {"no", "plain"}
        if name == "pattern":
            assert change.wanted.second in change.modifier.replace("gray", "grey")


def test_a_category_keeps_what_both_have():
    for before, change in _changes("category"):
        wanted = change.wanted
        assert wanted.category != before.category
        shared = {"colour", "pattern", "second"} | (
            set(PARTS[before.category]) & set(PARTS[wanted.category])
        )
        assert all(wanted[name] == before[name] for name in shared)
        assert all(not wanted[name] for name in set(ATTRIBUTES) - shared)


def test_a_swapped_colour_is_named():
    for before, change in _changes("swap", 2000):
        (name,) = altered(before, change.wanted)
        words = change.modifier.replace("gray", "grey")
        if name in {"colour", "second"}:
            assert change.wanted[name] in words
        if name == "second":
            assert re.search("stripe|dot|spot|check|flower", words), words
        if name == "colour" and before.pattern != "plain":
            assert re.search("in |main|make (it|them)", words), words


def test_what_cannot_be_is_none():
    rng = Random(2)
    bare = Garment("hat", "red", "plain", brim="wide", ribbon="no")
    assert propose(bare, "removal", rng) is None
    dressed = Garment("hat", "red", "striped", "white", brim="wide", ribbon="yes")
    assert propose(dressed, "addition", rng) is None
    assert all(propose(bare, kind, rng) for kind in set(KINDS) - {"removal"})


def test_no_such_kind():
    with pytest.raises(ValueError, match="no kind of change: dye"):
        propose(DRESS, "dye", Random(3))


def test_every_attribute_of_a_garment_comes_up():
    rng = Random(4)
    found = Counter(
        name
        for kind in ("swap", "removal", "addition")
        for _ in range(300)
        for name in altered(DRESS, step(DRESS, kind, rng))
    )
    assert set(found) == {"colour", "pattern", "second", *PARTS["dress"]}


def test_two_changes_never_hide_each_other():
    for before, change in _changes("two", 3000):
        names = altered(before, change.wanted)
        if "pattern" in names and change.wanted.pattern == "plain":
            assert "colour" not in names
        if "pattern" in names and "plain" not in {before.pattern, change.wanted.pattern}:
            assert before.second == change.wanted.second


def test_comparatives_leave_no_doubt():
    shorter = edits(DRESS, DRESS.but(length="short"), "length", Random(5))
    assert not any("shorter" in words for ways in shorter.values() for words in ways)
    knee = DRESS.but(length="knee-length")
    assert "shorter" in edits(knee, DRESS.but(length="short"), "length", Random(5))["be"]
    assert "longer" in edits(knee, DRESS, "length", Random(5))["be"]


def test_completing_fits_and_leaves_nothing_open():
    for _, change in _changes("category", 1000):
        rng = Random(6)
        garment = complete(change.wanted, rng)
        assert garment.fits(change.wanted)
        assert is_drawable(garment)
        assert all(garment[name] for name in PARTS[garment.category])


def test_completing_a_bare_category():
    rng = Random(7)
    garments = {complete(Garment("coat"), rng) for _ in range(200)}
    assert len(garments) > 150
    assert all(is_drawable(garment) and garment.colour for garment in garments)
    white = [complete(Garment("coat", second="white"), rng) for _ in range(50)]
    assert all(is_drawable(garment) and garment.second == "white" for garment in white)


def test_a_whole_garment_is_complete():
    assert complete(DRESS, Random(8)) == DRESS


def test_the_same_seed_proposes_the_same():
    assert list(_changes("two", 30, seed=9)) == list(_changes("two", 30, seed=9))

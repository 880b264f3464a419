"""Garments are whole, drawn evenly, and keep the promise of what training never sees."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from isa_cli.wardrobe.garments import (
    ALIKE,
    ATTRIBUTES,
    CATEGORIES,
    COLOURS,
    HELD_OUT,
    NAMES,
    OPTIONAL,
    PARTS,
    Garment,
    attributes_of,
    draw,
    is_held_out,
    second_colour,
)
from isa_cli.wardrobe.scenes import BACKGROUNDS, LIGHTS, SEEDS, place


def _shows(garment, pair):
    return all(garment[name] == value for name, value in pair)


def test_a_drawn_garment_has_exactly_the_attributes_of_its_category():
    rng = Random(1)
    for garment in (draw(rng) for _ in range(2000)):
        said = set(garment.as_dict())
        wanted = {"category", *attributes_of(garment.category)}
        assert said == wanted - ({"second"} if garment.pattern == "plain" else set())
        assert all(garment[name] in ATTRIBUTES[name] for name in said - {"category"})


def test_training_never_sees_a_held_out_pair():
    rng = Random(2)
    for garment in (draw(rng, held_out=False) for _ in range(3000)):
        assert not any(_shows(garment, pair) for pair in HELD_OUT)


def test_every_held_out_pair_is_drawn_when_asked_for():
    rng = Random(3)
    garments = [draw(rng, held_out=True) for _ in range(3000)]
    assert all(is_held_out(garment) for garment in garments)
    for pair in HELD_OUT:
        assert any(_shows(garment, pair) for garment in garments), pair


def test_training_sees_each_value_of_a_held_out_pair_by_itself():
    rng = Random(4)
    seen = Counter(
        item for _ in range(3000) for item in draw(rng, held_out=False).as_dict().items()
    )
    for pair in HELD_OUT:
        assert all(seen[value] > 30 for value in pair), pair


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_category_can_be_asked_for(category):
    rng = Random(5)
    assert {draw(rng, category=category).category for _ in range(20)} == {category}


def test_a_pattern_can_be_told_from_what_it_lies_upon():
    rng = Random(6)
    for colour in COLOURS:
        drawn = {second_colour(rng, colour) for _ in range(300)}
        assert drawn == set(COLOURS) - {colour, *ALIKE.get(colour, ())}


def test_alike_colours_are_alike_both_ways():
    assert all(one in ALIKE[other] for one, others in ALIKE.items() for other in others)


def test_what_does_not_matter_fits():
    garment = draw(Random(7), category="dress")
    assert garment.fits(garment)
    assert garment.fits(Garment("dress"))
    assert garment.fits(Garment("dress", colour=garment.colour))
    assert not garment.fits(Garment("coat"))
    other = next(colour for colour in COLOURS if colour != garment.colour)
    assert not garment.fits(Garment("dress", colour=other))


def test_but_changes_what_it_is_told_to():
    garment = Garment("hat", "red", "plain", brim="wide", ribbon="no")
    changed = garment.but(ribbon="yes")
    assert [name for name in NAMES if garment[name] != changed[name]] == ["ribbon"]
    assert changed.has("ribbon")
    assert not garment.has("ribbon")


def test_every_part_is_an_attribute():
    assert {part for parts in PARTS.values() for part in parts} <= set(ATTRIBUTES)
    assert set(OPTIONAL) == {"collar", "buttons", "belt", "pockets", "laces", "ribbon"}


def test_the_same_seed_draws_the_same():
    assert [draw(Random(8)) for _ in range(3)] == [draw(Random(8)) for _ in range(3)]
    assert place(draw(Random(8)), Random(9)) == place(draw(Random(8)), Random(9))


def test_a_scene_is_within_its_ranges():
    rng = Random(10)
    scenes = [place(draw(rng), rng) for _ in range(300)]
    assert {scene.background for scene in scenes} == set(BACKGROUNDS)
    assert {scene.light for scene in scenes} == set(LIGHTS)
    assert all(0 <= scene.seed < SEEDS for scene in scenes)

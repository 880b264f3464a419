"""Pairs to learn from: right, even, repeatable, and never what the benchmark asks about."""

from __future__ import annotations

from collections import Counter

import pytest

from isa_cli.wardrobe.cases import collection
from isa_cli.wardrobe.changes import KINDS
from isa_cli.wardrobe.garments import is_held_out
from isa_cli.wardrobe.pairs import pairs


@pytest.fixture(scope="module")
def made():
    return pairs(7, 500)


def test_no_picture_shows_a_held_out_pair(made):
    assert len(made.scenes) == 1000
    assert not any(is_held_out(scene.garment) for scene in made.scenes)


def test_each_target_answers_its_question_and_no_reference_does(made):
    for pair in made.pairs:
        assert made.scenes[pair.target].garment.fits(pair.change.wanted)
        assert not made.scenes[pair.reference].garment.fits(pair.change.wanted)
        assert pair.change.modifier.strip()


def test_every_scene_is_in_one_pair(made):
    used = [at for pair in made.pairs for at in (pair.reference, pair.target)]
    assert sorted(used) == list(range(len(made.scenes)))


def test_kinds_are_evenly_spread(made):
    assert Counter(pair.change.kind for pair in made.pairs) == dict.fromkeys(KINDS, 100)


def test_the_same_seed_makes_the_same_and_more_of_them_begin_alike(made):
    assert pairs(7, 500) == made
    assert pairs(7, 20).pairs == made.pairs[:20]
    assert pairs(7, 20).scenes == made.scenes[:40]
    assert pairs(8, 20).scenes != made.scenes[:40]


def test_the_benchmark_of_the_same_seed_asks_something_else(made):
    asked = collection(7, cases=100, gallery=600)
    questions = {(asked.scenes[one.reference].garment, one.change) for one in asked.cases}
    learned = {(made.scenes[one.reference].garment, one.change) for one in made.pairs}
    assert not questions & learned


def test_none_are_none():
    assert pairs(1, 0).scenes == ()

"""The renderer: deterministic, true to the attributes, and more than a colour histogram."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from isa_cli.wardrobe.drawing import render
from isa_cli.wardrobe.drawing.geometry import any_pose
from isa_cli.wardrobe.drawing.palette import dyed
from isa_cli.wardrobe.drawing.render import _sewn
from isa_cli.wardrobe.garments import CATEGORIES, COLOURS, Garment, draw
from isa_cli.wardrobe.scenes import BACKGROUNDS, LIGHTS, Scene, place

DRESS = Garment(
    "dress", "red", "plain", sleeves="long", length="long", neckline="round",
    buttons="no", belt="no", pockets="no",
)  # fmt: skip


def shown(garment, seed=3, size=64, background="white", light="soft"):
    return np.asarray(render(Scene(garment, background, light, seed), size), np.float32)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_garment_of_a_category_can_be_drawn(category):
    rng = Random(category)
    for _ in range(25):
        image = render(place(draw(rng, category=category), rng), 48)
        assert (image.mode, image.size) == ("RGB", (48, 48))
        assert np.asarray(image).std() > 3  # something is there


def test_a_scene_looks_the_same_every_time_whatever_was_drawn_before():
    scene = place(DRESS, Random(5))
    first = render(scene, 64).tobytes()
    render(place(draw(Random(6)), Random(6)), 64)
    assert render(scene, 64).tobytes() == first
    assert render(place(DRESS, Random(8)), 64).tobytes() != first


@pytest.mark.parametrize("size", [32, 128, 200])
def test_a_picture_is_as_large_as_asked_for(size):
    assert render(place(DRESS, Random(1)), size).size == (size, size)


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "blue"},
        {"pattern": "striped", "second": "white"},
        {"sleeves": "sleeveless"},
        {"length": "short"},
        {"neckline": "square"},
        {"buttons": "yes"},
        {"belt": "yes"},
        {"pockets": "yes"},
    ],
    ids=str,
)
def test_a_change_of_an_attribute_is_sewn_where_the_garment_is(change):
    """Only the cloth is compared: light, wall and grain are chance."""
    for seed in range(5):
        one, other = (
            _sewn(garment, any_pose(Random(seed), -0.84, 0.93), 128, Random(seed))
            for garment in (DRESS, DRESS.but(**change))
        )
        cloth = np.maximum(np.asarray(one.mask), np.asarray(other.mask)) > 0
        pictures = [np.asarray(each.image, np.float32) for each in (one, other)]
        changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 20
        assert 0.001 < (changed & cloth).mean() < 0.6, seed


def test_patterns_bring_in_their_second_colour():
    def blue(image):
        return ((image[..., 2] > 120) & (image[..., 0] < 110)).mean()

    for pattern in ("striped", "dotted", "checked", "floral"):
        patterned = DRESS.but(pattern=pattern, second="blue")
        assert blue(shown(patterned)) > blue(shown(DRESS)) + 0.02, pattern


def test_lights_change_the_whole_picture():
    means = {light: shown(DRESS, light=light).mean((0, 1)) for light in LIGHTS}
    assert means["bright"].sum() > means["soft"].sum() > means["dim"].sum()
    assert means["warm"][0] / means["warm"][2] > means["cool"][0] / means["cool"][2]


def test_backgrounds_are_what_they_are_called():
    corners = {name: shown(DRESS, background=name)[:6, :6].mean((0, 1)) for name in BACKGROUNDS}
    assert corners["black"].sum() < corners["grey"].sum() < corners["white"].sum()
    assert corners["blue"].argmax() == 2
    assert corners["green"].argmax() == 1


def test_colour_names_stay_apart_however_they_are_dyed():
    rng = Random(0)
    middle = {name: np.mean([dyed(name, rng) for _ in range(50)], axis=0) for name in COLOURS}
    hits = sum(
        min(middle, key=lambda other: np.abs(middle[other] - shade).sum()) == name
        for name in COLOURS
        for shade in (dyed(name, rng) for _ in range(100))
    )
    assert hits / (100 * len(COLOURS)) > 0.95


def test_a_colour_histogram_does_not_tell_sleeves():
    """Chance (pose, light, wall) moves a histogram more than a sleeve does."""
    rng = Random(2)

    def histogram(garment):
        image = np.asarray(render(place(garment, rng), 48)).reshape(-1, 3) // 64
        return np.bincount(image @ [16, 4, 1], minlength=64) / len(image)

    sleeveless = DRESS.but(sleeves="sleeveless")
    with_sleeves = [histogram(DRESS) for _ in range(30)]
    without = [histogram(sleeveless) for _ in range(30)]
    right = 0
    for own, others in ((with_sleeves, without), (without, with_sleeves)):
        for number, one in enumerate(own):
            rest = own[:number] + own[number + 1 :]
            mine = min(np.abs(one - each).sum() for each in rest)
            theirs = min(np.abs(one - each).sum() for each in others)
            right += mine < theirs
    assert right / 60 < 0.75

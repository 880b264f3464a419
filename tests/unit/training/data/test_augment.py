"""Augmentation: decided by the generator alone, mild, and each change can be switched off."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from isa_cli.training.data.augment import DEFAULT, NONE, Augmentation, augmented


def picture(width=60, height=40):
    noise = np.random.default_rng(0)
    return Image.fromarray(noise.integers(0, 256, (height, width, 3), dtype=np.uint8))


def rng(number):
    return np.random.default_rng(number)


def same(one, other):
    return one.size == other.size and one.tobytes() == other.tobytes()


def test_the_same_generator_gives_the_same_picture_and_others_do_not():
    once, again = (augmented(picture(), rng(3)) for _ in range(2))
    assert same(once, again)
    assert once.mode == "RGB"
    assert len({augmented(picture(), rng(number)).tobytes() for number in range(20)}) == 20


def test_with_everything_off_nothing_changes():
    for number in range(10):
        assert same(augmented(picture(), rng(number), NONE), picture())


@pytest.mark.parametrize("size", [(60, 40), (40, 40), (20, 200), (1, 1)])
def test_crops_keep_the_area_and_the_shape_within_their_limits(size):
    config = replace(NONE, area=0.7, stretch=4 / 3)
    width, height = size
    areas, shapes = [], []
    for number in range(60):
        crop = augmented(picture(*size), rng(number), config)
        areas.append(crop.width * crop.height / (width * height))
        shapes.append((crop.width / crop.height) / (width / height))
    slack = 1 / width + 1 / height  # whole pixels
    assert min(areas) > 0.7 - slack
    assert max(areas) <= 1
    assert min(shapes) > 3 / 4 * (1 - slack)
    assert max(shapes) < 4 / 3 * (1 + 2 * slack)
    if width > 1:
        assert max(areas) - min(areas) > 0.2


def test_crops_reach_every_corner():
    columns = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, :, None], (100, 100, 3))
    rows = columns.transpose(1, 0, 2)
    for source in (columns, rows):
        image = Image.fromarray(np.ascontiguousarray(source))
        config = replace(NONE, area=0.7)
        crops = [np.asarray(augmented(image, rng(number), config)) for number in range(60)]
        assert min(int(crop.min()) for crop in crops) == 0
        assert max(int(crop.max()) for crop in crops) == 99


def test_half_are_mirrored_and_none_if_that_is_off():
    mirror = picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    results = [augmented(picture(), rng(n), replace(NONE, flip=True)) for n in range(60)]
    assert all(same(result, picture()) or same(result, mirror) for result in results)
    assert 15 < sum(same(result, mirror) for result in results) < 45


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_light_changes_by_no_more_than_its_share(name):
    config = replace(NONE, **{name: 0.1})
    before = np.asarray(picture()).astype(float)
    changes = [np.asarray(augmented(picture(), rng(n), config)) - before for n in range(20)]
    assert all(np.abs(change).max() <= 0.1 * 255 + 1 for change in changes)
    assert sum(np.abs(change).max() > 1 for change in changes) > 15


def test_switching_one_change_off_leaves_the_others_as_they_were():
    no_colour = replace(DEFAULT, brightness=0, contrast=0, saturation=0)
    for number in range(10):
        coloured = augmented(picture(), rng(number))
        plain = augmented(picture(), rng(number), no_colour)
        assert coloured.size == plain.size
        difference = np.asarray(coloured).astype(float) - np.asarray(plain)
        assert np.abs(difference).max() < 90  # the same crop, mirrored alike


@pytest.mark.parametrize("wrong", [{"area": 0}, {"area": 1.1}, {"stretch": 0.5}, {"contrast": 1}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Augmentation(**wrong)

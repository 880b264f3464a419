"""Deep pixels look as the same picture in eight bits does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from isa_cli.images import open_image
from isa_cli.images.depth import black_and_white
from tests import bad_inputs
from tests.bad_inputs import SIZE, Tiff, encoded, photo, quarters

RNG = np.random.default_rng(7)


def grey(width=80, height=60):
    """Return a picture in grey from 0 to 1, (H, W), with all levels in it."""
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    wave = np.sin(9 * x + 4 * y) * np.cos(7 * y - 3 * x)
    return (wave - wave.min()) / (wave.max() - wave.min())


def shown(pixels, bits=32, sample_format=3):
    data = bad_inputs.tiff(pixels, bits=bits, photometric=1, sample_format=sample_format)
    return np.asarray(open_image(data)[0])[..., 0].astype(int)


def likeness(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize("top", [1.0, 1.000001, 1.004, 1.05, 1.1, 1.3, 2.0, 7.5, 30.0])
def test_a_float_picture_whose_top_is_above_one_is_not_black(top):
    levels = (grey() * 255).round()
    found = shown((grey() * top).astype("<f4"))
    assert np.abs(found - levels).mean() < 16
    assert likeness(found, levels) > 0.98


@pytest.mark.parametrize("white", [1, 255, 1023, 4095, 65_535])
@pytest.mark.parametrize("over", [1.0, 1.004, 1.08])
def test_a_usual_white_is_kept_though_a_little_lies_above_it(white, over):
    pixels = (grey() * white).astype("<f4")
    pixels[5, 5:25] = white * over  # sharpened edges
    assert np.abs(shown(pixels) - np.minimum(255, pixels * 255 / white)).max() <= 1


@pytest.mark.parametrize("spike", [1e3, 1e30, np.inf, np.nan, -np.inf])
def test_a_few_pixels_that_are_no_light_change_nothing_for_the_others(spike):
    pixels = grey().astype("<f4")
    pixels[30, 40] = spike
    found = shown(pixels)
    found[30, 40] = (grey() * 255).round()[30, 40]
    assert np.abs(found - grey() * 255).max() <= 1


def test_a_little_below_black_is_black_and_much_below_it_is_a_range():
    pixels = grey().astype("<f4")
    pixels[0, :5] = -0.02
    found = shown(pixels)
    assert np.abs(found - pixels.clip(0) * 255).max() <= 1
    found = shown((grey() * 2 - 1).astype("<f4"))  # from -1 to 1
    assert np.abs(found - grey() * 255).max() <= 12


@pytest.mark.parametrize("white", [255, 1023, 4095, 16_383, 65_535])
def test_a_picture_of_whole_numbers_knows_its_white_by_its_brightest(white):
    pixels = (grey() * white).round().astype("<i4")
    assert np.abs(shown(pixels, sample_format=2) - grey() * 255).max() <= 1


def test_a_dark_one_stays_dark():
    assert shown(np.full((9, 9), 0.1, "<f4")).max() == 26
    assert shown(np.full((9, 9), 30, "<i4"), sample_format=2).max() == 30
    stars = np.zeros((90, 90), "<f4")
    stars[40, 40] = 250
    assert shown(stars)[40, 40] == 250


def test_numbers_without_a_sign_are_not_read_as_negative():
    pixels = (grey() * (2**32 - 1)).round().astype("<u4")
    assert np.abs(shown(pixels, sample_format=1) - grey() * 255).max() <= 1


def test_white_is_found_in_a_sample_of_a_large_picture():
    parts = [RNG.random((1000, 1500)).astype("f4") for _ in range(3)]
    assert black_and_white(parts, 4_500_000) == (0.0, 1.0)
    assert black_and_white([np.full((2, 2), np.nan)], 4) == (0.0, 1.0)


def test_the_clear_value_of_a_deep_grey_png_is_white():
    pixels = np.array([[0, 30_000, 65_535, 30_000]], "<u2")
    data = encoded(Image.fromarray(pixels), "PNG", transparency=30_000)
    assert np.asarray(open_image(data)[0])[0, :, 0].tolist() == [0, 255, 255, 255]


# --- alpha --------------------------------------------------------------------------------------


def with_alpha(mode, alpha):
    image = quarters().convert(mode.rstrip("Aa"))
    image.putalpha(Image.new("L", SIZE, alpha))
    return image


@pytest.mark.parametrize("fmt", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_an_alpha_of_nothing_everywhere_is_no_alpha(fmt, mode):
    options = {"lossless": True, "exact": True} if fmt == "WEBP" else {}
    clear = open_image(encoded(with_alpha(mode, 0), fmt, **options))[0]
    wanted = quarters().convert(mode.rstrip("A")).convert("RGB")
    np.testing.assert_array_equal(np.asarray(clear), np.asarray(wanted))
    one = with_alpha(mode, 0)
    one.putpixel((3, 3), (9,) * (len(mode) - 1) + (255,))
    shown = open_image(encoded(one, fmt, **options))[0]
    assert shown.getpixel((3, 3)) == (9, 9, 9)
    assert shown.getpixel((9, 9)) == (255, 255, 255)


def test_a_palette_of_which_nothing_shows_is_shown():
    image = quarters().quantize(8)
    clear = encoded(image, "PNG", transparency=bytes(8))
    wanted = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(np.asarray(open_image(clear)[0]), wanted)


def test_nothing_over_nothing_is_white():
    for colour in ((0, 0, 0, 0), (10, 20, 30, 0)):
        image = open_image(photo("PNG", colour, "RGBA"))[0]
        assert image.getextrema() == ((255, 255),) * 3


# --- pages --------------------------------------------------------------------------------------


def pages(*kinds, below=()):
    """Return a TIFF with pages of 8 x 8 grey pixels of 10, 20, ...; each kind is extra tags.

    Those ``below`` hang under the first page; the others follow each other.
    """
    writer = Tiff()
    number = 0

    def tags(more):
        nonlocal number
        number += 1
        return {
            256: (4, (8,)),
            257: (4, (8,)),
            258: (3, (8,)),
            259: (3, (1,)),
            262: (3, (1,)),
            273: (4, (writer.blob(bytes((number * 10,)) * 64),)),
            277: (3, (1,)),
            278: (4, (8,)),
            279: (4, (64,)),
            **more,
        }

    first, *rest = [tags(kind) for kind in kinds]
    if below:
        first[330] = (4, tuple(writer.ifd(tags(kind)) for kind in below))
    offsets = [writer.ifd(page) for page in (first, *rest)]
    for one, other in pairwise(offsets):
        end = one + 2 + 12 * int.from_bytes(writer.data[one : one + 2], "little")
        writer.data[end : end + 4] = other.to_bytes(4, "little")
    return writer.finish(offsets[0])


FULL, SMALL, MASK = {}, {254: (4, (1,))}, {254: (4, (4,))}
ODD_SMALL, OLD_SMALL, PAGE = {254: (3, (1,))}, {255: (3, (2,))}, {254: (4, (2,))}


@pytest.mark.parametrize(
    ("kinds", "below", "wanted"),
    [
        ([FULL, FULL], [], 1),
        ([SMALL, FULL], [], 2),
        ([ODD_SMALL, SMALL, FULL, FULL], [], 3),
        ([OLD_SMALL, PAGE], [], 2),
        ([MASK, FULL], [], 2),
        ([{254: (4, (5,))}, FULL], [], 2),
        ([FULL, SMALL], [SMALL, SMALL], 1),
        ([SMALL], [FULL], 2),
        ([SMALL, FULL], [SMALL], 2),
        ([SMALL, SMALL], [], 1),
        ([SMALL], [], 1),
    ],
)
def test_a_tiff_shows_its_first_page_that_is_no_copy(kinds, below, wanted):
    image, info = open_image(pages(*kinds, below=below))
    assert (info.format, info.width) == ("TIFF", 8)
    assert image.getpixel((4, 4)) == (wanted * 10,) * 3


def test_pages_in_a_circle_end():
    data = bytearray(pages(SMALL, SMALL))
    first = int.from_bytes(data[4:8], "little")
    end = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[end : end + 4] = data[4:8]
    assert open_image(bytes(data))[0].getpixel((4, 4)) == (10, 10, 10)

"""Upright, RGB, and scaled where a picture is deeper than eight bits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL.ExifTags import Base

from isa_cli.images import open_image
from tests import bad_inputs
from tests.bad_inputs import BLUE, SIZE, encoded, exif
from tests.unit.images.seeing import NAMED, UPRIGHT, WHITE, close, corners


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_format_stands_upright_once(fmt, orientation):
    said = exif({Base.Orientation: orientation})
    options = {"quality": 95} if fmt in {"JPEG", "WEBP", "AVIF", "HEIF"} else {}
    exif_bytes = said.tobytes() if fmt == "HEIF" else said
    image, info = open_image(encoded(bad_inputs.quarters(), fmt, exif=exif_bytes, **options))
    wanted = [NAMED[letter] for letter in UPRIGHT[orientation]]
    assert all(close(*pair, within=30) for pair in zip(corners(image), wanted, strict=True))
    assert image.size == (info.width, info.height) == (SIZE if orientation < 5 else SIZE[::-1])
    assert Base.Orientation not in image.getexif()  # nobody can turn it again
    assert info.orientation == (1 if fmt == "HEIF" else orientation)  # libheif has done it


def test_a_senseless_orientation_turns_nothing():
    image, info = open_image(bad_inputs.photo("JPEG", exif=exif({Base.Orientation: 9})))
    assert (image.size, info.orientation) == (SIZE, 1)


def test_what_shows_through_is_white_and_what_does_not_keeps_its_colour():
    image, _ = open_image(bad_inputs.palette_png())
    assert (image.getpixel((1, 1)), image.getpixel((SIZE[0] - 1, 1))) == (BLUE, WHITE)


@pytest.mark.parametrize(
    ("pixels", "bits", "sample_format", "expected"),
    [
        (np.array([[0, 32_768, 65_535]], "<u2"), 16, 1, [0, 128, 255]),
        (np.array([[0, 100, 200]], "<i4"), 32, 2, [0, 100, 200]),
        (np.array([[0, 0.25, 1]], "<f4"), 32, 3, [0, 64, 255]),
        (np.array([[0, np.nan, 255]], "<f4"), 32, 3, [0, 0, 255]),
        (np.array([[-100_000, 0, 100_000]], "<f4"), 32, 3, [0, 128, 255]),
        (np.array([[0, 0, 0]], "<f4"), 32, 3, [0, 0, 0]),
    ],
)
def test_deep_grey_is_scaled_not_clipped(pixels, bits, sample_format, expected):
    data = bad_inputs.tiff(pixels, bits=bits, photometric=1, sample_format=sample_format)
    image, _ = open_image(data)
    assert np.asarray(image)[0, :, 0].tolist() == expected

"""One reader for every way in which degrees are written."""

from __future__ import annotations

import math

import pytest
from PIL.TiffImagePlugin import IFDRational

from isa_cli.images.places import LATITUDE, LONGITUDE, place, read_degrees

UNKNOWN = IFDRational(0, 0)


@pytest.mark.parametrize(
    ("value", "hemisphere", "degrees"),
    [
        ((33.0, 52.0, 12.0), "N", 33.87),
        ((33.0, 52.0, 12.0), "n", 33.87),
        ((33.0, 52.0, 12.0), "North", 33.87),
        ((33.0, 52.0, 12.0), b"north latitude\0", 33.87),
        ((33.0, 52.0, 12.0), "south", -33.87),
        ((33.0, 52.0, 12.0), "South latitude", -33.87),
        ((33.0, 52.0, 12.0), "Southern Hemisphere", -33.87),
        ((-33.0, 52.0, 12.0), "S", -33.87),
        ((-33.0, -52.0, -12.0), "S", -33.87),
        ((-33.0, 52.0, 12.0), None, -33.87),
        ((33.0, 52.0, 12.0), None, 33.87),
        ((0.0, -30.0, 0.0), None, -0.5),
        ((33.87,), "S", -33.87),
        (33.87, "S", -33.87),
        (-33.87, None, -33.87),
        (IFDRational(3387, 100), "N", 33.87),
        ((33.0, 52.2), "N", 33.87),
        ((33.0, 52.2, UNKNOWN), "N", 33.87),
        ((33.87, UNKNOWN, UNKNOWN), "N", 33.87),
        ((90.0, 0.0, 0.0), "S", -90),
        ("33,52.2N", None, 33.87),
        ("33,52,12S", None, -33.87),
        ("33.87", None, 33.87),
        ("-33.87", None, -33.87),
        ("33.87", "S", -33.87),
        ("33,52.2S", "South", -33.87),
        ("-33,52.2S", None, -33.87),
        ("-0,30", None, -0.5),
        ("S 33.87", None, -33.87),
        ("33/1,52/1,1200/100", "N", 33.87),
        ("33,5220/100,0/0", "N", 33.87),
        ("33 deg 52' 12.00\" N", None, 33.87),
        ("33° 52′ 12″ south", None, -33.87),  # noqa: RUF001
        ("33 52 12 N", None, 33.87),
    ],
)
def test_degrees_with_one_meaning(value, hemisphere, degrees):
    assert read_degrees(value, hemisphere, LATITUDE) == pytest.approx(degrees)


@pytest.mark.parametrize(
    ("value", "hemisphere"),
    [
        ((91.0, 0.0, 0.0), "N"),
        ((90.0, 0.0, 1.0), "N"),
        ((-33.0, 52.0, 12.0), "N"),  # south by its sign
        ((33.0, -52.0, 12.0), "S"),
        ((-33.0, 52.0, -12.0), "S"),
        ((33.0, 52.0, 12.0), "E"),
        ((33.0, 52.0, 12.0), ""),
        ((33.0, 52.0, 12.0), "None"),
        ((33.0, 52.0, 12.0), "N/A"),
        ((IFDRational(33, 0), 0.0, 0.0), "N"),
        ((33.0, UNKNOWN, 12.0), "N"),
        ((UNKNOWN,) * 3, "N"),
        ((math.inf,), "N"),
        ((math.nan,), "N"),
        ((), "N"),
        (None, None),
        ("", None),
        ("here", None),
        ("33,52.2W", None),
        ("33,52.2N", "S"),
        ("-33.87N", None),
        ("N 33.87 S", None),
        ("33,871N", None),  # a decimal comma, or minutes
        ("33.87" + " " * 100 + "N", None),
    ],
)
def test_degrees_without_a_meaning_or_with_two(value, hemisphere):
    assert read_degrees(value, hemisphere, LATITUDE) is None


def test_longitudes_go_further_and_have_words_of_their_own():
    assert read_degrees((151.0, 12.0, 36.0), "east", LONGITUDE) == pytest.approx(151.21)
    assert read_degrees((151.0, 12.0, 36.0), "West longitude", LONGITUDE) == pytest.approx(-151.21)
    assert read_degrees((180.0, 0.0, 1.0), "E", LONGITUDE) is None
    assert read_degrees((33.0, 0.0, 0.0), "N", LONGITUDE) is None


def test_a_place_is_two_numbers_and_not_the_one_that_receivers_without_a_fix_write():
    assert place(33.87, 151.21) == (33.87, 151.21)
    assert place(0.0, 151.21) == (0.0, 151.21)
    assert place(None, 151.21) is place(33.87, None) is place(0.0, -0.0) is None

"""Google Takeout's JSON: what is in it, and which of them belongs to a photo."""

from __future__ import annotations

import json

import pytest

from isa_cli.images.statement import Statement
from isa_cli.images.takeout import takeout_names, takeout_statement

NOWHERE = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
HERE = {"latitude": 48.137, "longitude": -11.575}


def said(**fields):
    return takeout_statement(json.dumps({"title": "x.jpg"} | fields).encode())


@pytest.mark.parametrize(
    ("stamp", "taken"),
    [
        ("1440216499", "2015-08-22T04:08:19"),  # of the UTC clock
        (1440216499, "2015-08-22T04:08:19"),
        ("-1000000000", "1938-04-24T22:13:20"),  # a scan
        ("0", None),
        (0, None),
        ("", None),
        (None, None),
        ("soon", None),
        ("9" * 12, None),
        ("9" * 5000, None),
        ("-99999999999", None),
        (True, None),
    ],
)
def test_the_time_is_utc_and_taken_as_it_stands(stamp, taken):
    assert said(photoTakenTime={"timestamp": stamp, "formatted": "whatever"}).taken == taken


def test_the_time_of_upload_is_no_date():
    assert said(creationTime={"timestamp": "1440216499"}) == Statement()


@pytest.mark.parametrize(
    ("places", "place"),
    [
        ({"geoData": HERE}, (48.137, -11.575)),
        ({"geoData": NOWHERE, "geoDataExif": HERE}, (48.137, -11.575)),
        ({"geoData": HERE, "geoDataExif": {"latitude": 1.0, "longitude": 2.0}}, (48.137, -11.575)),
        ({"geoData": NOWHERE, "geoDataExif": NOWHERE}, None),
        ({"geoData": {"latitude": 99.0, "longitude": 2.0}}, None),
        ({"geoData": {"latitude": True, "longitude": 2.0}}, None),
        ({"geoData": {"latitude": "north"}}, None),
        ({"geoData": []}, None),
    ],
)
def test_the_place_its_owner_set_goes_before_the_one_in_exif(places, place):
    assert said(**places).place == place


@pytest.mark.parametrize("data", [b"[]", b'"x"', b"{}", b" " * (1 << 20) + b"[1]", b"null"])
def test_other_json_says_nothing(data):
    assert takeout_statement(data) == Statement()


def test_a_title_must_agree_where_the_name_leaves_doubt():
    data = json.dumps({"title": "Tom & Eva.jpg", "photoTakenTime": {"timestamp": "1440216499"}})
    assert takeout_statement(data.encode(), "Tom _ Ev").taken == "2015-08-22T04:08:19"
    assert takeout_statement(data.encode(), "Tom and") == Statement()


LONG = "a rather long title that somebody gave to it_x.jpg"  # 50 characters


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        ("x.jpg", "x.jpg.json"),
        ("x.jpg", "x.jpg.supplemental-metadata.json"),
        ("x.jpg", "x.jpg.supplemental-metad.json"),
        ("x.jpg", "x.jpg.suppl.json"),
        ("x.jpg", "x.jpg.s.json"),
        ("x.jpg", "x.jpg..json"),
        ("x.jpg", "x.json"),
        ("x(1).jpg", "x.jpg(1).json"),
        ("x(1).jpg", "x(1).jpg.json"),
        ("x(12).jpg", "x.jpg.supplemental-metadata(12).json"),
        ("x(12).jpg", "x.jpg.supplemental-m(12).json"),
        ("x-edited.jpg", "x.jpg.json"),
        ("x-edited(1).jpg", "x.jpg.supplemental-metadata(1).json"),
        (LONG, LONG[:46] + ".json"),
        (LONG.replace(".jpg", "(2).jpg"), LONG[:46] + "(2).json"),
        ("(1).jpg", "(1).jpg.json"),
        ("no suffix", "no suffix.json"),
    ],
)
def test_names_that_belong_to_a_photo(photo, name):
    assert name in {own.name for own in takeout_names(photo)}


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        ("x.jpg", "x.jpg(1).json"),
        ("x(1).jpg", "x.jpg.json"),
        ("x(1).jpg", "x.jpg(2).json"),
        ("x.jpg", "x.png.json"),
        ("x.jpg", "metadata.json"),
        ("x.jpg", "x.jpg.supplement.jpg.json"),
        (LONG, LONG[:40] + ".json"),
    ],
)
def test_names_that_belong_to_another(photo, name):
    assert name not in {own.name for own in takeout_names(photo)}

"""What the bytes say: moment, camera and place."""

from __future__ import annotations

import struct

import pytest
from PIL.ExifTags import GPS, Base
from PIL.TiffImagePlugin import IFDRational

from isa_cli.images import open_image
from tests import bad_inputs
from tests.bad_inputs import exif


def info_of(tags, place=None):
    return open_image(bad_inputs.photo("JPEG", exif=exif(tags, place)))[1]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({Base.DateTimeOriginal: "2024:05:01 12:30:00"}, "2024-05-01T12:30:00"),
        ({Base.DateTimeDigitized: "2024:05:01 12:30:00"}, "2024-05-01T12:30:00"),
        ({Base.DateTime: "2024:05:01 12:30:00"}, "2024-05-01T12:30:00"),
        (
            {Base.DateTimeOriginal: "0000:00:00 00:00:00", Base.DateTime: "2001:02:03 04:05:06"},
            "2001-02-03T04:05:06",
        ),
        ({Base.DateTimeOriginal: "2024:02:30 12:00:00"}, None),
        ({Base.DateTimeOriginal: "2015:08:22 24:08:19"}, "2015-08-22T00:08:19"),
        ({Base.DateTimeOriginal: "2015: 8:22  4:08:19"}, "2015-08-22T04:08:19"),
        ({Base.DateTimeOriginal: "2015:08:22"}, "2015-08-22T00:00:00"),
        ({Base.DateTimeOriginal: "2015/08/22 04:08"}, "2015-08-22T04:08:00"),
        ({Base.DateTimeOriginal: "0001:01:01 00:00:00"}, None),
        ({Base.DateTimeOriginal: "    :  :     :  :  "}, None),
        ({Base.DateTimeOriginal: "yesterday"}, None),
        ({}, None),
    ],
)
def test_the_moment_a_photo_was_taken(tags, expected):
    assert info_of(tags).taken_at == expected


EDITED = {Base.DateTime: "2024:11:30 10:00:00"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({Base.DateTimeOriginal: "2015:08:22 24:08:19"}, "2015-08-22T00:08:19"),
        ({Base.DateTimeOriginal: "around 2015"}, None),
        ({Base.DateTimeOriginal: "0001:01:01 00:00:00"}, None),
        ({Base.DateTimeDigitized: "around 2015"}, None),
        (
            {
                Base.DateTimeOriginal: "around 2015",
                Base.DateTimeDigitized: "2015:08:22 04:08:19",
            },
            "2015-08-22T04:08:19",
        ),
        ({Base.DateTimeOriginal: "    :  :     :  :  "}, "2024-11-30T10:00:00"),
        ({Base.DateTimeOriginal: ""}, "2024-11-30T10:00:00"),
    ],
)
def test_the_day_of_editing_replaces_a_date_that_is_absent_and_none_that_cannot_be_read(
    tags, expected
):
    assert info_of(tags | EDITED).taken_at == expected


@pytest.mark.parametrize("tag", [Base.DateTimeOriginal, Base.DateTimeDigitized])
def test_a_date_in_the_wrong_directory_is_found(tag):
    said = exif(EDITED)
    said[tag] = "2015:08:22 04:08:19"
    info = open_image(bad_inputs.photo("JPEG", exif=said))[1]
    assert info.taken_at == "2015-08-22T04:08:19"
    assert info.dated_by == ("exposure" if tag == Base.DateTimeOriginal else "editing")


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON D850"),
        ("Canon\0\0", "Canon EOS R5\0 ", "Canon EOS R5"),
        ("Acme", "", "Acme"),
        ("", "X-100", "X-100"),
        ("\x1b[2J", "", "[2J"),  # nothing that a terminal obeys
        ("", "", None),
    ],
)
def test_a_camera_names_its_maker_once(make, model, expected):
    assert info_of({Base.Make: make, Base.Model: model}).camera == expected


BERLIN = {
    GPS.GPSLatitudeRef: "N",
    GPS.GPSLatitude: (52.0, 31.0, 12.0),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (13.0, 24.0, 36.0),
}


def test_a_place_in_decimal_degrees():
    info = info_of({}, BERLIN)
    assert (info.latitude, info.longitude) == pytest.approx((52.52, 13.41))
    info = info_of({}, BERLIN | {GPS.GPSLatitudeRef: "S", GPS.GPSLongitudeRef: "W"})
    assert (info.latitude, info.longitude) == pytest.approx((-52.52, -13.41))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({GPS.GPSLatitudeRef: "south latitude", GPS.GPSLongitudeRef: "West"}, (-52.52, -13.41)),
        ({GPS.GPSLatitude: (52.52,), GPS.GPSLongitude: (13.41,)}, (52.52, 13.41)),
        ({GPS.GPSLatitude: (52.0, 31.2, IFDRational(0, 0))}, (52.52, 13.41)),
        ({GPS.GPSLatitudeRef: None, GPS.GPSLongitudeRef: None}, (52.52, 13.41)),
    ],
)
def test_a_place_in_other_words(place, expected):
    tags = {tag: value for tag, value in (BERLIN | place).items() if value is not None}
    info = info_of({}, tags)
    assert (info.latitude, info.longitude) == pytest.approx(expected)


@pytest.mark.parametrize("hemispheres", [True, False])
def test_a_number_below_zero_is_south_or_west(hemispheres):
    writer = bad_inputs.Tiff()
    degrees = [writer.blob(struct.pack("<ii", *pair)) for pair in ((-3387, 100), (-7001, 100))]
    tags = {2: (10, degrees[0]), 4: (10, degrees[1])}
    if hemispheres:
        tags |= {1: (2, b"S\0"), 3: (2, b"W\0")}
    rows = b"".join(
        struct.pack("<HHI", tag, kind, 1 if kind == 10 else 2)
        + (struct.pack("<I", value) if kind == 10 else value.ljust(4, b"\0"))
        for tag, (kind, value) in sorted(tags.items())
    )
    gps = writer.blob(struct.pack("<H", len(tags)) + rows + bytes(4))
    data = writer.finish(writer.ifd({34853: (4, (gps,))}))
    info = open_image(bad_inputs.photo("JPEG", exif=b"Exif\0\0" + data))[1]
    assert (info.latitude, info.longitude) == pytest.approx((-33.87, -70.01))


@pytest.mark.parametrize(
    "wrong",
    [
        {GPS.GPSLatitude: (91.0, 0.0, 0.0)},
        {GPS.GPSLongitude: (180.0, 0.0, 1.0)},
        {GPS.GPSLatitude: (IFDRational(52, 0), 0.0, 0.0)},
        {GPS.GPSLatitude: (52.0, IFDRational(0, 0), 0.0)},
        {GPS.GPSLatitudeRef: "E"},
        {GPS.GPSLongitudeRef: ""},
        {GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_cannot_be_is_no_place(wrong):
    info = info_of({Base.Make: "Acme"}, BERLIN | wrong)
    assert (info.latitude, info.longitude, info.camera) == (None, None, "Acme")


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_every_format_that_has_exif_is_asked(fmt):
    said = exif({Base.Make: "Acme", Base.DateTimeOriginal: "2024:05:01 12:30:00"}, BERLIN)
    info = open_image(bad_inputs.photo(fmt, exif=said.tobytes()))[1]
    assert (info.format, info.camera, info.taken_at) == (fmt, "Acme", "2024-05-01T12:30:00")
    assert (info.latitude, info.longitude) == pytest.approx((52.52, 13.41))


def test_what_cannot_be_does_not_hide_what_can():
    info = open_image(bad_inputs.photo("JPEG", exif=bad_inputs.nowhere()))[1]
    assert (info.camera, info.taken_at, info.latitude) == ("Acme", None, None)

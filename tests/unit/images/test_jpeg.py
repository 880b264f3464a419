"""What is wrong beside a JPEG's pixels costs nothing; missing pixels are said to be missing."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL.ExifTags import Base

from isa_cli.images import open_image
from tests.bad_inputs import GREEN, encoded, exif, frames, quarters
from tests.unit.images.broken import NOISE, pixels, refused, waves
from tests.unit.images.seeing import close

JPEGS = {
    "baseline": {},
    "fine": {"quality": 95, "subsampling": 0},
    "coarse": {"quality": 10},
    "progressive": {"progressive": True},
    "restarts each row": {"restart_marker_rows": 1},
    "restarts each third block": {"restart_marker_blocks": 3},
    "progressive with restarts": {"progressive": True, "restart_marker_blocks": 2},
}


def jpeg(image=NOISE, mode="RGB", **options):
    """Return a JPEG with a whole other one in its EXIF, as cameras put their thumbnails there."""
    thumbnail = encoded(quarters().resize((16, 12)), "JPEG")
    tagged = exif({Base.Make: "Acme"}).tobytes() + thumbnail
    return encoded(image.convert(mode), "JPEG", exif=tagged, **options)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("image", [NOISE, waves()], ids=["noise", "waves"])
def test_a_jpeg_that_lacks_only_its_end_is_whole(image, options, mode):
    data = jpeg(image, mode, **options)
    wanted = pixels(data)
    for tail in (b"", b"\xff", b"and so on" * 40, b"\xff\xff"):
        np.testing.assert_array_equal(pixels(data[:-2] + tail), wanted)
        assert open_image(data[:-2] + tail)[1] == open_image(data)[1]


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("image", [NOISE, waves()], ids=["noise", "waves"])
@pytest.mark.parametrize("tail", [b"", bytes(700)], ids=["", "zeros"])
def test_a_cut_jpeg_is_not_taken_for_one_that_lacks_only_its_end(image, options, tail):
    data = jpeg(image, **options)
    scan = data.rfind(b"\xff\xda") + 14
    for missing in (20, (len(data) - scan) // 2, len(data) - scan - 9):
        assert "truncated" in refused(data[: -2 - missing] + tail)


def test_a_progressive_jpeg_that_ends_between_two_scans_is_cut():
    data = jpeg(progressive=True)
    last = data.rfind(b"\xff\xda")
    last = data.rfind(b"\xff\xc4", 0, last) if b"\xff\xc4" in data[last - 60 : last] else last
    assert "truncated" in refused(data[:last])


def test_a_room_that_was_never_filled_does_not_hide_a_whole_jpeg():
    data = jpeg(quality=90)
    np.testing.assert_array_equal(pixels(data[:-2] + bytes(5000)), pixels(data))


def test_a_missing_end_costs_no_draft():
    data = encoded(waves(800, 400), "JPEG")[:-2]
    image, info = open_image(data, at_least=(50, 50))
    assert (image.size, info.width, info.height) == ((200, 100), 800, 400)


def test_the_first_picture_of_two_may_lack_its_end():
    data = frames("MPO")
    second = data.find(b"\xff\xd8\xff", 2)
    assert close(pixels(data[: second - 2] + data[second:])[0, 0], GREEN)


def segment(marker, body):
    return bytes((255, marker)) + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize(
    "odd",
    [
        segment(0xEE, b"Adobe"),
        segment(0xE0, b"JFIF"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"MPF\0"),
        segment(0xED, b"Photoshop 3.0\x008BIM"),
        segment(0xFE, b""),
        b"\0\0between\0",
        b"\xff\xff\xff",
        b"\xff\x02",
    ],
)
def test_odd_notes_in_a_jpeg_cost_nothing(odd):
    data, first = jpeg(), 20  # behind the JFIF segment
    np.testing.assert_array_equal(pixels(data[:first] + odd + data[first:]), pixels(data))

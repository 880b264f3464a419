"""Junk in front of any format; flaws beside the pixels of WebP, GIF, TIFF, AVIF and HEIF."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from isa_cli.images import open_image
from tests import bad_inputs
from tests.bad_inputs import GREEN, encoded, exif, frames, photo, quarters
from tests.unit.images.broken import NOISE, pixels, refused
from tests.unit.images.seeing import close

# --- junk in front ------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize(
    "junk",
    [
        b"\0" * 3000,
        b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\1\xff\xd8\xff\xe0 GIF89a II*\0" + bytes(range(256)) * 30,
        b"\n",
    ],
    ids=["zeros", "text", "misleading", "one byte"],
)
def test_a_few_kilobytes_in_front_of_a_picture_are_passed_over(fmt, junk):
    data = encoded(NOISE, fmt)
    image, info = open_image(junk + data)
    np.testing.assert_array_equal(np.asarray(image), pixels(data))
    assert info == open_image(data)[1]


@pytest.mark.parametrize(
    ("start", "reason"),
    [(b"%PDF-1.7\n", "a PDF"), (b"PK\3\4", "a ZIP"), (b"<html>", "web page"), (b"8BPS", "Photo")],
)
def test_a_document_is_not_its_first_illustration(start, reason):
    assert reason in refused(start + bytes(500) + photo("JPEG"))


def test_junk_without_a_picture_stays_junk():
    assert "not a picture" in refused(b"\1\2\3\xff\xd8\xff\xe0" * 999)
    assert "not a picture" in refused(b"\1" * 40_000 + photo("PNG"))


# --- WebP, GIF, TIFF ----------------------------------------------------------------------------


def sized(data, at, size):
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_is_read_whatever_its_sizes_and_notes_say(lossless):
    plain = encoded(NOISE, "WEBP", lossless=lossless)
    rich = encoded(
        NOISE,
        "WEBP",
        lossless=lossless,
        exif=exif({Base.Make: "Acme"}),
        icc_profile=b"profile" * 50,
        xmp=b"<x/>" * 50,
    )
    wanted = pixels(plain)
    for data in (plain, rich):
        for size in (0, 20, len(data) - 200, len(data) + 99_999):
            np.testing.assert_array_equal(pixels(sized(data, 4, size)), wanted)
    for broken in (
        rich[:-30],  # in the XMP
        rich[: rich.find(b"EXIF") + 20],
        sized(rich, rich.find(b"ICCP") + 4, 1 << 20),
        sized(rich, rich.find(b"EXIF") + 4, 1 << 20),
        sized(rich, rich.find(b"XMP ") + 4, 3),
    ):
        np.testing.assert_array_equal(pixels(broken), wanted)
    assert open_image(rich[:-30])[1].camera == "Acme"


def test_a_cut_webp_is_refused_and_a_later_picture_is_not_missed():
    data = encoded(NOISE, "WEBP", lossless=True)
    assert "truncated" in refused(data[:-100])
    assert "truncated" in refused(sized(data[:-100], 4, len(data) - 108))
    moving = frames("WEBP", lossless=True)
    assert close(pixels(moving[:-12])[0, 0], GREEN)
    assert "truncated" in refused(moving[: moving.find(b"ANMF") + 40])


def test_what_shows_through_a_mended_webp_still_does():
    image = quarters().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    for lossless in (True, False):
        data = encoded(image, "WEBP", lossless=lossless, xmp=b"<x/>" * 50)
        np.testing.assert_array_equal(pixels(data[:-30]), pixels(data))


ODD_BLOCKS = {
    "none that exists": b"\x99\x88",
    "control, cut": b"\x21\xf9\4\0\0",
    "comment, open": b"\x21\xfe\5hello",
    "comment, cut": b"\x21\xfe\5he",
    "application, cut": b"\x21\xff\x0bNETSCAPE2.0\3\1",
    "text, cut": b"\x21\1\x0c",
    "end": b"\x3b",
}


@pytest.mark.parametrize("odd", ODD_BLOCKS.values(), ids=ODD_BLOCKS)
def test_a_gif_is_read_past_damaged_blocks(odd):
    data = encoded(NOISE.quantize(32), "GIF")
    at = data.find(b"\x2c", 13 + 3 * 32)
    np.testing.assert_array_equal(pixels(data[:at] + odd + data[at:]), pixels(data))


def test_what_shows_through_a_gif_survives_a_damaged_block_before_it():
    data = encoded(NOISE.quantize(32), "GIF", transparency=3)
    at = data.find(b"\x21\xf9")
    odd = data[:at] + ODD_BLOCKS["none that exists"] + data[at:]
    np.testing.assert_array_equal(pixels(odd), pixels(data))


def test_a_gif_may_lack_its_end_or_later_pictures_but_no_pixels():
    data = encoded(NOISE.quantize(32), "GIF")
    for end in (-1, -2):
        np.testing.assert_array_equal(pixels(data[:end]), pixels(data))
    assert "truncated" in refused(data[:-40])
    moving = frames("GIF")
    assert close(pixels(moving[:-20])[0, 0], GREEN)


TIFFS = [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"]


def with_tag(data, tag, kind, count, value):
    """Return a little-endian TIFF with one more tag in its directory, which moves to the end."""
    first = int.from_bytes(data[4:8], "little")
    number = int.from_bytes(data[first : first + 2], "little")
    rows = [data[first + 2 + 12 * n : first + 14 + 12 * n] for n in range(number)]
    rows = [row for row in rows if struct.unpack("<H", row[:2])[0] != tag]
    rows.append(struct.pack("<HHII", tag, kind, count, value))
    rows.sort(key=lambda row: struct.unpack("<H", row[:2])[0])
    data += bytes(len(data) % 2)
    directory = struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory


@pytest.mark.parametrize("compression", TIFFS)
@pytest.mark.parametrize(
    ("tag", "kind", "count", "value"),
    [
        (Base.ImageDescription, 2, 500, 1 << 30),
        (Base.Software, 2, 1 << 31, 8),
        (Base.XResolution, 5, 1, 1 << 30),
        (Base.XResolution, 2, 4, 0x41414141),
        (Base.ResolutionUnit, 2, 4, 0x41414141),
        (Base.InterColorProfile, 7, 1 << 30, 99),
        (Base.XMLPacket, 1, 900, 1 << 30),
        (IFD.Exif, 4, 1, 1 << 30),
        (60_000, 99, 7, 1 << 30),
    ],
)
def test_no_tag_beside_the_pixels_costs_a_tiff(compression, tag, kind, count, value):
    data = encoded(NOISE, "TIFF", compression=compression)
    np.testing.assert_array_equal(pixels(with_tag(data, tag, kind, count, value)), NOISE)


@pytest.mark.parametrize("compression", TIFFS)
def test_a_cut_tiff_is_refused_though_its_notes_are_damaged_too(compression):
    data = encoded(NOISE, "TIFF", compression=compression)
    odd = with_tag(data, Base.Software, 2, 500, 1 << 30)
    offset = max(Image.open(bad_inputs.io.BytesIO(data)).tag_v2[Base.StripOffsets])
    missing = 60
    hole = odd[: len(data) - missing] if compression is None else odd[: offset + 20]
    assert "truncated" in refused(hole)


def test_the_last_byte_of_what_pixels_need_is_missed_truly():
    data = encoded(NOISE, "TIFF", compression="tiff_lzw")  # libtiff puts the directory last
    assert "truncated" in refused(data[:-1])


def test_later_pages_of_a_tiff_may_be_damaged():
    data = frames("TIFF")
    assert close(pixels(data[: len(data) * 2 // 3])[0, 0], GREEN)


def test_the_first_complaint_is_the_one_that_is_told():
    assert refused(encoded(NOISE, "WEBP")[:60]) == "truncated after 60 bytes, or damaged"


# --- AVIF, HEIF ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_garbage_in_place_of_exif_costs_no_pixels(fmt, orientation):
    said = exif({Base.Make: "Acme", Base.Orientation: orientation}).tobytes()
    data = encoded(quarters(), fmt, exif=said, xmp=b"<x/>" * 50)
    at = max(data.find(b"MM\0*"), data.find(b"II*\0"))
    wanted = pixels(data)
    for broken in (
        data[:at] + b"garbage!" + data[at + 8 :],
        data[: at - 6] + b"no EXIF." + data[at + 2 :],
        data[: at - 10] + b"\xff" * 4 + data[at - 6 :],
    ):
        np.testing.assert_array_equal(pixels(broken), wanted)


def test_notes_behind_the_pixels_of_a_heic_may_be_cut_but_not_the_pixels():
    data = encoded(NOISE, "HEIF", exif=exif({Base.Make: "Acme" * 40}).tobytes())
    notes = len(data) - max(data.find(b"MM\0*"), data.find(b"II*\0")) + 10
    for missing in (1, 50, notes - 20):
        np.testing.assert_array_equal(pixels(data[:-missing]), pixels(data))
    for missing in (5, 200, 2000):
        assert "truncated" in refused(data[: -notes - missing])
    bare = encoded(NOISE, "HEIF")
    assert "truncated" in refused(bare[:-3])

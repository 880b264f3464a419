"""What is wrong beside a PNG's pixels costs nothing; missing pixels are said to be missing."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from isa_cli.images import open_image, png
from tests.bad_inputs import GREEN, encoded, exif, frames, noise, quarters
from tests.unit.images.broken import NOISE, chunk, pixels, refused
from tests.unit.images.seeing import NAMED, UPRIGHT, close, corners


def png_with(extra, image=None, *, after=False, **options):
    """Return a PNG with bytes before its first IDAT, or before its IEND."""
    data = encoded(NOISE if image is None else image, "PNG", **options)
    at = data.rfind(b"IEND") - 4 if after else data.find(b"IDAT") - 4
    return data[:at] + extra + data[at:]


BIG = zlib.compress(bytes(3_000_000))
CHUNKS = {
    "profile": chunk(b"iCCP", b"p\0\0" + BIG),
    "profile, packed in an unknown way": chunk(b"iCCP", b"p\0\7" + BIG),
    "profile, cut": chunk(b"iCCP", b"p"),
    "packed text": chunk(b"zTXt", b"Comment\0\0" + BIG),
    "packed text, unknown way": chunk(b"zTXt", b"Comment\0\7" + BIG),
    "packed international text": chunk(b"iTXt", b"Comment\0\1\0\0\0" + BIG),
    "packed XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(9_000_000))),
    "XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b" " * 2_000_000),
    "checksum of a text": chunk(b"tEXt", b"Comment\0hello", 1),
    "checksum of a time": chunk(b"tIME", b"\x07\xe8\5\1\1\2\3", 1),
    "checksum of a density": chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0), 1),
    "checksum of what nobody knows": chunk(b"prIv", b"anything", 1),
    "short gamma": chunk(b"gAMA", b"\0"),
    "short density": chunk(b"pHYs", b"\0\0\0\1"),
    "short colours": chunk(b"cHRM", b"\0\0\0\1"),
    "no intent": chunk(b"sRGB", b""),
    "short animation": chunk(b"acTL", b"\0"),
    "short frame": chunk(b"fcTL", b"\0"),
    "a frame out of order": chunk(b"acTL", struct.pack(">II", 3, 0))
    + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 5, 9, 9, 0, 0, 1, 1, 0, 0)),
    "a text that takes a name of Pillow's": chunk(b"tEXt", b"transparency\0black")
    + chunk(b"tEXt", b"interlace\0yes"),
    "transparency of another kind": chunk(b"tRNS", b"\0"),
    "a size that leads nowhere": struct.pack(">I", 1 << 30) + b"pHYs12345",
    "a name that is none": struct.pack(">I", 2) + b"\0\1\2\3abcdef",
}


@pytest.mark.parametrize("extra", CHUNKS.values(), ids=CHUNKS)
def test_no_chunk_beside_the_pixels_costs_a_png(extra):
    np.testing.assert_array_equal(pixels(png_with(extra)), np.asarray(NOISE))
    if not extra.startswith((struct.pack(">I", 1 << 30), struct.pack(">I", 2) + b"\0")):
        np.testing.assert_array_equal(pixels(png_with(extra, after=True)), np.asarray(NOISE))


def test_what_turns_a_png_survives_its_neighbours_and_a_wrong_checksum():
    said = exif({Base.Orientation: 6}).tobytes().removeprefix(b"Exif\0\0")
    xmp = b'<x tiff:Orientation="6"/>' + b" " * 2_000_000
    for note in (
        chunk(b"eXIf", said, 1),
        CHUNKS["profile"] + chunk(b"eXIf", said) + CHUNKS["short density"],
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0XMP\0" + zlib.compress(xmp)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp, 1),
    ):
        image, info = open_image(png_with(note, quarters()))
        assert (info.orientation, corners(image)) == (6, [NAMED[c] for c in UPRIGHT[6]])


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
def test_what_shows_through_survives_a_wrong_checksum(mode):
    image = quarters().convert(mode)
    clear = (255, 255, 255) if mode == "RGB" else image.getpixel((1, 1))
    data = encoded(image, "PNG", transparency=clear)
    at = data.find(b"tRNS")
    length = int.from_bytes(data[at - 4 : at])
    broken = data[: at + 4 + length] + b"oops" + data[at + 8 + length :]
    np.testing.assert_array_equal(pixels(broken), pixels(data))


@pytest.mark.parametrize("size", [(70, 50), (1, 3000), (3000, 1), (1, 1)])
@pytest.mark.parametrize("level", [0, 6, 9])
def test_what_ends_a_png_may_be_missing_or_wrong(size, level):
    for image in (noise(5, size), Image.new("RGB", size, GREEN)):
        data = encoded(image, "PNG", compress_level=level)
        checksum = data.rfind(b"IEND") - 12
        for broken in (
            data[:-12],  # no IEND
            data[:-16],  # nor the pixels' checksum in the file
            data[:-18],  # nor all of the packed stream's
            data[:checksum] + b"oops" + data[checksum + 4 :],
            data[: checksum + 4] + b"oops" + data[checksum + 8 :],
        ):
            np.testing.assert_array_equal(pixels(broken), np.asarray(image))


def test_a_png_whose_pixels_are_cut_is_refused_whatever_follows_them():
    data = encoded(NOISE, "PNG", compress_level=0)
    end = data.rfind(b"IEND") - 8
    assert "truncated" in refused(data[:-40])
    assert "truncated" in refused(data[:20])
    assert "truncated" in refused(data[: end - 300])
    shorter = data[data.find(b"IDAT") + 4 : end - 300]
    at = data.find(b"IDAT") - 4
    assert "truncated" in refused(data[:at] + chunk(b"IDAT", shorter) + chunk(b"IEND", b""))


def test_a_png_of_nothing_but_chunks_is_refused(monkeypatch):
    monkeypatch.setattr(png, "_MOST_CHUNKS", 1000)
    data = encoded(NOISE, "PNG")
    at = data.find(b"IDAT") - 4
    endless = data[:at] + chunk(b"tIME", b"") * 1001 + data[at:]
    assert "chunks" in refused(endless)


def test_an_animation_shows_its_first_picture_though_the_others_are_damaged():
    data = frames("PNG")
    at = data.rfind(b"fdAT")
    assert close(pixels(data[: at + 9])[0, 0], GREEN)
    assert close(pixels(data.replace(b"fcTL", b"fcXL"))[0, 0], GREEN)


def test_text_that_is_fine_is_no_trouble():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "hello", zip=True)
    notes.add_itxt("Title", "Grüße", "de", "Titel", zip=True)
    data = encoded(NOISE, "PNG", pnginfo=notes, dpi=(72, 72))
    np.testing.assert_array_equal(pixels(data), np.asarray(NOISE))

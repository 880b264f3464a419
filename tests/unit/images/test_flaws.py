"""What is wrong beside the pixels costs nothing; pixels that are missing are said to be."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin
from PIL.ExifTags import IFD, Base

from isa_cli.errors import ImageError
from isa_cli.images import open_image, png
from tests import bad_inputs
from tests.bad_inputs import GREEN, encoded, exif, frames, noise, photo, quarters
from tests.unit.images.seeing import NAMED, UPRIGHT, close, corners

NOISE = noise(11, (70, 50))


def waves(width=90, height=60):
    """Return a picture as smooth as a sky, with a white lower half: few bits per block."""
    x, y = np.arange(width)[None] / width, np.arange(height)[:, None] / height
    bands = [127 + 90 * np.sin(5 * x + 6 * y + phase) for phase in range(3)]
    image = Image.fromarray(np.stack(bands, -1).astype(np.uint8))
    image.paste("white", (0, height // 2, width, height))
    return image


def pixels(data):
    return np.asarray(open_image(data)[0])


def refused(data):
    with pytest.raises(ImageError) as caught:
        open_image(data)
    return caught.value.reason


@pytest.fixture(autouse=True)
def pillows_switch_stays_off():
    yield
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


# --- JPEG ---------------------------------------------------------------------------------------

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


# --- PNG ----------------------------------------------------------------------------------------


def chunk(kind, body, crc=None):
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


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

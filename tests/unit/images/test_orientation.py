"""Which way is up, whoever says so and however; and nobody turns twice."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo

from isa_cli.images import open_image
from isa_cli.images.boxes import turns_itself
from tests.bad_inputs import SIZE, encoded, exif, quarters
from tests.unit.images.seeing import NAMED, UPRIGHT, close, corners

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]
NOT_TIFF = ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"]
PLUGINS = ["AVIF", "HEIF"]  # their containers can turn a picture themselves

XMP = '<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/">{}</x:xmpmeta>'
WAYS = {
    "attribute": 'tiff:Orientation="{}"',
    "single quotes": "tiff:Orientation = '{}'",
    "element": "<tiff:Orientation>{}</tiff:Orientation>",
}


def xmp(orientation, way="attribute"):
    return XMP.format(WAYS[way].format(orientation)).encode()


def tiff_block(kind, count, value, order="<"):
    """Return EXIF with nothing but an orientation, of any type."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    row = struct.pack(f"{order}HHI", Base.Orientation, kind, count) + value.ljust(4, b"\0")
    return start + struct.pack(f"{order}IH", 8, 1) + row + bytes(4)


NOBODYS = 60_000  # a tag


def picture(fmt, exif_block=b"", xmp_says=None, way="attribute"):
    """Return a picture with EXIF and XMP as they are given, whose container does not turn it.

    Encoders of HEIF and AVIF act on an orientation: they are shown none, and it is put in later.
    """
    notes = {"quality": 95} if fmt in {"JPEG", "WEBP", *PLUGINS} else {}
    order = ">" if exif_block[:2] == b"MM" else "<"
    tags = [struct.pack(f"{order}H", tag) for tag in (Base.Orientation, NOBODYS)]
    shown_exif = exif_block.replace(*tags, 1) if fmt in PLUGINS else exif_block
    if exif_block:
        notes["exif"] = b"Exif\0\0" + shown_exif
    packet = xmp(xmp_says, way)
    shown_packet = xmp("1" * len(str(xmp_says)), way) if fmt in PLUGINS else packet
    if xmp_says and fmt == "PNG":
        notes["pnginfo"] = PngInfo()
        notes["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    elif xmp_says and fmt == "TIFF":
        notes["tiffinfo"] = {Base.XMLPacket: packet}
    elif xmp_says:
        notes["xmp"] = shown_packet
    data = encoded(quarters(), fmt, **notes)
    return data.replace(shown_packet, packet).replace(shown_exif or b"?", exif_block or b"?")


def turned(fmt, **notes):
    """Return a picture as its encoder turns it: HEIF and AVIF do so in the container."""
    said = notes["exif"].tobytes()
    return encoded(quarters(), fmt, quality=95, **{**notes, "exif": said})


def stands(data, orientation):
    """Return the image after checking that it stands as this orientation asks."""
    image, info = open_image(data)
    wanted = [NAMED[letter] for letter in UPRIGHT[orientation]]
    assert all(close(*pair, within=30) for pair in zip(corners(image), wanted, strict=True))
    size = SIZE if orientation < 5 else SIZE[::-1]
    assert image.size == (info.width, info.height) == size
    assert Base.Orientation not in image.getexif()
    return info


# --- types --------------------------------------------------------------------------------------

SHORT, LONG, BYTE, ASCII = 3, 4, 1, 2
TYPES = {
    "BYTE": (BYTE, 1, b"\6"),
    "ASCII": (ASCII, 2, b"6\0"),
    "ASCII without an end": (ASCII, 1, b"6"),
    "ASCII with blanks": (ASCII, 3, b" 6\0"),
    "two SHORTs": (SHORT, 2, struct.pack("<HH", 6, 0)),
    "LONG": (LONG, 1, struct.pack("<I", 6)),
    "UNDEFINED": (7, 1, b"\6"),
    "UNDEFINED, wide": (7, 4, struct.pack("<I", 6)),
    "UNDEFINED, a digit": (7, 1, b"6"),
    "signed": (8, 1, struct.pack("<h", 6)),
    "float": (11, 1, struct.pack("<f", 6)),
}


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_an_orientation_counts_whatever_its_type(fmt, kind):
    assert stands(picture(fmt, tiff_block(*kind)), 6).orientation == 6


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_an_orientation_of_a_tiff_counts_whatever_its_type(kind, compression):
    data = bytearray(encoded(quarters(), "TIFF", compression=compression, tiffinfo={274: 1}))
    row = data.index(struct.pack("<HHI", 274, SHORT, 1))
    data[row : row + 12] = struct.pack("<HHI", 274, *kind[:2]) + kind[2].ljust(4, b"\0")
    assert stands(bytes(data), 6).orientation == 6


@pytest.mark.parametrize(
    "kind",
    [
        (ASCII, 2, b"9\0"),
        (ASCII, 4, b"top\0"),
        (BYTE, 1, b"\0"),
        (SHORT, 1, struct.pack("<H", 0)),
        (LONG, 1, struct.pack("<I", 1 << 20)),
        (11, 1, struct.pack("<f", 6.5)),
        (11, 1, struct.pack("<f", float("nan"))),
        (7, 4, b"\6\6\6\6"),
        (SHORT, 0, b""),
    ],
)
def test_a_senseless_one_turns_nothing(kind):
    assert stands(picture("JPEG", tiff_block(*kind)), 1).orientation == 1


# --- XMP ----------------------------------------------------------------------------------------


def short(orientation, order="<"):
    return tiff_block(SHORT, 1, struct.pack(f"{order}H", orientation), order)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("orientation", [3, 6])
def test_xmp_turns_every_format_that_has_no_exif(fmt, way, orientation):
    data = picture(fmt, xmp_says=orientation, way=way)
    assert stands(data, orientation).orientation == orientation


@pytest.mark.parametrize("fmt", NOT_TIFF)  # Pillow writes no XMP beside a TIFF's EXIF
@pytest.mark.parametrize("says", [1, 6])
def test_exif_goes_before_xmp(fmt, says):
    stands(picture(fmt, short(says), xmp_says=3), says)


@pytest.mark.parametrize("fmt", NOT_TIFF)
def test_xmp_counts_where_exif_says_nonsense(fmt):
    stands(picture(fmt, short(0), xmp_says=8), 8)


@pytest.mark.parametrize("fmt", ["JPEG", "WEBP"])  # other encoders refuse it
def test_xmp_counts_where_exif_is_garbage(fmt):
    stands(picture(fmt, b"garbage garbage", xmp_says=8), 8)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("said", ["0", "9", "up"])
def test_a_senseless_word_of_xmp_turns_nothing(fmt, said):
    stands(picture(fmt, xmp_says=said), 1)


# --- containers that turn themselves ------------------------------------------------------------


@pytest.mark.parametrize("fmt", PLUGINS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_container_turns_once_though_exif_and_xmp_say_it_too(fmt, orientation):
    said = exif({Base.Orientation: orientation, Base.Make: "Acme"})
    data = turned(fmt, exif=said, xmp=xmp(orientation))
    assert turns_itself(data) is (orientation != 1)
    stands(data, orientation)


@pytest.mark.parametrize("fmt", PLUGINS)
def test_a_container_that_turns_is_not_turned_by_xmp_as_well(fmt):
    data = turned(fmt, exif=exif({Base.Orientation: 6}), xmp=xmp(3))
    assert turns_itself(data)
    stands(data, 6)


@pytest.mark.parametrize("fmt", PLUGINS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [SHORT, LONG, ASCII])
def test_exif_counts_where_the_container_does_not_turn(fmt, kind, order):
    value = b"6\0" if kind == ASCII else struct.pack(order + {SHORT: "H", LONG: "I"}[kind], 6)
    data = picture(fmt, tiff_block(kind, 2 if kind == ASCII else 1, value, order), xmp_says=3)
    assert not turns_itself(data)
    assert stands(data, 6).orientation == 6


def test_boxes_that_are_none_turn_nothing():
    data = turned("HEIF", exif=exif({Base.Orientation: 6}))
    assert turns_itself(data)
    for end in range(0, 600, 7):
        assert turns_itself(data[:end]) in {True, False}
    for at in range(8, 400, 3):
        turns_itself(data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :])
    assert not turns_itself(b"")
    assert not turns_itself(data.replace(b"meta", b"mete"))


# --- pages --------------------------------------------------------------------------------------


def test_a_page_may_have_its_turn_from_the_first_one():
    stream = io.BytesIO()
    small = Image.new("RGB", (16, 12), "black")
    small.save(
        stream,
        "TIFF",
        save_all=True,
        append_images=[quarters()],
        tiffinfo={254: 1, 274: 6, 271: "Acme"},
    )
    data = bytearray(stream.getvalue())
    second = data.rindex(struct.pack("<HHII", 254, 4, 1, 1))  # the other page has the tag, too
    data[second + 8 : second + 12] = bytes(4)
    for tag in (271, 274):  # and not what the first one says
        at = data.rindex(struct.pack("<H", tag) + struct.pack("<H", 2 if tag == 271 else 3))
        data[at : at + 2] = struct.pack("<H", 60_000)
    info = stands(bytes(data), 6)
    assert info.camera == "Acme"

"""Everything a file says about itself, through the one opener, and who is believed."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

import pytest
from PIL import Image
from PIL.ExifTags import Base

from isa_cli.images import open_image
from isa_cli.images.packets import PACKET_BYTES
from tests import bad_inputs
from tests.bad_inputs import exif, photo
from tests.unit.images.telling import (
    MORE_HEAD,
    XMP_HEAD,
    data_sets,
    profile,
    resource,
    taken,
    with_chunks,
    with_segments,
    xmp,
)

WHEN = "2015-08-22T04:08:19"
PACKET = xmp(
    f'exif:DateTimeOriginal="{WHEN}+02:00" exif:GPSLatitude="48,8.22N" '
    'exif:GPSLongitude="11,34.5E" tiff:Make="Acme" tiff:Model="One"'
)
IPTC = data_sets(d55="20150822", d60="040819+0200")
EDITED = exif({Base.DateTime: "2024:11:30 10:00:00"})
JPEG, PNG = photo("JPEG"), photo("PNG")


def info_of(data):
    return open_image(data)[1]


def in_jpeg(*segments, **options):
    return with_segments(photo("JPEG", **options), *segments)


def itxt(text, packed=False):
    body = zlib.compress(text) if packed else text
    return b"iTXt", b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0" + body


def in_tiff(**tags):
    writer, numbers = bad_inputs.Tiff(), {"xmp": 700, "iptc": 33723, "resources": 34377}
    pixels = {
        256: (4, (8,)),
        257: (4, (8,)),
        258: (3, (8,)),
        259: (3, (1,)),
        262: (3, (1,)),
        273: (4, (writer.blob(bytes(64)),)),
        277: (3, (1,)),
        278: (4, (8,)),
        279: (4, (64,)),
    }
    more = {numbers[k]: v if isinstance(v, tuple) else (1, v) for k, v in tags.items()}
    return writer.finish(writer.ifd(pixels | more))


def in_gif():
    data = photo("GIF")
    start = 13 + 3 * 2 ** ((data[10] & 7) + 1)  # after the colours
    magic = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return data[:start] + b"\x21\xff\x0bXMP DataXMP" + PACKET + magic + data[start:]


@pytest.mark.parametrize(
    "make",
    [
        lambda: in_jpeg((0xE1, XMP_HEAD + PACKET)),
        lambda: with_chunks(PNG, itxt(PACKET)),
        lambda: with_chunks(PNG, itxt(PACKET, packed=True)),
        lambda: with_chunks(PNG, itxt(PACKET), last=True),
        lambda: with_chunks(PNG, (b"tEXt", b"Raw profile type xmp\0" + profile("xmp", PACKET))),
        lambda: with_chunks(
            PNG,
            (
                b"zTXt",
                b"Raw profile type APP1\0\0"
                + zlib.compress(profile("generic profile", XMP_HEAD + PACKET)),
            ),
        ),
        lambda: photo("WEBP", xmp=PACKET),
        lambda: in_tiff(xmp=PACKET),
        lambda: photo("HEIF", xmp=PACKET),
        lambda: photo("AVIF", xmp=PACKET),
        in_gif,
    ],
    ids=["JPEG", "iTXt", "packed", "late", "raw", "APP1", "WebP", "TIFF", "HEIC", "AVIF", "GIF"],
)
def test_xmp_is_read_wherever_a_format_keeps_it(make):
    info = info_of(make())
    assert (info.taken_at, info.dated_by, info.camera) == (WHEN, "exposure", "Acme One")
    assert (info.latitude, info.longitude) == pytest.approx((48.137, 11.575))


@pytest.mark.parametrize(
    "make",
    [
        lambda: in_jpeg((0xED, b"Photoshop 3.0\0" + resource(0x0404, IPTC))),
        lambda: in_jpeg(
            (0xED, b"Photoshop 3.0\0" + resource(0x0404, IPTC)[:20]),
            (0xED, b"Photoshop 3.0\0" + resource(0x0404, IPTC)[20:]),
        ),
        lambda: in_tiff(iptc=IPTC),
        lambda: in_tiff(resources=resource(0x0404, IPTC)),
        lambda: with_chunks(
            PNG,
            (
                b"zTXt",
                b"Raw profile type iptc\0\0"
                + zlib.compress(profile("iptc", resource(0x0404, IPTC))),
            ),
        ),
        lambda: with_chunks(PNG, (b"tEXt", b"Raw profile type 8bim\0" + profile("8bim", IPTC))),
    ],
    ids=["JPEG", "two-segments", "TIFF", "resources", "zTXt", "tEXt"],
)
def test_iptc_is_read_wherever_a_format_keeps_it(make):
    info = info_of(make())
    assert (info.taken_at, info.dated_by) == (WHEN, "exposure")


@pytest.mark.parametrize("order", ["<", ">"])
def test_iptc_in_a_tiff_may_be_32_bit_numbers_of_either_order(order):
    padded = IPTC + bytes(-len(IPTC) % 4)
    numbers = struct.unpack(f"{order}{len(padded) // 4}I", padded)
    assert info_of(in_tiff(iptc=(4, numbers))).taken_at == WHEN


def test_a_big_tiff_has_wider_directories():
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "TIFF", tiffinfo={700: PACKET}, big_tiff=True)
    assert stream.getvalue()[2] == 43
    assert info_of(stream.getvalue()).taken_at == WHEN


@pytest.mark.parametrize("name", [b"exif", b"APP1"])
def test_exif_in_a_raw_profile_of_a_png(name):
    said = exif({Base.Make: "Acme", Base.DateTimeOriginal: "2015:08:22 04:08:19"}).tobytes()
    text = profile(name.decode(), said)
    packed = b"Raw profile type " + name + b"\0\0" + zlib.compress(text)
    info = info_of(with_chunks(PNG, (b"zTXt", packed)))
    assert (info.taken_at, info.camera) == (WHEN, "Acme")


@pytest.mark.parametrize(
    "text",
    [
        b"Sat, 22 Aug 2015 04:08:19 +0200",
        b"2015-08-22T04:08:19+02:00",
        b"2015:08:22 04:08:19",
        b"Sat Aug 22 04:08:19 2015",
    ],
)
def test_the_creation_time_of_a_png(text):
    info = info_of(with_chunks(PNG, (b"tEXt", b"Creation Time\0" + text), last=True))
    assert (info.taken_at, info.dated_by) == (WHEN, "creation")


def test_a_packet_goes_on_in_further_segments():
    rest = xmp(
        "",
        "<xmp:Thumbnail>"
        + "A" * 600
        + f"</xmp:Thumbnail><exif:DateTimeOriginal>{WHEN}</exif:DateTimeOriginal>",
    )
    name = hashlib.md5(rest).hexdigest().upper()

    def piece(at, to, of=name):
        head = of.encode() + struct.pack(">II", len(rest), at)
        return 0xE1, MORE_HEAD + head + rest[at:to]

    main = (0xE1, XMP_HEAD + xmp(f'xmpNote:HasExtendedXMP="{name}" tiff:Model="One"'))
    pieces = [piece(700, len(rest)), main, piece(0, 700)]
    info = info_of(in_jpeg(*pieces))
    assert (info.taken_at, info.camera) == (WHEN, "One")
    assert info_of(in_jpeg(main, piece(700, len(rest)))).taken_at is None  # a gap
    other = "0" * 32  # of another picture
    assert info_of(in_jpeg(main, piece(0, 700, other), piece(700, 9999, other))).taken_at is None


YEARS = {
    "exif": {"exif": exif({Base.DateTimeOriginal: "2001:01:01 00:00:00"})},
    "xmp": (0xE1, XMP_HEAD + taken("2002")),
    "iptc": (0xED, b"Photoshop 3.0\0" + resource(0x0404, data_sets(d55="20030101"))),
}


def test_the_moment_of_exposure_is_believed_from_exif_then_xmp_then_iptc():
    segments = [YEARS["iptc"], YEARS["xmp"]]
    assert info_of(in_jpeg(*segments, **YEARS["exif"])).taken_at[:4] == "2001"
    assert info_of(in_jpeg(*segments, exif=EDITED)).taken_at[:4] == "2002"
    assert info_of(in_jpeg(YEARS["iptc"], exif=EDITED)).taken_at[:4] == "2003"
    digitised = exif({Base.DateTimeDigitized: "2023:01:01 00:00:00"})
    assert info_of(in_jpeg(YEARS["iptc"], exif=digitised)).taken_at[:4] == "2003"


def test_a_garbled_original_leaves_the_word_to_xmp_and_iptc_but_not_to_the_day_of_editing():
    garbled = exif({Base.DateTimeOriginal: "long ago", Base.DateTime: "2024:11:30 10:00:00"})
    assert info_of(photo("JPEG", exif=garbled)).taken_at is None
    assert info_of(in_jpeg(YEARS["xmp"], exif=garbled)).taken_at[:4] == "2002"
    assert info_of(in_jpeg(YEARS["iptc"], exif=garbled)).taken_at[:4] == "2003"
    in_xmp = (0xE1, XMP_HEAD + taken("long ago"))
    assert info_of(in_jpeg(in_xmp, exif=EDITED)).taken_at is None


def test_a_creation_time_comes_after_originals_and_before_the_day_of_editing():
    created = (b"tEXt", b"Creation Time\0002005-01-01")
    png = photo("PNG", exif=EDITED.tobytes())
    assert info_of(with_chunks(png, created)).taken_at[:4] == "2005"
    assert info_of(with_chunks(png, created, itxt(taken("2002")))).taken_at[:4] == "2002"


def test_places_and_cameras_of_exif_go_before_those_of_xmp():
    said = exif({Base.Make: "Zeta"}, {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    info = info_of(in_jpeg((0xE1, XMP_HEAD + PACKET), exif=said))
    assert (info.taken_at, info.camera) == (WHEN, "Zeta")
    assert (info.latitude, info.longitude) == pytest.approx((52.52, 13.41))


def test_a_raw_file_tells_its_xmp():
    pytest.importorskip("rawpy")
    from tests.unit.images.test_raw import dng

    info = info_of(dng(more={700: (1, PACKET)}))
    assert (info.format, info.taken_at, info.camera) == ("RAW", WHEN, "Acme One")
    assert info.latitude == pytest.approx(48.137)


@pytest.mark.parametrize(
    "data",
    [
        with_segments(JPEG, (0xE1, XMP_HEAD), (0xED, b"Photoshop 3.0\0"), (0xE1, MORE_HEAD + b"x")),
        with_segments(JPEG, (0xE1, XMP_HEAD + b"\0" * 100), (0xED, b"")),
        with_chunks(PNG, (b"zTXt", b"Raw profile type xmp\0\0nothing packed")),
        with_chunks(PNG, (b"tEXt", b"Raw profile type exif\0\nexif\n  many\nzz")),
        with_chunks(PNG, (b"tEXt", b"Raw profile type iptc\0\niptc\n  3\n1c0")),
        with_chunks(PNG, (b"tEXt", b"Creation Time\0")),
        with_chunks(PNG, (b"tEXt", b"Creation Time")),
        photo("WEBP", xmp=b"<x"),
    ],
)
def test_damaged_packets_cost_nothing_but_themselves(data):
    info = info_of(data)
    assert (info.width, info.height, info.taken_at) == (*bad_inputs.SIZE, None)


def test_a_bomb_in_a_chunk_is_unpacked_no_further_than_is_looked_at():
    bomb = zlib.compress(bytes(PACKET_BYTES // 2) + PACKET, 9)  # Pillow refuses larger ones
    info = info_of(with_chunks(PNG, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)))
    assert info.taken_at == WHEN

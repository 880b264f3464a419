"""TIFFs as photo programs write them: the same picture as in eight bits, or said what they are."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageCms

from isa_cli.errors import ImageError
from isa_cli.images import open_image
from isa_cli.images.tiff_kinds import TiffKind
from tests import bad_inputs
from tests.bad_inputs import encoded, photo

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")

HEIGHT, WIDTH = 24, 32
Y, X = np.mgrid[:HEIGHT, :WIDTH]
RGB = np.stack([X * 8, Y * 10, (X + Y) * 4], -1).astype(np.uint8)
GREY = (X * 5 + Y * 4).astype(np.uint8)[..., None]
CMYK = np.stack([X * 8, Y * 10, 255 - X * 8, Y * 2], -1).astype(np.uint8)
ALPHA = (X * 8).astype(np.uint8)[..., None]

DEPTHS = {"u1": 255, "u2": 65_535, "u4": 2**32 - 1, "f2": 1, "f4": 1, "f8": 1}


def deep(pixels, depth):
    """Return eight bits in another depth, 0 to white."""
    scaled = pixels.astype("f8") / 255 * DEPTHS[depth]
    return (scaled if depth[0] == "f" else scaled.round()).astype(depth)


def tiff(pixels, **options):
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, -1, 0)
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.ascontiguousarray(pixels), metadata=None, **options)
    return stream.getvalue()


def shown(data):
    return np.asarray(open_image(data)[0]).astype(int)


def in_eight_bits(mode, pixels):
    """Return what the picture looks like as Pillow writes it, in eight bits."""
    height, width = pixels.shape[:2]
    image = Image.frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())
    return shown(encoded(image, "TIFF"))


COLOURS = {
    "minisblack": (GREY, in_eight_bits("L", GREY)),
    "miniswhite": (GREY, in_eight_bits("L", 255 - GREY)),
    "rgb": (RGB, in_eight_bits("RGB", RGB)),
    "separated": (CMYK, in_eight_bits("CMYK", CMYK)),
}
PACKINGS = {
    "plain": {},
    "LZW": {"compression": "lzw"},
    "Deflate, differences": {"compression": "deflate", "predictor": True},
    "ZSTD in tiles": {"compression": "zstd", "tile": (16, 16)},
    "LZMA in strips": {"compression": "lzma", "rowsperstrip": 7},
    "PackBits": {"compression": "packbits"},
}


@pytest.mark.parametrize("photometric", COLOURS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("packing", PACKINGS.values(), ids=PACKINGS)
def test_every_depth_of_every_colour_looks_as_eight_bits_do(photometric, depth, packing):
    pixels, wanted = COLOURS[photometric]
    orders = product("<>", ["contig", "separate"] if pixels.shape[-1] > 1 else ["contig"])
    for byteorder, planar in orders:
        options = {"photometric": photometric, "byteorder": byteorder, **packing}
        if pixels.shape[-1] > 1:
            options["planarconfig"] = planar
        data = tiff(deep(pixels, depth), **options)
        assert np.abs(shown(data) - wanted).max() <= 1, (byteorder, planar)


@pytest.mark.parametrize(
    ("photometric", "extra"),
    [
        *product(["minisblack", "rgb"], ["unassalpha", "assocalpha", "unspecified"]),
        *product(["separated"], ["unassalpha", "unspecified"]),  # nobody multiplies ink
    ],
)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_shows_white_and_what_is_no_alpha_nothing(photometric, depth, extra, planar):
    pixels, wanted = COLOURS[photometric]
    colours, alpha = deep(pixels, depth), deep(ALPHA, depth)
    if extra == "assocalpha":
        multiplied = colours.astype("f8") * ALPHA / 255
        colours = (multiplied if depth[0] == "f" else multiplied.round()).astype(depth)
    data = tiff(
        np.concatenate([colours, alpha], -1),
        photometric=photometric,
        extrasamples=[extra],
        planarconfig=planar,
    )
    if extra != "unspecified":
        wanted = (wanted * (ALPHA / 255) + 255 - ALPHA).round()
    assert np.abs(shown(data) - wanted).max() <= 2


@pytest.mark.parametrize("depth", ["u1", "u2", "f4"])
def test_an_alpha_of_nothing_everywhere_is_no_alpha_here_either(depth):
    pixels = np.concatenate([deep(RGB, depth), np.zeros_like(deep(ALPHA, depth))], -1)
    data = tiff(pixels, photometric="rgb", extrasamples=["unassalpha"], compression="zstd")
    assert np.abs(shown(data) - RGB).max() <= 1


def lab():
    """Return a picture in L*a*b* as a TIFF of eight bits has it, (H, W, 3), and as it is shown."""
    to = ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(
        Image.fromarray(RGB), ImageCms.createProfile("sRGB"), to, outputMode="LAB"
    )
    pixels = np.frombuffer(image.tobytes("raw", "LAB"), np.uint8).reshape(HEIGHT, WIDTH, 3)
    return pixels, shown(encoded(image, "TIFF"))


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_lab_of_any_depth_is_the_lab_of_eight_bits(planar, byteorder, compression):
    pixels, wanted = lab()
    light, ab = pixels[..., :1].astype("f8"), pixels[..., 1:].view("i1").astype("f8")
    sixteen = [(light * 257).astype("u2"), (ab * 256).astype("i2").view("u2")]
    icc = [(light * 256).astype("u2"), ((ab + 128) * 256).astype("u2")]
    kinds = [
        ("cielab", sixteen),
        ("icclab", icc),
        ("icclab", [light.astype("u1"), (ab + 128).astype("u1")]),
        ("cielab", [(light / 2.55).astype("f4"), ab.astype("f4")]),
    ]
    for photometric, parts in kinds:
        data = tiff(
            np.concatenate(parts, -1),
            photometric=photometric,
            planarconfig=planar,
            byteorder=byteorder,
            compression=compression,
        )
        np.testing.assert_array_equal(shown(data), wanted)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_scanners_depths_are_scaled_to_white(bits):
    pixels = (RGB / 255 * ((1 << bits) - 1)).round().astype("u2")
    data = tiff(pixels, photometric="rgb", bitspersample=bits)
    assert np.abs(shown(data) - RGB).max() <= 1


@pytest.mark.parametrize("depth", ["u1", "u2", "f4"])
def test_lerc_is_unpacked(depth):
    data = tiff(deep(RGB, depth), photometric="rgb", compression="lerc")
    assert np.abs(shown(data) - RGB).max() <= 1


def test_webp_is_unpacked_and_libtiff_does_not_complain(capfd):
    lossless = {"compression": "webp", "compressionargs": {"lossless": True}}
    np.testing.assert_array_equal(shown(tiff(RGB, photometric="rgb", **lossless)), RGB)
    pixels = np.concatenate([RGB, np.full_like(ALPHA, 255)], -1)
    data = tiff(pixels, photometric="rgb", extrasamples=["unassalpha"], **lossless)
    np.testing.assert_array_equal(shown(data), RGB)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_jpeg_inside_is_unpacked_also_where_it_is_deep(planar):
    fine = {"compression": "jpeg", "compressionargs": {"level": 98}, "planarconfig": planar}
    assert np.abs(shown(tiff(RGB, photometric="rgb", **fine)) - RGB).max() <= 8
    exact = {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}}
    assert np.abs(shown(tiff(deep(RGB, "u2"), photometric="rgb", **exact)) - RGB).max() <= 1


def test_floats_above_white_are_no_darker_here():
    data = tiff(deep(RGB, "f4") * 1.02, photometric="rgb")
    assert np.abs(shown(data) - RGB).mean() < 4
    spike = deep(RGB, "f4")
    spike[3, 3] = 1e9
    assert np.abs(shown(tiff(spike, photometric="rgb")) - RGB).mean() < 1


def test_turn_camera_page_and_bigtiff():
    tags = [(274, 3, 1, 6, True), (271, 2, 0, "Acme", True)]
    data = tiff(deep(RGB, "f4"), photometric="rgb", extratags=tags)
    image, info = open_image(data)
    assert (image.size, info.width, info.height) == ((HEIGHT, WIDTH), HEIGHT, WIDTH)
    assert (info.format, info.orientation, info.camera) == ("TIFF", 6, "Acme")
    assert image.getpixel((HEIGHT - 1, 0)) == tuple(RGB[0, 0])
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(RGB[:6, :8], photometric="rgb", subfiletype=1)
        writer.write(deep(RGB, "f4"), photometric="rgb")
    assert np.abs(shown(stream.getvalue()) - RGB).max() <= 1
    assert np.abs(shown(tiff(deep(RGB, "f4"), photometric="rgb", bigtiff=True)) - RGB).max() <= 1


def refused(data):
    with pytest.raises(ImageError) as caught:
        open_image(data)
    return caught.value


def test_a_cut_or_damaged_one_is_told_truly(capfd):
    data = tiff(deep(bad_inputs.np.asarray(bad_inputs.noise(2, (40, 30))), "f4"), photometric="rgb")
    assert "truncated" in refused(data[:-50]).reason
    packed = bytearray(tiff(deep(RGB, "f4"), photometric="rgb", compression="zstd"))
    packed[-120:-60] = bytes(60)
    assert refused(bytes(packed)).reason.startswith("TIFF data that can't be decoded")
    plain = bytearray(encoded(bad_inputs.noise(3), "TIFF", compression="tiff_adobe_deflate"))
    plain[2000:2400] = bytes(400)
    assert "TIFF" in refused(bytes(plain)).reason
    assert "tifffile" not in capfd.readouterr().err


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_one_that_tells_of_too_few_strips_is_cut(compression):
    data = bytearray(tiff(deep(RGB, "f4"), photometric="rgb", compression=compression))
    row = data.index(struct.pack("<HH", 257, 4))
    data[row + 8 : row + 12] = struct.pack("<I", 2_000_000)
    assert "truncated" in refused(bytes(data)).reason


def test_what_neither_reads_is_said_to_be_what_it_is():
    for data, what in (
        (tiff(RGB, photometric="rgb", compression="jpeg2000"), "8-bit RGB, packed with JPEG 2000"),
        (tiff(deep(RGB, "f4").astype("c8"), photometric="rgb"), "64-bit complex RGB"),
        (tiff(GREY, photometric=4), "8-bit mask"),
    ):
        assert refused(data).reason == f"a TIFF of {what}, which isa can't read"


def test_pieces_of_gigabytes_are_refused():
    pixels = deep(RGB[:1, :1], "f8")
    data = bytearray(tiff(pixels, photometric="rgb", compression="zstd", tile=(16, 16)))
    for tag in (322, 323):
        row = data.index(struct.pack("<HHII", tag, 4, 1, 16))
        data[row + 8 : row + 12] = (15_000).to_bytes(4, "little")
    assert "too large" in refused(bytes(data)).reason


KINDS = {
    "32-bit float RGB": tiff(deep(RGB, "f4"), photometric="rgb"),
    "16-bit grey with alpha": tiff(
        np.concatenate([deep(GREY, "u2"), deep(ALPHA, "u2")], -1),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    ),
    "8-bit CMYK with alpha": tiff(
        np.concatenate([CMYK, ALPHA], -1), photometric="separated", extrasamples=["unassalpha"]
    ),
    "16-bit Lab": tiff(deep(RGB, "u2"), photometric="cielab"),
    "16-bit RGB in planes": tiff(deep(RGB, "u2"), photometric="rgb", planarconfig="separate"),
    "8-bit RGB, packed with LERC": tiff(RGB, photometric="rgb", compression="lerc"),
    "8-bit RGB, packed with WebP": tiff(RGB, photometric="rgb", compression="webp"),
    "32-bit float grey, packed with Deflate": tiff(
        deep(GREY, "f4"), photometric="minisblack", compression="deflate", byteorder=">"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", ["tifffile", "imagecodecs"])
def test_without_the_extra_it_is_said_what_it_is_and_how_to_get_it(kind, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    error = refused(KINDS[kind])
    assert error.reason == f'a TIFF of {kind}, which needs: pip install "isa-cli[tiff]"'
    assert error.hint == 'pip install "isa-cli[tiff]"'
    assert open_image(photo("TIFF"))[0].mode == "RGB"
    half = encoded(bad_inputs.noise(5), "TIFF")[:20_000]
    assert "truncated" in refused(half).reason
    packed = bytearray(encoded(bad_inputs.noise(3), "TIFF", compression="tiff_adobe_deflate"))
    packed[2000:2400] = bytes(400)
    assert "needs" not in refused(bytes(packed)).reason


def test_the_kind_of_a_file_without_a_directory_is_none():
    assert TiffKind.of(b"II*\0\0\0\0\0") is None


def test_ordinary_tiffs_never_load_it():
    code = (
        "import sys; from isa_cli.images import open_image;"
        "open_image(sys.stdin.buffer.read());"
        "sys.exit(bool({'tifffile', 'imagecodecs'} & set(sys.modules)))"
    )
    for compression in (None, "tiff_lzw", "jpeg"):
        data = photo("TIFF", compression=compression)
        assert subprocess.run([sys.executable, "-c", code], input=data, check=True).returncode == 0

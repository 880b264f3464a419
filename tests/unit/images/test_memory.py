"""Small files that unpack to a lot, and starts that lead nowhere."""

from __future__ import annotations

import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import ImageError
from isa_cli.images import DRAFT_MARGIN, decode, jpeg, open_image, pixels, room, thumbnail
from isa_cli.images.room import SMALL, Room
from tests.bad_inputs import GREEN, RED, SIZE, Tiff, encoded, noise, photo, quarters
from tests.unit.images.broken import chunk
from tests.unit.images.seeing import close

# --- room ---------------------------------------------------------------------------------------


def entering(room, pixels):
    """Return a thread that waits for room, and two events: it is inside, it may leave."""
    inside, leave = threading.Event(), threading.Event()

    def go():
        with room.taken(pixels):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=go)
    thread.start()
    return thread, inside, leave


def test_large_pictures_wait_for_each_other_and_small_ones_for_none():
    large = Room(10 * SMALL)
    first, inside, leave = entering(large, 8 * SMALL)
    assert inside.wait(10)
    second, second_inside, second_leave = entering(large, 3 * SMALL)
    with large.taken(SMALL):
        pass
    assert not second_inside.wait(0.05)
    leave.set()
    assert second_inside.wait(10)
    second_leave.set()
    first.join()
    second.join()


def test_one_that_is_larger_than_the_room_goes_alone_and_an_error_gives_its_room_back():
    large = Room(2 * SMALL)
    with pytest.raises(KeyError), large.taken(100 * SMALL):
        raise KeyError
    with large.taken(100 * SMALL):
        thread, inside, leave = entering(large, SMALL + 1)
        assert not inside.wait(0.05)
    assert inside.wait(10)
    leave.set()
    thread.join()


@pytest.fixture
def tiny(monkeypatch):
    """Make pictures large that have a few hundred pixels; return the most held at a time."""
    held, most = [0], [0]
    taken = Room.taken

    class Watched(Room):
        def taken(self, pixels):
            within = taken(self, pixels)

            class Context:
                def __enter__(self):
                    within.__enter__()
                    held[0] += pixels
                    most[0] = max(most[0], held[0])

                def __exit__(self, *exc):
                    held[0] -= pixels
                    within.__exit__(*exc)

            return Context()

    monkeypatch.setattr(room, "SMALL", 300)
    monkeypatch.setattr(decode, "LARGE", 2000)
    monkeypatch.setattr(decode, "_ROOM", Watched(4000))
    monkeypatch.setattr(pixels, "_BLOCK", 512)
    return most


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"])
def test_pixels_on_their_way_are_bounded_over_all_threads(fmt, tiny):
    data = photo(fmt, GREEN)  # 3,072 pixels
    threads = [threading.Thread(target=open_image, args=(data,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tiny[0] == SIZE[0] * SIZE[1]


def test_a_draft_counts_by_its_own_size_but_of_a_progressive_one_all_is_held(tiny):
    image = Image.new("RGB", (800, 400), RED)
    open_image(encoded(image, "JPEG"), at_least=(25, 25))
    assert tiny[0] == 100 * 50
    open_image(encoded(image, "JPEG", progressive=True), at_least=(25, 25))
    assert tiny[0] == 800 * 400


def test_a_jpeg_that_is_looked_at_for_its_end_counts_too(tiny):
    open_image(encoded(Image.new("RGB", (90, 40), RED), "JPEG")[:-2], at_least=(5, 5))
    assert tiny[0] == 90 * 40


# --- conversion in blocks -----------------------------------------------------------------------


def many_modes():
    colour = noise(3, (83, 61))
    clear = colour.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(colour.size))
    palette = colour.quantize(16)
    deep = np.asarray(colour)[..., 0].astype("<u2") * 257
    return {
        "RGB.png": encoded(colour, "PNG"),
        "RGBA.png": encoded(clear, "PNG"),
        "LA.png": encoded(clear.convert("LA"), "PNG"),
        "P.png": encoded(palette, "PNG", transparency=3),
        "1.png": encoded(colour.convert("1"), "PNG"),
        "RGB with a clear colour.png": encoded(colour, "PNG", transparency=colour.getpixel((1, 1))),
        "16 bits.png": encoded(Image.fromarray(deep), "PNG"),
        "float.tif": encoded(colour.convert("F"), "TIFF"),
        "32 bits.tif": encoded(colour.convert("I"), "TIFF"),
        "CMYK.tif": encoded(colour.convert("CMYK"), "TIFF"),
        "LAB.tif": encoded(Image.merge("LAB", colour.split()), "TIFF"),
        "big-endian.tif": encoded(Image.new("I;16B", (83, 61), 30_000), "TIFF"),
        "L.gif": encoded(colour.convert("L"), "GIF"),
        "clear everywhere.png": encoded(
            Image.merge("RGBA", (*colour.split(), Image.new("L", colour.size))), "PNG"
        ),
    }


@pytest.mark.parametrize("name", many_modes())
def test_a_large_picture_is_converted_in_blocks_to_the_same_pixels(name, monkeypatch):
    data = many_modes()[name]
    whole = np.asarray(open_image(data)[0])
    for block in (70, 512, 4000):
        monkeypatch.setattr(pixels, "_BLOCK", block)
        np.testing.assert_array_equal(np.asarray(open_image(data)[0]), whole)


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_blocks_are_averaged_as_the_whole_is(factor, monkeypatch):
    image = noise(5, (83, 61))
    for block in (1, 100, 700, 10_000):
        monkeypatch.setattr(pixels, "_BLOCK", block)
        small = pixels.rgb(image, factor)
        np.testing.assert_array_equal(np.asarray(small), np.asarray(image.reduce(factor)))


@pytest.mark.parametrize("fmt", ["PNG", "WEBP", "TIFF", "BMP", "HEIF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_picture_comes_back_smaller_if_the_caller_makes_it_smaller_anyway(
    fmt, orientation, tiny
):
    image = quarters().resize((640, 480))
    options = {} if fmt in {"BMP", "HEIF"} else {"exif": exif_of(orientation)}
    turned = orientation == 6 and options
    full = (480, 640) if turned else (640, 480)
    for at_least in ((40, 50), (100, 30), (5, 5), (400, 400)):
        found, info = open_image(encoded(image, fmt, **options), at_least=at_least)
        assert (info.width, info.height) == full
        assert found.height >= min(DRAFT_MARGIN * at_least[0], full[1])
        assert found.width >= min(DRAFT_MARGIN * at_least[1], full[0])
        assert abs(found.width / found.height - full[0] / full[1]) < 0.1
        corner = (1, found.height - 2) if not turned else (1, 1)
        assert close(found.getpixel(corner), (20, 40, 190), within=30)
    assert open_image(encoded(image, fmt, **options), at_least=(5, 5))[0].width < 40
    assert open_image(encoded(image, fmt, **options))[0].size == full
    assert max(thumbnail(encoded(image, fmt, **options), 20).size) == 20


def exif_of(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


PEAK = """
import resource, sys, threading
from isa_cli.images import open_image
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
threads = [threading.Thread(target=open_image, args=(data,), kwargs={"at_least": (32, 32)})
           for _ in range(3)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "kind", "pixel"), [(8, 4, b"PX"), (16, 0, b"PX")])
def test_three_threads_hold_no_more_than_one_large_picture(depth, kind, pixel, tmp_path):
    width, height = 14_000, 9000  # two are more than the room for all
    pack = zlib.compressobj(1)
    rows = b"".join(pack.compress(b"\0" + pixel * width) for _ in range(height)) + pack.flush()
    header = b"".join(n.to_bytes(4) for n in (width, height)) + bytes((depth, kind, 0, 0, 0))
    path = tmp_path / "large.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    command = [sys.executable, "-c", PEAK, path]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert int(done.stdout) < 6 * width * height  # 4 bytes a pixel, and a block here and there


# --- starts that lead nowhere -------------------------------------------------------------------

ZEROS = bytes(30_000_000)
STARTS = {
    "a JPEG's": b"\xff\xd8\xff\xe0" + ZEROS,
    "a JPEG's, and filling": b"\xff\xd8" + b"\xff" * len(ZEROS),
    "a JPEG's, and stuffing": b"\xff\xd8\xff" + b"\0\xff" * (len(ZEROS) // 2),
    "a JPEG's, and notes": b"\xff\xd8" + b"\xff\xe0\0\2" * (len(ZEROS) // 4),
    "a JPEG's, and ends": b"\xff\xd8\xff\xd9" * (len(ZEROS) // 4),
    "a GIF's": b"GIF89a" + ZEROS,
    "a GIF's, and comments": photo("GIF")[:25] + b"\x21\xfe\0" * (len(ZEROS) // 3),
    "a WebP's": b"RIFF\0\0\0\0WEBP" + ZEROS,
    "a WebP's, and parts": b"RIFF\0\0\0\0WEBP" + b"VP8 \0\0\0\0" * (len(ZEROS) // 8),
    "a PNG's": b"\x89PNG\r\n\x1a\n" + ZEROS,
    "a TIFF's": b"II*\0\x08\0\0\0" + ZEROS,
}


@pytest.mark.parametrize("name", STARTS)
def test_a_start_without_a_picture_is_refused_and_pillow_never_looks_for_it(name, monkeypatch):
    def seek(*_):
        raise AssertionError

    for plugin in ("GIF", "JPEG"):  # they look at every byte
        monkeypatch.setitem(decode._PLUGINS, plugin, seek)
    with pytest.raises(ImageError, match=r"no picture|truncated|WEBP data"):
        open_image(STARTS[name])


def test_a_progressive_jpeg_of_countless_scans_is_refused():
    data = encoded(noise(), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    endless = data[:-2] + data[last:-2] * 200 + b"\xff\xd9"
    with pytest.raises(ImageError, match="scans"):
        open_image(endless)
    assert jpeg.declared_size(data) == (160, 120)


@pytest.mark.parametrize("fmt", ["AVIF", "HEIF"])
@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (1 << 31, 1 << 31)])
def test_an_absurd_size_is_refused_before_a_library_sees_it(fmt, width, height):
    data = photo(fmt)
    at = data.find(b"ispe") + 8
    absurd = data[:at] + width.to_bytes(4) + height.to_bytes(4) + data[at + 8 :]
    with pytest.raises(ImageError, match=rf"too large: {width:,} x {height:,}"):
        open_image(absurd)


def test_a_tile_larger_than_any_picture_is_refused():
    writer, packed = Tiff(), zlib.compress(bytes(64 * 48))
    tags = {256: 64, 257: 48, 258: 8, 259: 8, 262: 1, 277: 1, 322: 1 << 20, 323: 1 << 20}
    tags |= {324: writer.blob(packed), 325: len(packed)}
    data = writer.finish(writer.ifd({tag: (4, (value,)) for tag, value in tags.items()}))
    with pytest.raises(ImageError, match="too large: 1,048,576 x 1,048,576"):
        open_image(data)

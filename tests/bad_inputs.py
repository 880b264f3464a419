"""Files that trip photo tools up, each with what ought to become of it; all made on the spot.

Used by the table in ``tests/unit/images/test_every_input.py`` and by the tests that index a
folder of them.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH101, PTH118, PTH120, PTH123, PTH211

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, PngImagePlugin
from PIL.ExifTags import GPS, IFD, Base

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Outcome = Literal["indexed", "failed", "skipped", "reported"]

RED, GREEN, BLUE = (200, 30, 20), (20, 170, 40), (20, 40, 190)
SIZE = (64, 48)


@dataclass(frozen=True)
class BadInput:
    """One file, and what indexing the folder it lies in makes of it.

    Attributes:
        name: the file's name; unique in the table.
        make: puts the file into a folder and returns its path.
        outcome: ``indexed``; ``failed``: recorded with its reason; ``skipped``: no file, passed
            over by the walk; ``reported``: the walk can't even look at it, and says so.
        reason: a regex that the reason matches; '' if indexed.
        as_root: whether it is a problem for root, too.
    """

    name: bytes
    make: Callable[[Path], bytes]
    outcome: Outcome
    reason: str
    as_root: bool = True

    def applies(self) -> bool:
        return self.as_root or os.geteuid() != 0


# --- how files are made ------------------------------------------------------------------------


def encoded(image: Image.Image, fmt: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    if fmt == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(stream, **options)
    else:
        image.save(stream, fmt, **options)
    return stream.getvalue()


def photo(fmt: str = "JPEG", colour: Any = RED, mode: str = "RGB", **options: Any) -> bytes:
    """Return a plain picture: every pixel has the colour."""
    return encoded(Image.new(mode, SIZE, colour), fmt, **options)


def quarters() -> Image.Image:
    """Return a picture that shows which way is up: red, green / blue, white."""
    image = Image.new("RGB", SIZE, "white")
    width, height = SIZE[0] // 2, SIZE[1] // 2
    for colour, at in ((RED, (0, 0)), (GREEN, (width, 0)), (BLUE, (0, height))):
        image.paste(colour, (*at, at[0] + width, at[1] + height))
    return image


def noise(seed: int = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Return a picture that no format can make tiny, so that half a file is half a picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def exif(tags: dict[int, Any], place: dict[int, Any] | None = None) -> Image.Exif:
    """Return EXIF: tags of the picture and of the exposure by number, and a place."""
    result = Image.Exif()
    own = {Base.Make, Base.Model, Base.DateTime, Base.Orientation}
    result.update({tag: value for tag, value in tags.items() if tag in own})
    result.get_ifd(IFD.Exif).update({k: v for k, v in tags.items() if k not in own})
    result.get_ifd(IFD.GPSInfo).update(place or {})
    return result


class Tiff:
    """A TIFF by hand, for what Pillow reads but does not write."""

    CODES = {1: "B", 2: "s", 3: "H", 4: "I", 11: "f"}

    def __init__(self) -> None:
        self.data = bytearray(b"II*\0\0\0\0\0")

    def blob(self, data: bytes) -> int:
        """Append bytes; return where they are."""
        self.data += bytes(len(self.data) % 2)
        at = len(self.data)
        self.data += data
        return at

    def ifd(self, tags: dict[int, tuple[int, tuple[Any, ...] | bytes]]) -> int:
        """Append a directory of {tag: (type, values)}; return where it is."""
        rows = b""
        for tag, (kind, values) in sorted(tags.items()):
            code = self.CODES[kind]
            packed = values if isinstance(values, bytes) else b""
            packed = packed or struct.pack(f"<{len(values)}{code}", *values)
            inline = packed if len(packed) <= 4 else struct.pack("<I", self.blob(packed))
            rows += struct.pack("<HHI", tag, kind, len(values)) + inline.ljust(4, b"\0")
        return self.blob(struct.pack("<H", len(tags)) + rows + bytes(4))

    def finish(self, first: int) -> bytes:
        self.data[4:8] = struct.pack("<I", first)
        return bytes(self.data)


def tiff(pixels: np.ndarray, *, bits: int, photometric: int, sample_format: int = 1) -> bytes:
    """Return an uncompressed TIFF of (H, W) or (H, W, C) pixels."""
    writer = Tiff()
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    return writer.finish(
        writer.ifd(
            {
                Base.ImageWidth: (3, (pixels.shape[1],)),
                Base.ImageLength: (3, (pixels.shape[0],)),
                Base.BitsPerSample: (3, (bits,) * channels),
                Base.Compression: (3, (1,)),
                Base.PhotometricInterpretation: (3, (photometric,)),
                Base.StripOffsets: (4, (writer.blob(pixels.tobytes()),)),
                Base.SamplesPerPixel: (3, (channels,)),
                Base.RowsPerStrip: (3, (pixels.shape[0],)),
                Base.StripByteCounts: (4, (pixels.nbytes,)),
                339: (3, (sample_format,) * channels),
            }
        )
    )


def grey16(value: int, dtype: str = "<u2") -> np.ndarray:
    return np.full(SIZE[::-1], value, dtype)


def rgb16() -> bytes:
    colour = np.array([c * 257 for c in GREEN], "<u2")
    return tiff(np.broadcast_to(colour, (*SIZE[::-1], 3)).copy(), bits=16, photometric=2)


def palette_png() -> bytes:
    image = Image.new("P", SIZE, 0)
    image.putpalette([0, 0, 0, *BLUE])  # 0 is black, and shows through
    image.paste(1, (0, 0, SIZE[0] // 2, SIZE[1]))
    return encoded(image, "PNG", transparency=0)


def bomb_png() -> bytes:
    """Return 30,000 x 30,000 pixels that begin well and weigh a few hundred bytes."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(375_100))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def text_bomb_png() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 2_000_000, zip=True)
    return photo("PNG", (5, 15, 25), pnginfo=info)


def frames(fmt: str, **options: Any) -> bytes:
    """Return several pictures in one file; the first is green, the others red."""
    others = [Image.new("RGB", SIZE, RED), Image.new("RGB", SIZE, (90, 0, 0))]
    return photo(fmt, GREEN, save_all=True, append_images=others, **options)


def garbage_exif() -> bytes:
    return b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\x7f" * 8


def nowhere() -> Image.Exif:
    """Return EXIF whose place and date can't be, from a camera that is fine."""
    place = {
        GPS.GPSLatitudeRef: "N",
        GPS.GPSLatitude: (999.0, 0.0, 0.0),
        GPS.GPSLongitudeRef: "E",
        GPS.GPSLongitude: (13.0, 24.0, 0.0),
    }
    return exif({Base.Make: "Acme", Base.DateTimeOriginal: "0000:00:00 00:00:00"}, place)


def _path(folder: Path, name: bytes) -> bytes:
    return os.path.join(os.fsencode(folder), name)


def _file(
    name: bytes,
    content: Callable[[], bytes],
    outcome: Outcome = "indexed",
    reason: str = "",
    *,
    mode: int = 0o644,
) -> BadInput:
    def make(folder: Path) -> bytes:
        path = _path(folder, name)
        with open(path, "wb") as file:
            file.write(content())
        os.chmod(path, mode)
        return path

    return BadInput(name, make, outcome, reason, as_root=bool(mode))


def _other(
    name: bytes, create: Callable[[bytes], object], outcome: Outcome, reason: str
) -> BadInput:
    def make(folder: Path) -> bytes:
        path = _path(folder, name)
        create(path)
        return path

    return BadInput(name, make, outcome, reason)


def _socket(path: bytes) -> None:
    here = os.open(os.path.dirname(path), os.O_RDONLY)
    server = socket.socket(socket.AF_UNIX)
    try:  # a socket's path may have 107 bytes, a test's folder has more
        server.bind(f"/proc/self/fd/{here}/".encode() + os.path.basename(path))
    finally:
        server.close()
        os.close(here)


# --- the table ---------------------------------------------------------------------------------

BAD_INPUTS: tuple[BadInput, ...] = (
    # Not a picture, whatever the name says.
    _file(b"empty.jpg", bytes, "failed", "empty"),
    _file(b"text.jpg", lambda: b"Dear diary,\nno picture today.\n", "failed", "looks like text"),
    _file(b"page.jpg", lambda: b"<!DOCTYPE html>\n<title>404</title>", "failed", "a web page"),
    _file(b"drawing.png", lambda: b"<?xml version='1.0'?>\n<svg/>", "failed", "an SVG drawing"),
    _file(b"paper.jpg", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "failed", "a PDF"),
    _file(b"zeros.jpg", lambda: bytes(5000), "failed", "zero bytes"),
    _file(b"video.heic", lambda: b"\0\0\0\x18ftypisom" + bytes(99), "failed", "a video"),
    _file(b"raw.cr2", lambda: b"II*\0\x10\0\0\0CR\2\0" + bytes(999), "failed", "camera RAW"),
    # Half a picture, or one that would fill the memory.
    _file(b"half.jpg", lambda: half(encoded(noise(1), "JPEG")), "failed", "truncated"),
    _file(
        b"half-filled.jpg", lambda: half(encoded(noise(6), "JPEG")) + bytes(5000), "failed", "trunc"
    ),
    _file(b"half.png", lambda: half(encoded(noise(2), "PNG")), "failed", "truncated"),
    _file(b"half.webp", lambda: half(encoded(noise(3), "WEBP")), "failed", "truncated"),
    _file(b"half.heic", lambda: half(encoded(noise(4), "HEIF")), "failed", "truncated"),
    _file(b"half.tif", lambda: half(encoded(noise(5), "TIFF")), "failed", "truncated"),
    _file(b"header-only.jpg", lambda: b"\xff\xd8\xff\xe0", "failed", "JPEG|truncated"),
    _file(b"bomb.png", bomb_png, "failed", "900,000,000 pixels.* 250,000,000"),
    _file(b"line.png", lambda: encoded(Image.new("RGB", (150_000, 1), (35, 45, 55)), "PNG")),
    _file(b"no-end.jpg", lambda: photo("JPEG", (45, 55, 65))[:-2]),
    _file(b"behind-junk.jpg", lambda: bytes(999) + photo("JPEG", (55, 65, 75))),
    # Notes that would fill the memory, or are broken: they are not looked at.
    _file(b"text-bomb.png", text_bomb_png),
    _file(b"icc-bomb.png", lambda: photo("PNG", (15, 25, 35), icc_profile=bytes(2_000_000))),
    # Pixels that need care.
    _file(b"rgb16.tif", rgb16),
    _file(b"grey16.tif", lambda: tiff(grey16(25_700), bits=16, photometric=1)),
    _file(b"grey16-inverted.tif", lambda: tiff(grey16(25_700), bits=16, photometric=0)),
    _file(b"grey16.png", lambda: encoded(Image.fromarray(grey16(51_400)), "PNG")),
    _file(b"float.tif", lambda: photo("TIFF", 0.5, "F")),
    _file(b"grey32.tif", lambda: photo("TIFF", 30_000, "I")),
    _file(b"cmyk.jpg", lambda: photo("JPEG", (255, 0, 255, 0), "CMYK")),  # Adobe's, inverted
    _file(b"cmyk.tif", lambda: photo("TIFF", (0, 255, 255, 0), "CMYK")),  # as it is
    _file(b"palette.png", palette_png),
    _file(b"clear.png", lambda: photo("PNG", (0, 0, 0, 0), "RGBA")),
    _file(b"grey-alpha.png", lambda: photo("PNG", (0, 128), "LA")),
    _file(b"one-bit.bmp", lambda: photo("BMP", 1, "1")),
    _file(b"moving.gif", lambda: frames("GIF")),
    _file(b"moving.webp", lambda: frames("WEBP", lossless=True)),
    _file(b"pages.tif", lambda: frames("TIFF")),
    _file(b"stereo.mpo", lambda: frames("MPO")),
    _file(b"dot.png", lambda: encoded(Image.new("RGB", (1, 1), BLUE), "PNG")),
    _file(b"thread.png", lambda: encoded(Image.new("RGB", (1, 10_000), BLUE), "PNG")),
    _file(b"progressive.jpg", lambda: photo("JPEG", GREEN, progressive=True)),
    _file(b"more-after-the-end.jpg", lambda: photo("JPEG", BLUE) + b"and so on" * 99),
    # Metadata that lies.
    _file(b"exif-empty.jpg", lambda: photo("JPEG", (10, 20, 30), exif=b"Exif\0\0")),
    _file(b"exif-garbage.jpg", lambda: photo("JPEG", (20, 30, 40), exif=garbage_exif())),
    _file(b"turned.jpg", lambda: encoded(quarters(), "JPEG", exif=exif({Base.Orientation: 6}))),
    _file(b"turned-9.jpg", lambda: encoded(quarters(), "JPEG", exif=exif({Base.Orientation: 9}))),
    _file(b"nowhere.jpg", lambda: photo("JPEG", (30, 40, 50), exif=nowhere())),
    # Suffixes that lie, names that bite.
    _file(b"a-png.jpg", lambda: photo("PNG", GREEN)),
    _file(b"a-heic.jpg", lambda: photo("HEIF", GREEN)),
    _file(b"A-JPEG.HEIC", lambda: photo("JPEG", (40, 50, 60))),
    _file(b"line\nbreak.jpg", lambda: photo("JPEG", (50, 60, 70))),
    _file(b"caf\xe9.jpg", lambda: photo("JPEG", (60, 70, 80))),  # Latin-1, not UTF-8
    _file(b"--help.jpg", lambda: photo("JPEG", (70, 80, 90))),
    _file(b"\x1b[31mred.jpg", lambda: photo("JPEG", (80, 90, 100))),
    # Not a file, or not one for us.
    _file(b"secret.jpg", photo, "failed", "permission", mode=0),
    _other(b"folder.jpg", os.mkdir, "skipped", "folder"),
    _other(b"pipe.jpg", os.mkfifo, "skipped", "pipe"),
    _other(b"socket.jpg", _socket, "skipped", "socket"),
    _other(b"dangling.jpg", lambda path: os.symlink(b"nothing", path), "skipped", "nowhere"),
    _other(
        b"loop.jpg",
        lambda path: os.symlink(os.path.basename(path), path),
        "reported",
        "circle|symbolic links",
    ),
)

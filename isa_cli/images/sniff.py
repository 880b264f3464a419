"""What a file is, by its first bytes; and for what is no picture, what it looks like."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from PIL.ExifTags import Base

from isa_cli.images import gif, jpeg
from isa_cli.images.tiff import Tiff

if TYPE_CHECKING:
    from isa_cli.images.tiff import Directory

_MAGIC: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIU\0", "RAW"),  # Panasonic, Leica
    (b"IIRO", "RAW"),  # Olympus, as are the next two
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"II\x1a\0\0\0HEAPCCDR", "RAW"),  # Canon's first
    (b"\0MRM", "RAW"),  # Minolta
    (b"FOVb", "RAW"),  # Sigma
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)

_HEIF_BRANDS: Final = frozenset(
    b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split()  # as pillow_heif has them
)

_ZEROS, _TEXT = "a run of zero bytes", "text"

_RESEMBLES: Final = (
    (rb"%PDF", "a PDF"),
    (rb"\s*(<\?xml.*)?<svg\b", "an SVG drawing"),
    (rb"\s*(<!doctype html|<html|<head|<body)", "a web page"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI", "a video"),
    (rb"8BPS", "a Photoshop document"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0+$", _ZEROS),
    (rb"[\t\n\r\x20-\x7e\x80-\xff]+$", _TEXT),
)


def sniff(data: bytes) -> str:
    """Return the format by the first bytes: Pillow's name of it, ``RAW``, or '' for no picture."""
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")
    if kind == "TIFF" and _is_raw_tiff(data):
        return "RAW"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and data[15:18] == b"\0\0\0":  # the rest of a header's size, 12 to 124
        return "BMP"
    return kind or (_sniff_boxes(data) if data[4:8] == b"ftyp" else "")


def _sniff_boxes(data: bytes) -> str:
    """Return the format of a file in MPEG-4 boxes, by its own brand and those it agrees with."""
    size = min(int.from_bytes(data[:4]), 1024)
    brands = {data[at : at + 4] for at in (8, *range(16, size, 4))}
    if b"crx " in brands:
        return "RAW"  # Canon's CR3
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else ""


def _is_raw_tiff(data: bytes) -> bool:
    """Return whether a TIFF comes straight from a sensor; Pillow would show its tiny thumbnail."""
    if data[8:10] == b"CR" or data[8:12] == b"IIII":  # Canon's CR2, Phase One's IIQ
        return True
    tiff = Tiff(data)
    pages = list(islice(tiff.pages(), _FEW))
    if not pages:
        return False
    if Base.DNGVersion in pages[0].entries or _is_sensors(tiff, pages[0]):
        return True
    if not tiff.first(pages[0], Base.NewSubfileType) & 1 or Base.SubIFDs not in pages[0].entries:
        return False
    # a small copy, and below it the negative, unless another page is an ordinary picture
    ordinary = any(tiff.is_picture(page) for page in pages)
    return not ordinary or any(_is_sensors(tiff, page) for page in pages)


def _is_sensors(tiff: Tiff, page: Directory) -> bool:
    return (
        tiff.first(page, Base.PhotometricInterpretation) in _SENSOR_DATA
        or tiff.first(page, Base.Compression) in _SENSOR_COMPRESSIONS
    )


_FEW: Final = 16  # pages, or places, that are looked at
_SENSOR_DATA: Final = {32803, 34892}  # a colour filter's mosaic, linear RAW
_SENSOR_COMPRESSIONS: Final = {32767, 32769, 32770, 34713, 65000, 65535}  # the makers' own


def behind_junk(data: bytes) -> int:
    """Return where a picture begins behind a few KB of something else; 0 if none does.

    Not in what has a shape of its own: a document's first illustration is not the document.
    """
    if _resembled(data) not in {"", _ZEROS, _TEXT}:
        return 0
    for found in islice(_STARTS.finditer(data, 1, _JUNK), _FEW):
        if _begins(data, found.start()):
            return found.start()
    return 0


def _begins(data: bytes, at: int) -> bool:
    """Return whether a picture really begins there: its magic alone may be there by chance."""
    head = data[at : at + _HEADERS]
    if head[:2] == b"\xff\xd8":
        return any(segment.marker == jpeg.SOS for segment in jpeg.segments(head, junk=0))
    if head[:3] == b"GIF":
        return gif.begins(head)
    if head[:2] in {b"II", b"MM"}:
        order: Literal["little", "big"] = "little" if head[:1] == b"I" else "big"
        first = at + int.from_bytes(head[4:8], order)
        if int.from_bytes(data[first + 2 : first + 4], order) not in _FIRST_TAGS:
            return False  # before the rest is copied
        tiff = Tiff(data[at:])
        return any(map(tiff.is_picture, tiff.pages()))
    return head[12:16] in {b"IHDR", b"VP8 ", b"VP8L", b"VP8X"}


_JUNK: Final = 1 << 14
_FIRST_TAGS: Final = {Base.NewSubfileType, Base.SubfileType, Base.ImageWidth}
_HEADERS: Final = 1 << 20  # bytes in which a JPEG comes to its pixels; profiles are long
_STARTS: Final = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|II[*+]\0|MM\0[*+]",
    re.DOTALL,
)


def resemblance(data: bytes) -> str:
    """The end of a sentence: what something that is no picture looks like, or ''."""
    what = _resembled(data)
    return f": it looks like {what}" if what else ""


def _resembled(data: bytes) -> str:
    head = data[:1024]
    found = (what for like, what in _RESEMBLES if re.match(like, head, re.IGNORECASE | re.DOTALL))
    return next(found, "")

"""What a file is, by its first bytes; and for what is no picture, what it looks like."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from PIL.ExifTags import Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

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

_RESEMBLES: Final = (
    (rb"%PDF", "a PDF"),
    (rb"\s*(<\?xml.*)?<svg\b", "an SVG drawing"),
    (rb"\s*(<!doctype html|<html|<head|<body)", "a web page"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI", "a video"),
    (rb"8BPS", "a Photoshop document"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0+$", "a run of zero bytes"),
    (rb"[\t\n\r\x20-\x7e\x80-\xff]+$", "text"),
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
    try:
        tags, stream = ImageFileDirectory_v2(data[:8]), BytesIO(data)
        stream.seek(tags.next)
        tags.load(stream)
        return (
            Base.DNGVersion in tags
            or tags.get(Base.PhotometricInterpretation) in _SENSOR_DATA
            or tags.get(Base.Compression) in _SENSOR_COMPRESSIONS
            or (Base.SubIFDs in tags and bool(tags.get(Base.NewSubfileType, 0) & 1))  # small copy
        )
    except Exception:  # noqa: BLE001 - a broken TIFF; its decoder will say how
        return False


_SENSOR_DATA: Final = {32803, 34892}  # a colour filter's mosaic, linear RAW
_SENSOR_COMPRESSIONS: Final = {32767, 32769, 32770, 34713, 65000, 65535}  # the makers' own


def resemblance(data: bytes) -> str:
    """The end of a sentence: what something that is no picture looks like, or ''."""
    head = data[:1024]
    found = (what for like, what in _RESEMBLES if re.match(like, head, re.IGNORECASE | re.DOTALL))
    return f": it looks like {what}" if (what := next(found, "")) else ""

"""Where containers keep what is not plain EXIF: XMP packets, IPTC blocks, profiles, PNG's texts.

Only found here, not understood.  Every walk is bounded, in steps and in bytes, because any number
in a file may lie; what lies beyond a bound is as good as absent.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKET_BYTES: Final = 1 << 20
"""As much of a packet is looked at; dates and places come early, embedded pictures later."""

_STEPS: Final = 1 << 17  # segments or chunks; PNGs of a gigabyte have that many
_FEW: Final = 4  # packets or texts of one kind; nobody writes more

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_MORE_XMP: Final = b"http://ns.adobe.com/xmp/extension/\0"
_RESOURCES: Final = b"Photoshop 3.0\0"
_GIF_XMP: Final = b"\x21\xff\x0bXMP DataXMP"


@dataclass(slots=True)
class Packets:
    """What was found, in the order in which it should be believed.

    Attributes:
        xmp: packets, each its first ``PACKET_BYTES``.
        iptc: IIM records, bare or in Photoshop's resource blocks.
        exif: TIFF structures that Pillow does not look for.
        created: texts that say when a PNG was made.
    """

    xmp: list[bytes] = field(default_factory=list)
    iptc: list[bytes] = field(default_factory=list)
    exif: list[bytes] = field(default_factory=list)
    created: list[str] = field(default_factory=list)


def find_packets(kind: str, data: bytes, info: Mapping[Any, Any]) -> Packets:
    """The packets that a picture carries besides its EXIF.

    Args:
        kind: the sniffed format.
        data: the whole file.
        info: what Pillow's plugin or libheif found; only they know their way in HEIC and AVIF.
    """
    packets = Packets()
    with suppress(Exception):  # as with EXIF: damaged metadata never costs the picture
        if kind in _WALKS:
            _WALKS[kind](memoryview(data), packets)
        elif xmp := info.get("xmp"):
            packets.xmp.append(xmp.encode() if isinstance(xmp, str) else xmp[:PACKET_BYTES])
    return packets


# --- JPEG ---------------------------------------------------------------------------------------


def _in_jpeg(data: memoryview, packets: Packets) -> None:
    """Look through APP1 (XMP, and its continuation) and APP13 (Photoshop's resources)."""
    more: list[tuple[bytes, int, memoryview]] = []
    resources = bytearray()
    for marker, segment in _segments(data):
        head = bytes(segment[: len(_MORE_XMP)])
        if marker == 0xE1 and head.startswith(_XMP) and len(packets.xmp) < _FEW:  # noqa: PLR2004
            packets.xmp.append(bytes(segment[len(_XMP) :]))
        elif marker == 0xE1 and head == _MORE_XMP:  # noqa: PLR2004
            rest = segment[len(_MORE_XMP) :]
            more.append((bytes(rest[:32]), int.from_bytes(rest[36:40]), rest[40:]))
        elif marker == 0xED and len(resources) < PACKET_BYTES:  # noqa: PLR2004
            own = head.startswith(_RESOURCES)
            resources += segment[len(_RESOURCES) if own else 0 :]
    packets.xmp += _continued(packets.xmp, more)
    if resources:
        packets.iptc.append(bytes(resources))


def _segments(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield (marker, content) up to the pixels."""
    at = 2
    for _ in range(_STEPS):
        if at + 4 > len(data) or data[at] != 0xFF:  # noqa: PLR2004
            return
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # noqa: PLR2004 - one byte of filling
            at += 1
        elif marker in {0xD9, 0xDA} or size < 2:  # noqa: PLR2004 - the end, the pixels
            return
        else:
            yield marker, data[at + 4 : at + 2 + size]
            at += 2 + size


def _continued(
    packets: Sequence[bytes], pieces: Sequence[tuple[bytes, int, memoryview]]
) -> list[bytes]:
    """Return the continuations that the packets name by their digest, each put together."""
    wholes: dict[bytes, bytearray] = {}
    for name, at, piece in sorted(pieces, key=lambda found: found[:2]):
        if name in wholes or (len(wholes) < _FEW and any(name in packet for packet in packets)):
            whole = wholes.setdefault(name, bytearray())
            if at == len(whole) < PACKET_BYTES:  # else a gap, or the same again
                whole += piece
    return [bytes(whole[:PACKET_BYTES]) for whole in wholes.values()]


# --- PNG ----------------------------------------------------------------------------------------


def _in_png(data: memoryview, packets: Packets) -> None:
    """Look through the texts, before the pixels and after them."""
    read = 0
    for name, chunk in _chunks(data, 8, "big", 4):
        if name not in _TEXTS or read == _FEW:
            continue
        key = bytes(chunk[:80]).partition(b"\0")[0]
        wanted = key.decode("latin-1").casefold()
        if wanted in _CREATED or wanted == "xml:com.adobe.xmp" or wanted.startswith(_PROFILE):
            read += 1
            text = chunk[len(key) + 1 :][: 4 * PACKET_BYTES]
            _sort_in(wanted, _text(name, text), packets)


_TEXTS: Final = {b"tEXt", b"zTXt", b"iTXt"}
_CREATED: Final = {"creation time", "creationtime", "creation_time"}
_PROFILE: Final = "raw profile type "


def _text(name: bytes, content: memoryview) -> bytes:
    """Return the text of a chunk, after its key, unpacked; no more than ``PACKET_BYTES`` x 2."""
    if name == b"iTXt":
        packed, body = bytes(content[:1]) == b"\1", bytes(content[2:])
        body = body.split(b"\0", 2)[-1]  # after the language and the translated key
    else:
        packed, body = name == b"zTXt", bytes(content[1 if name == b"zTXt" else 0 :])
    if not packed:
        return body[: 2 * PACKET_BYTES]
    try:
        return zlib.decompressobj().decompress(body, 2 * PACKET_BYTES)
    except zlib.error:
        return b""


def _sort_in(key: str, text: bytes, packets: Packets) -> None:
    if key in _CREATED:
        packets.created.append(text[:PACKET_BYTES].decode("utf-8", "replace"))
    elif key.startswith(_PROFILE):
        profile = _profile(text)
        if key.endswith((" iptc", " 8bim")):
            packets.iptc.append(profile)
        elif profile.startswith(_XMP) or key.endswith(" xmp"):
            packets.xmp.append(profile.removeprefix(_XMP))
        elif key.endswith((" exif", " app1")):
            packets.exif.append(profile)
    else:
        packets.xmp.append(text[:PACKET_BYTES])


def _profile(text: bytes) -> bytes:
    """Return the bytes of a 'raw profile', as ImageMagick writes them: name, length, hex."""
    _, _, rest = text.strip().partition(b"\n")
    length, _, digits = rest.strip().partition(b"\n")
    try:
        return bytes.fromhex(digits.decode("ascii"))[: int(length)]
    except ValueError:
        return b""


# --- WebP, GIF ----------------------------------------------------------------------------------


def _in_webp(data: memoryview, packets: Packets) -> None:
    for name, chunk in _chunks(data, 12, "little", 0):
        if name in {b"XMP ", b"XMP\0"} and len(packets.xmp) < _FEW:
            packets.xmp.append(bytes(chunk[:PACKET_BYTES]))


def _chunks(
    data: memoryview, at: int, order: Any, check: int
) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (name, content): a PNG has the size first and a check after it, a RIFF even sizes."""
    for _ in range(_STEPS):
        if at + 8 > len(data):
            return
        one, two = data[at : at + 4], data[at + 4 : at + 8]
        size, name = (one, two) if order == "big" else (two, one)
        length = int.from_bytes(size, order)
        yield bytes(name), data[at + 8 : at + 8 + length]
        at += 8 + length + (check or length % 2)


def _in_gif(data: memoryview, packets: Packets) -> None:
    found = data.obj.find(_GIF_XMP) if isinstance(data.obj, bytes) else -1
    if found >= 0:
        start = found + len(_GIF_XMP)
        packets.xmp.append(bytes(data[start : start + PACKET_BYTES]))


# --- TIFF, and the camera RAWs that are made like one --------------------------------------------


def _in_tiff(data: memoryview, packets: Packets) -> None:
    """Look through the first directory; Pillow cuts IPTC off, which is often typed as numbers."""
    order: Any = {b"II": "little", b"MM": "big"}.get(bytes(data[:2]))
    if not order:
        return  # a RAW of another make

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    width, counted = (8, 8) if number(2, 2) == _BIG_TIFF else (4, 2)
    first, step = number(width, width), 4 + 2 * width
    for at in range(
        first + counted, first + counted + step * min(number(first, counted), 999), step
    ):
        tag, size = number(at, 2), number(at + 4, width) * _TYPES.get(number(at + 2, 2), 1)
        if tag in _TIFF_TAGS:
            start = at + 4 + width
            start = number(start, width) if size > width else start
            value = bytes(data[start : start + min(size, PACKET_BYTES)])
            found = packets.xmp if tag == _XMP_TAG else packets.iptc
            if len(found) < _FEW:
                found.append(_unturned(value))


def _unturned(value: bytes) -> bytes:
    """Return IPTC's bytes in their order, also where they were written as 32-bit numbers."""
    if value[:1] == b"\x1c" or value[3:4] != b"\x1c":
        return value
    return b"".join(value[at : at + 4][::-1] for at in range(0, len(value), 4))


_BIG_TIFF: Final = 43
_TYPES: Final = {3: 2, 4: 4, 8: 2, 9: 4, 13: 4}  # bytes of a value, where not 1
_XMP_TAG: Final = 700
_TIFF_TAGS: Final = {_XMP_TAG, 33723, 34377}  # IPTC itself, Photoshop's resources around it

_WALKS: Final = {
    "JPEG": _in_jpeg,
    "PNG": _in_png,
    "WEBP": _in_webp,
    "GIF": _in_gif,
    "TIFF": _in_tiff,
    "RAW": _in_tiff,
}

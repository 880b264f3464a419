"""A PNG's bytes without what lies beside its pixels, whatever state that is in."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from isa_cli.errors import ImageError
from isa_cli.images.reasons import truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_MOST_CHUNKS: Final = 1_000_000
"""Encoders write pixels in pieces of 8 KB or more; a file of empty ones would take minutes."""

_TRANSPARENT: Final = {0: 2, 2: 6, 3: 1}
"""What tRNS has at least, in bytes, by the kind of colour; other kinds have none."""

_XMP: Final = b"XML:com.adobe.xmp"
_TEXTS: Final = frozenset({_XMP, b"Raw profile type exif", b"exif"})
"""Keywords of texts that may say which way is up."""

_UNPACKED: Final = 1 << 23  # an edited picture's history is long; Pillow stops at an eighth of it
_ALL_TEXT: Final = 1 << 25  # half of what Pillow allows


def pixels_and_notes(data: bytes) -> bytes:
    """Return a PNG that has the same pixels, EXIF and XMP, and nothing else.

    Colour profiles, densities, comments and later frames are never looked at here, so that no
    damage in them may cost the picture; checksums beside the pixels are made anew.  Of the one
    behind the packed pixels a byte goes, because Pillow would lose the last row if it is wrong:
    zlib never compares it then.

    Raises:
        ImageError: it ends before its pixels begin, or has more chunks than a picture.
    """
    parts: list[bytes] = [_MAGIC]
    pixels: list[memoryview] = []  # never copied but once
    room, whole = _ALL_TEXT, True
    for kind, start, end in _chunks(data):
        if kind == b"IDAT":
            pixels.append(memoryview(data)[start:end])
            whole = end <= len(data)
        elif kind in {b"IHDR", b"PLTE"}:
            parts.append(data[start - 8 : end + 4])  # with their own checksum
        elif room > 0 and (note := _note(kind, data[start:end], data[25:26])):
            room -= len(note)
            parts.append(note if room >= 0 else b"")
    if not pixels:
        raise truncated(data)
    length = max(0, sum(map(len, pixels)) - (1 if whole else 0))
    parts += [length.to_bytes(4), b"IDAT"]
    return b"".join((*parts, *_cut(pixels, length), bytes(4), _chunk(b"IEND", b"")))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the chunks' bodies; the last end may lie behind the file's.

    Where one leads nowhere, the next pixels are looked for.
    """
    at, last, begun = len(_MAGIC), len(_MAGIC), False
    for _ in range(_MOST_CHUNKS):
        kind, end = data[at + 4 : at + 8], at + 8 + int.from_bytes(data[at : at + 4])
        begun = begun or kind == b"IDAT"
        if not begun and (not kind.isalpha() or end + 4 > len(data)):
            found = data.find(b"IDAT", last + 1)
            if found < 0:
                return
            at = last = found - 4
            continue
        if not kind.isalpha() or kind == b"IEND":
            return
        yield kind, at + 8, end
        at, last = end + 4, at + 8
    raise ImageError(f"PNG data that can't be decoded: more than {_MOST_CHUNKS:,} chunks")


def _cut(parts: list[memoryview], length: int) -> Iterator[memoryview]:
    """Yield the first ``length`` bytes of parts, without joining them."""
    for part in parts:
        yield part[: max(0, length)]
        length -= len(part)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def _note(kind: bytes, body: bytes, colour: bytes) -> bytes:
    """Return an ancillary chunk as Pillow can read it; b"" where it says nothing or can't be."""
    if kind == b"tRNS":
        least = _TRANSPARENT.get(colour[0], len(body) + 1)
        return _chunk(kind, body[:256]) if len(body) >= least else b""
    if kind == b"eXIf":
        return _chunk(kind, body)
    keyword, _, rest = body.partition(b"\0")
    if kind not in {b"tEXt", b"zTXt", b"iTXt"} or keyword not in _TEXTS:
        return b""
    if kind == b"zTXt":
        text = _unpacked(rest[1:])
        return _chunk(b"tEXt", keyword + b"\0" + text) if text else b""
    if kind == b"iTXt" and rest[:1] == b"\1":
        *names, packed = rest[2:].split(b"\0", 2)
        text = _unpacked(packed)
        return _chunk(kind, b"\0".join((keyword, b"\0", *names, text))) if text else b""
    return _chunk(kind, body)


def _unpacked(packed: bytes) -> bytes:
    """Return unpacked bytes; b"" if they are damaged, or too many."""
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(packed, _UNPACKED)
    except zlib.error:
        return b""
    return b"" if unpack.unconsumed_tail else text

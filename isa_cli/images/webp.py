"""A WebP's bytes with only the parts that its picture needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_KNOWN: Final = re.compile(rb"VP8[ LX]|ALPH|ANIM|ANMF|EXIF|XMP ")
_SEEN: Final = 1 << 24  # bytes that a damaged part may have before the next is looked for
_MOST: Final = 1 << 12  # parts

_ANIMATED, _XMP, _EXIF, _ALPHA, _PROFILE = 0x02, 0x04, 0x08, 0x10, 0x20
_FLAGS: Final = {b"ANIM": _ANIMATED, b"XMP ": _XMP, b"EXIF": _EXIF}  # of what follows, in VP8X


def mended(data: bytes) -> bytes | None:
    """Return a WebP whose sizes agree with what is there, of an animation the first picture.

    A wrong size at the front, a profile or notes that are damaged or cut, and later pictures that
    are missing cost libwebp the whole file.

    Returns:
        ``None`` where the picture itself is not all there.
    """
    parts: dict[bytes, bytes] = {}
    for kind, body in _parts(data):
        parts.setdefault(kind, body)
    if not parts.keys() & {b"VP8 ", b"VP8L", b"ANMF"}:
        return None
    if header := bytearray(parts.get(b"VP8X", b"")[:10]):
        header[0] &= _ALPHA
        header[0] |= sum(flag for kind, flag in _FLAGS.items() if kind in parts)
        parts[b"VP8X"] = bytes(header)
    else:
        parts = {kind: body for kind, body in parts.items() if kind in {b"VP8 ", b"VP8L"}}
    order = (b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L", b"EXIF", b"XMP ")
    chunks = b"".join(_chunk(kind, parts[kind]) for kind in order if kind in parts)
    return _chunk(b"RIFF", b"WEBP" + chunks)


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and body of the parts that are whole; a size that leads nowhere is passed over."""
    at = 12
    for _ in range(_MOST):
        found = _KNOWN.search(data, at, at + _SEEN)
        if not found:
            return
        if found.start() != at and not _is_part(data, at):
            at = found.start()
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size
        if end <= len(data):
            yield data[at : at + 4], data[at + 8 : end]
            at = end + size % 2
        else:
            at += 8


def _is_part(data: bytes, at: int) -> bool:
    """Return whether a part begins there, of a kind that may not be known, inside the file."""
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    return bool(re.match(rb"[\x20-\x7e]{4}", data[at : at + 4])) and at + 8 + size <= len(data)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)

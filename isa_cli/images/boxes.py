"""The boxes of a HEIF or AVIF: what they say of its primary picture, and its damaged notes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURNS: Final = frozenset({b"irot", b"imir"})

_MOST: Final = 1 << 16  # boxes or entries in one box

_NOTE: Final = re.compile(  # an item's entry, in either version, up to its type
    rb"(infe(?:\x02.{3}.{4}|\x03.{3}.{6}))(?:Exif|mime)", re.DOTALL
)


def turns_itself(data: bytes) -> bool:
    """Return whether the picture has a rotation or mirroring of its own.

    Its format (ISO/IEC 23008-12) then wants EXIF to say the same.
    """
    return any(kind in _TURNS for kind, _ in _properties(data))


def declared_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) as they are declared, before any turn; zeros if they are not."""
    for kind, body in _properties(data):
        if kind == b"ispe":
            return int.from_bytes(body[4:8]), int.from_bytes(body[8:12])
    return 0, 0


def mended(data: bytes) -> bytes | None:
    """Return a HEIF or AVIF without EXIF and XMP, over which libraries give up if it is damaged.

    Returns:
        ``None`` where there is neither.
    """
    bare = _NOTE.sub(rb"\1skip", data)
    return bare if bare != data else None


def _properties(data: bytes) -> list[tuple[bytes, memoryview]]:
    """Return kind and body of the primary picture's properties; none where the boxes are odd."""
    meta = next((body for kind, body in _boxes(memoryview(data)) if kind == b"meta"), None)
    parts = {} if meta is None else dict(_boxes(meta[4:]))  # behind version and flags
    properties = dict(_boxes(parts.get(b"iprp", memoryview(b""))))
    if b"pitm" not in parts or not properties.keys() >= {b"ipco", b"ipma"}:
        return []
    primary = parts[b"pitm"]
    name = int.from_bytes(primary[4 : 8 if any(primary[:1]) else 6])
    known = list(_boxes(properties[b"ipco"]))
    numbers = _associations(properties[b"ipma"]).get(name, [])
    return [known[number - 1] for number in numbers if 0 < number <= len(known)]


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and body of the boxes in a row, as far as there are any."""
    at = 0
    for _ in range(_MOST):
        size, kind = int.from_bytes(data[at : at + 4]), bytes(data[at + 4 : at + 8])
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        if size == 0:  # up to the end
            size = len(data) - at
        if size < head or len(kind) < 4:  # noqa: PLR2004
            return
        yield kind, data[at + head : at + size]
        at += size


def _associations(body: memoryview) -> dict[int, list[int]]:
    """Return the numbers, from 1, of the properties that each item has."""
    wide_names, wide_numbers = any(body[:1]), bool(int.from_bytes(body[3:4]) & 1)
    found: dict[int, list[int]] = {}
    at = 8
    for _ in range(min(int.from_bytes(body[4:8]), _MOST)):
        name = int.from_bytes(body[at : at + (4 if wide_names else 2)])
        at += 4 if wide_names else 2
        count, at = int.from_bytes(body[at : at + 1]), at + 1
        step = 2 if wide_numbers else 1
        fields = [body[n : n + step] for n in range(at, at + count * step, step)]
        at += count * step
        # the highest bit says that the property must not be ignored
        numbers = [int.from_bytes(field) & ((1 << 8 * step - 1) - 1) for field in fields]
        found.setdefault(name, []).extend(numbers)
    return found

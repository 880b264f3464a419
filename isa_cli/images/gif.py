"""A GIF's bytes: whether they come to a picture, and straight to it where something is damaged."""

from __future__ import annotations

from typing import Final

from isa_cli.errors import ImageError

_TABLE: Final = 0x80  # the flag that a table of colours follows
_SEEN: Final = 1 << 16  # bytes that are no block, or those in which a picture's head is looked for
_MOST_BLOCKS: Final = 1 << 18  # of 255 bytes, before the picture
_EXTENSION, _PICTURE = 0x21, 0x2C


def begins(data: bytes) -> bool:
    """Return whether behind a GIF's header and palette a block begins, as it has to."""
    start = _behind_palette(data)
    return data[start : start + 1] in {bytes((_EXTENSION,)), bytes((_PICTURE,))}


def coming_to_a_picture(data: bytes) -> bytes:
    """Return a GIF in which a picture follows, as soon as decoders can wait for.

    They look at every byte, one by one, for the next block.

    Raises:
        ImageError: no picture follows.
    """
    at, junk, blocks = _behind_palette(data), _SEEN, _MOST_BLOCKS
    while at < len(data) and data[at] != _PICTURE and junk and blocks:
        if data[at] != _EXTENSION:
            at, junk = at + 1, junk - 1
            continue
        at += 2  # behind its kind
        while at < len(data) and data[at] and blocks:
            at, blocks = at + 1 + data[at], blocks - 1
        at, blocks = at + 1, blocks - 1
    if at < len(data) and data[at] == _PICTURE:
        return data
    straight = mended(data)
    if straight is None:
        raise ImageError("GIF data that can't be decoded: no picture follows its header")
    return straight


def mended(data: bytes) -> bytes | None:
    """Return a GIF without what lies between palette and picture, where that is damaged.

    Returns:
        ``None`` where no picture's head can be found.
    """
    start = at = _behind_palette(data)
    while (at := data.find(bytes((_PICTURE,)), at, start + _SEEN)) >= 0:
        if _is_head(data, at):
            control = data[at - 8 : at]  # what shows through, if it stands right before
            kept = control if control[:3] == b"\x21\xf9\x04" and control[7:] == b"\0" else b""
            return data[:start] + kept + data[at:]
        at += 1
    return None


def _behind_palette(data: bytes) -> int:
    return 13 + _colours(int.from_bytes(data[10:11]))


def _colours(flags: int) -> int:
    """Return how many bytes a table of colours has, by the byte that tells of it."""
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0


def _is_head(data: bytes, at: int) -> bool:
    """Return whether a picture's head begins there: inside the canvas, with data behind it."""
    head = data[at : at + 10]
    if len(head) < 10:  # noqa: PLR2004
        return False
    left, top, width, height = (int.from_bytes(head[n : n + 2], "little") for n in (1, 3, 5, 7))
    across, down = (int.from_bytes(data[n : n + 2], "little") for n in (6, 8))
    bits = at + 10 + _colours(head[9])
    fits = 0 < width <= across - left and 0 < height <= down - top
    return fits and data[bits : bits + 1] in {bytes((n,)) for n in range(2, 9)}

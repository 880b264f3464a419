"""A GIF's bytes from its palette straight to its first picture."""

from __future__ import annotations

from typing import Final

_TABLE: Final = 0x80  # the flag that a table of colours follows
_SEEN: Final = 1 << 16  # bytes in which the first picture's head is looked for


def begins(data: bytes) -> bool:
    """Return whether behind a GIF's header and palette a block begins, as it has to."""
    start = 13 + _colours(data[10]) if len(data) > 13 else 0  # noqa: PLR2004
    return data[start : start + 1] in {b"\x21", b"\x2c"}


def mended(data: bytes) -> bytes | None:
    """Return a GIF without what lies between palette and picture, where that is damaged.

    Returns:
        ``None`` where no picture's head can be found.
    """
    start = 13 + _colours(data[10])
    at = start
    while 0 <= (at := data.find(b"\x2c", at)) < start + _SEEN:
        if _is_head(data, at):
            control = data[at - 8 : at]  # what shows through, if it stands right before
            kept = control if control[:3] == b"\x21\xf9\x04" and control[7:] == b"\0" else b""
            return data[:start] + kept + data[at:]
        at += 1
    return None


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

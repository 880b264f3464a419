"""Names and numbers in words for people.

File names need not be text and may hold anything; what is shown of them must not move a terminal's
cursor.  Formats for programs carry names unchanged.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 5
"""So many things are named in a message; of the others, how many there are."""


def printable(name: str | bytes) -> str:
    r"""Return a file name that is safe to show: what a terminal might obey becomes ``\x1b``."""
    text = os.fsdecode(name)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is no text, as os.fsdecode carries it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def shortest(path: bytes) -> str:
    """Return a path for people: relative where it lies below the working directory."""
    try:
        here = os.fsencode(Path.cwd()).rstrip(b"/")
    except FileNotFoundError:  # deleted meanwhile
        return printable(path)
    return printable(path[len(here) + 1 :] if path.startswith(here + b"/") else path)


def size(count: float) -> str:
    """Return a number of bytes for people: ``3.4 MB``."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(count: int, one: str, many: str = "") -> str:
    """Return ``1 photo``, ``1,234 photos``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def enumerated(things: Sequence[object], separator: str = ", ") -> str:
    """Return the first few of the things, and how many more there are.

    Examples:
        >>> enumerated(range(8))
        '0, 1, 2, 3, 4 and 3 more'
    """
    told = separator.join(map(str, things[:NAMED]))
    return f"{told} and {len(things) - NAMED:,} more" if len(things) > NAMED else told

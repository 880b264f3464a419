"""A text file's lines, one after the other: what is held in memory is one, however it goes on."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from isa_cli.regular import opened
from isa_cli.triplets.sheets import encoding_of, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_IN_A_LINE = 1_000_000
"""Bytes (ours): two paths and some words have some hundreds."""

_ENDS = re.compile(rb"\r\n|\r|\n")
_HEAD = 4_096
_CHUNK = 1 << 16


def lines_of(file: Path) -> Iterator[tuple[int, bytes | None]]:
    r"""Yield the lines that are not blank, in UTF-8, with their numbers; ``None``: one without end.

    Lines may end in ``\n``, ``\r\n`` or ``\r``.  A file in UTF-16, as a Windows shell writes what
    is sent to one, is read too.

    Raises:
        OSError: the file can't be read.
        NotText: it begins as UTF-16 does, and is none.
    """
    with opened(file) as stream:
        head = stream.read(_HEAD)
        if not encoding_of(head).startswith("utf-8"):
            lines: Iterator[bytes | None] = iter(_ENDS.split(read_text(file).encode()))
        else:
            stream.seek(len(head) - len(head.removeprefix(b"\xef\xbb\xbf")))
            lines = _split(stream)
        for number, line in enumerate(lines, 1):
            stripped = line and line.strip()
            if stripped or line is None:
                yield number, stripped


def _split(stream: IO[bytes]) -> Iterator[bytes | None]:
    """Yield lines; ``None`` in the place of those that are too long."""
    rest, too_long = b"", False
    while chunk := stream.read(_CHUNK):
        data = rest + chunk
        half = b"\r" if data.endswith(b"\r") else b""  # perhaps of an end whose other half follows
        *whole, rest = _ENDS.split(data.removesuffix(half))
        for line in whole:
            yield None if too_long or len(line) > MOST_IN_A_LINE else line
            too_long = False
        if len(rest) > MOST_IN_A_LINE:
            rest, too_long = b"", True
        rest += half
    yield None if too_long else rest

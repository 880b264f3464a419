"""Text files and tables as people's programs write them: in which encoding, with which separators.

Excel writes semicolons where the comma is a decimal point, tabs and UTF-16 as "Unicode text", a
first line ``sep=;``, a mark before UTF-8, empty columns behind and empty lines below; an old Mac
ends lines in its own way.  All of that is read.  What is in an encoding that can't be told, as
Windows-1252, is refused with the line and the reason: guessed words would be other words.
"""

from __future__ import annotations

import codecs
import csv
import re
from io import StringIO
from typing import TYPE_CHECKING

from isa_cli.regular import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    Row: TypeAlias = tuple[int, list[str]]
    """The line on which a row ends, from 1, and its cells without blanks around them."""

SEPARATORS = ",\t|;"

MOST_BYTES = 1 << 30
"""A table of more is none (ours): it is held in memory."""

_MARKS = (  # those of four bytes first: they begin as the others do
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINE_ENDS = re.compile(r"\r\n?|\n")
_HEAD = 4_096
"""Bytes by which UTF-16 without a mark is told."""

_SEP = re.compile(r'"?sep=([^\w\s"]|\t)"?[ ,;\t]*(\r\n?|\n|$)', re.IGNORECASE)
"""Excel's first line."""

_NO_TEXT = {b"PK\3\4": "an Excel workbook, or an archive", b"\xd0\xcf\x11\xe0": "an Excel workbook"}
"""What is saved under a table's name."""


class NotText(ValueError):
    """Why a file is no text, or no table, as a part of a sentence; names the line."""


def read_text(path: Path) -> str:
    """Return a text file's text, its line ends as they are.

    Raises:
        OSError: it can't be read, is no regular file, or is too large.
        NotText: it is in another encoding than UTF-8, UTF-16 or UTF-32, or no text.
    """
    return decoded(read_bytes(path, at_most=MOST_BYTES))


def encoding_of(head: bytes) -> str:
    """Return the encoding that the first bytes of a text tell; UTF-8 where they tell none."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    evens, odds = head[:_HEAD:2].count(0), head[1:_HEAD:2].count(0)
    half = len(head[:_HEAD]) // 2
    if odds > half // 3 and not evens:  # Latin letters: every other byte is zero
        return "utf-16-le"
    return "utf-16-be" if evens > half // 3 and not odds else "utf-8"


def decoded(data: bytes) -> str:
    """Return the text in a file's bytes.

    Raises:
        NotText: it is in another encoding than UTF-8, UTF-16 or UTF-32, or no text.
    """
    if what := next((what for head, what in _NO_TEXT.items() if data.startswith(head)), ""):
        raise NotText(f"it is {what}: save it as CSV, in UTF-8")
    encoding = encoding_of(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotText(_undecodable(data, encoding, error)) from error
    if not text and not encoding.startswith("utf-8"):
        raise NotText(f"it begins as {encoding[:6].upper()} does, and says nothing")
    if (at := text.find("\0")) >= 0:
        raise NotText(f"line {_line(text[:at])} holds a zero byte, which no text has")
    return text


def rows_of(
    text: str, is_known: Callable[[Sequence[str]], bool], *, lenient: bool = False
) -> list[Row]:
    """Return the rows of a table that say something, the columns' names first.

    Args:
        text: of the file.
        is_known: whether these cells may be the columns' names; decides between separators.
        lenient: take quotes that stand anywhere for letters, as some data sets have them.

    Raises:
        NotText: a quote is never closed or stands where none may, or a cell is without end.
    """
    first, separator = 0, ""
    if (told := _SEP.match(text)) is not None:
        first, separator = len(_LINE_ENDS.findall(told[0])), told[1]
        text = text[told.end() :]
    separator = separator or _separator(text, is_known)
    try:
        return _rows(text, separator, first, strict=True)
    except NotText as error:
        if not lenient or UNCLOSED in str(error):
            raise
    return _rows(text, separator, first, strict=False)


def _rows(text: str, separator: str, first: int, *, strict: bool) -> list[Row]:
    reader = csv.reader(
        StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=strict
    )
    rows = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((first + reader.line_num, stripped))
    except csv.Error as error:
        raise NotText(f"line {first + reader.line_num}: {_said(error)}") from error
    return rows


def _separator(text: str, is_known: Callable[[Sequence[str]], bool]) -> str:
    """Return the separator of the cells in the first line that is not blank."""
    heading = next((line for line in _LINE_ENDS.split(text[:_HEAD]) if line.strip()), "")
    by_count = sorted(SEPARATORS, key=heading.count, reverse=True)
    for separator in by_count:
        cells = next(csv.reader([heading], delimiter=separator, skipinitialspace=True), [])
        if is_known([cell.strip() for cell in cells]):
            return separator
    return by_count[0]


UNCLOSED = 'a quote " is opened and never closed'


def _said(error: csv.Error) -> str:
    """Return the reason in words that help; csv's own where there are no better."""
    said = str(error)
    if "unexpected end of data" in said:
        return UNCLOSED
    if "field limit" in said:
        return f"a cell has more than {csv.field_size_limit():,} characters"
    return said


def _undecodable(data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    """Return the line that is in another encoding, and in which it may be."""
    if encoding.startswith("utf-8"):
        line = _line(data[: error.start].decode("utf-8", "replace"))
        before = re.split(rb"[\r\n]", data[max(0, error.start - 30) : error.start])[-1]
        after = re.split(rb"[\r\n]", data[error.start : error.start + 30])[0]
        guess = (before + after).decode("cp1252", "replace").strip()
        return (
            f"line {line} is no text in UTF-8; if it is one in Windows-1252, it says {guess!r}: "
            "save the file as UTF-8"
        )
    return f"it begins as {encoding[:6].upper()} does, and is none: save it as UTF-8"


def _line(before: str) -> int:
    return len(_LINE_ENDS.findall(before)) + 1

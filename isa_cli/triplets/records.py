"""The file of triplets: JSON Lines, one question and its answer on each.

::

    {"reference": "00000.jpg", "modifier": "the same in blue", "target": "00001.jpg"}

Relative paths start at the file's own folder, so a folder with its pictures can move.  Fields
besides these are passed over.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_cli.atomic import replacing
from isa_cli.errors import UsageError, next_step
from isa_cli.paths import Spelling
from isa_cli.triplets.annotations import Unusable
from isa_cli.triplets.lines import MOST_IN_A_LINE, lines_of
from isa_cli.triplets.sheets import NotText
from isa_cli.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = ("reference", "modifier", "target")

SHOWN = 200
"""Characters of a name in a message."""

FORMAT = 'each line is {"reference": PATH, "modifier": WORDS, "target": PATH}'


@dataclass(frozen=True, slots=True)
class Triplet:
    """A question and its answer.

    Attributes:
        line: where it stands in its file, from 1.
        reference: the picture that is started from, absolute.
        modifier: the words that change it, without blanks around them.
        target: the picture that is right, absolute.
    """

    line: int
    reference: Path
    modifier: str
    target: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of no use, from 1, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        """Return both, as messages show them."""
        return f"line {self.line}: {self.reason}"


def read_triplets(file: Path) -> list[Triplet]:
    """Return a file's triplets, every picture of which is there.

    Raises:
        UsageError: it can't be read or holds none, or lines can't be used; names the first.
    """
    triplets, problems = examine(file)
    if problems:
        raise UsageError(
            f"{len(problems):,} of the {len(triplets) + len(problems):,} triplets in {file} "
            f"can't be used: {enumerated(problems, '; ')}",
            f"isa triplets check {file} lists them all; {FORMAT}",
        )
    return triplets


def examine(file: Path) -> tuple[list[Triplet], list[Problem]]:
    """Return a file's triplets and what is wrong with its other lines, both in its order.

    Raises:
        UsageError: it can't be read, or holds nothing.
    """
    reading = _Reading(Path(os.path.abspath(file.parent)))  # noqa: PTH100 - links stay links
    triplets, problems = [], []
    try:
        for line, text in lines_of(file):
            try:
                triplets.append(reading.triplet(line, text))
            except Unusable as error:
                problems.append(Problem(line, str(error)))
    except (OSError, NotText) as error:
        why = (error.strerror or error) if isinstance(error, OSError) else error
        raise UsageError(f"{file} can't be read: {why}", "isa triplets make writes one") from error
    if not triplets and not problems:
        raise UsageError(f"{file} holds no triplet", FORMAT)
    return triplets, problems


def write_triplets(file: Path, triplets: Iterable[Triplet]) -> int:
    """Write triplets whole or not at all, and return how many; pictures are not looked at.

    Paths are relative where they lie below the file's folder, and absolute elsewhere.

    Args:
        file: replaced if it is there; its folder is made.
        triplets: in the order of the lines; their ``line`` does not matter.

    Raises:
        UsageError: it can't be written.
    """
    home = Path(os.path.abspath(file.parent))  # noqa: PTH100
    count = 0
    try:
        home.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part, part.open("w", encoding="utf-8", newline="\n") as stream:
            for triplet in triplets:
                stream.write(_line(triplet, home))
                count += 1
    except OSError as error:
        raise UsageError(
            f"can't write {file}: {error.strerror or error}",
            next_step(error, "choose another place with --out"),
        ) from error
    return count


def _line(triplet: Triplet, home: Path) -> str:
    record = {
        "reference": _from(home, triplet.reference),
        "modifier": triplet.modifier,
        "target": _from(home, triplet.target),
    }
    # ASCII: a name that is no text travels as an escaped surrogate
    return f"{json.dumps(record)}\n"


def _from(home: Path, path: Path) -> str:
    path = Path(os.path.abspath(path))  # noqa: PTH100
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


class _Reading:
    """What is known while a file is read: which pictures are there, and what was asked before.

    Args:
        home: the file's folder, absolute.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._spelling = Spelling()
        self._there: dict[Path, Path | None] = {}
        self._seen: dict[tuple[Path, str, Path], int] = {}

    def triplet(self, line: int, text: bytes | None) -> Triplet:
        """Return a line's triplet.

        Raises:
            Unusable: the line is of no use.
        """
        record = _fields(text)
        words = " ".join(record["modifier"].split())
        reference, target = self._picture(record, "reference"), self._picture(record, "target")
        if reference == target:
            raise Unusable("reference and target are the same picture")
        first = self._seen.setdefault((reference, words.casefold(), target), line)
        if first != line:
            raise Unusable(f"the same as line {first}")
        return Triplet(line, reference, words, target)

    def _picture(self, record: dict[str, str], name: str) -> Path:
        path = Path(os.path.abspath(self._home / record[name]))  # noqa: PTH100
        if path not in self._there:
            self._there[path] = self._spelling.file(path)
        there = self._there[path]
        if there is None:
            raise Unusable(f"there is no {name} {record[name][:SHOWN]}")
        return there


def _fields(text: bytes | None) -> dict[str, str]:
    """Return the fields of a line, all of them there and none empty.

    Args:
        text: of the line; ``None``: it had no end.

    Raises:
        Unusable: they are not.
    """
    record = _object(text)
    for name in FIELDS:
        if name not in record:
            raise Unusable(f"no {name}")
        if not isinstance(record[name], str):
            raise Unusable(f"the {name} is no text")
        if not record[name].strip():
            raise Unusable(f"the {name} is empty")
    if any("\ud800" <= char <= "\udfff" for char in record["modifier"]):  # half of a letter
        raise Unusable("the modifier is no text")
    return {name: record[name] for name in FIELDS}


def _object(text: bytes | None) -> dict[str, Any]:
    """Return the object that a line holds.

    Raises:
        Unusable: it holds none.
    """
    if text is None:
        raise Unusable(f"longer than {MOST_IN_A_LINE:,} bytes")
    try:
        record = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unusable("no text in UTF-8") from None
    except (ValueError, RecursionError):
        raise Unusable("no JSON") from None
    if not isinstance(record, dict):
        raise Unusable("no JSON object")
    return record

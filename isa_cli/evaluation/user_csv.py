"""A user's benchmark: a CSV file of questions about the user's photos.

::

    reference,modifier,targets
    2024/red.jpg,the same in blue,2024/blue.jpg;2023/navy.jpg

Paths start at the photos' folder, at the CSV file's folder, or at the root.  A reference need not
be among the photos; an answer does.  A file of triplets, as ``isa triplets make`` writes them, asks
the same questions.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH118

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import UsageError
from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.metrics import average_precision_at, recall_at
from isa_cli.paths import Spelling, composed
from isa_cli.triplets import read_triplets
from isa_cli.triplets.sheets import NotText, read_text, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from isa_cli.evaluation.user_photos import UserPhotos
    from isa_cli.triplets import Triplet
    from isa_cli.triplets.sheets import Row

COLUMNS = "reference, modifier and target (or targets: several, separated by ;)"

METRICS = {
    "R@1": at(recall_at, 1),
    "R@5": at(recall_at, 5),
    "R@10": at(recall_at, 10),
    "mAP@10": at(average_precision_at, 10),
}

SHOWN = 200
"""Characters of a name in a message."""

DEPTH = 50
"""Answers that are ranked; more than the metrics look at, for the page of failures."""


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """One question as it was written.

    Attributes:
        line: in the file, from 1.
        reference, modifier: what is asked.
        targets: the right answers, at least one.
    """

    line: int
    reference: str
    modifier: str
    targets: tuple[str, ...]


def read_questions(file: Path) -> list[WrittenQuestion]:
    """Return the questions of a CSV file, or of one of triplets (``.jsonl``).

    Raises:
        UsageError: it can't be read, lacks a column or holds no question, or one is incomplete.
    """
    if file.suffix == ".jsonl":
        return _of_triplets(read_triplets(file))
    try:
        rows = rows_of(read_text(file), lambda heading: not _missing(heading))
    except (OSError, NotText) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"{file} can't be read as CSV: {why}", f"it needs the columns {COLUMNS}"
        ) from error
    return _questions(file, rows)


def user_benchmark(file: Path, photos: UserPhotos) -> Benchmark:
    """Return a CSV file's questions over photos; the reference is removed, as ``isa search`` does.

    The benchmark's first images are the photos, in their order; references that are none of them
    follow, and are nobody's answer.

    Args:
        file: of the questions.
        photos: what is searched.

    Raises:
        UsageError: it can't be read, or a question names what isn't there.
    """
    questions = read_questions(file)
    places = _Places(file, photos)
    asked = [(each, places.reference(each), places.targets(each)) for each in questions]
    gallery = np.arange(len(photos.files)) if places.others else None
    return Benchmark(
        name=file.name,
        split="all",
        images=[*photos.images, *(Path(os.fsdecode(path)) for path in places.others)],
        cases=[_case(file, *each, gallery) for each in asked],
        metrics=METRICS,
        depth=DEPTH,
        keep_reference=False,
        protocol={"gallery": len(photos.files), "photos": photos.name},
    )


def _of_triplets(found: Sequence[Triplet]) -> list[WrittenQuestion]:
    """Return each question once, with all the targets that the triplets give it."""
    questions: dict[tuple[str, str], WrittenQuestion] = {}
    for one in found:
        asked = (str(one.reference), one.modifier)
        known = questions.get(asked, WrittenQuestion(one.line, *asked, ()))
        questions[asked] = replace(known, targets=(*known.targets, str(one.target)))
    return list(questions.values())


class _Places:
    """Finds the photos that questions name."""

    def __init__(self, file: Path, photos: UserPhotos) -> None:
        self._file = file
        self._positions = photos.positions
        self._starts = (*photos.roots, os.path.abspath(os.fsencode(file.parent)))
        self._count = len(photos.files)
        self._spelling = Spelling()
        self.others: dict[bytes, int] = {}

    def reference(self, question: WrittenQuestion) -> int:
        """Return the reference's position; a file that is no photo here gets one of its own."""
        known = self._known(question.reference)
        if known is not None:
            return known
        for path in self._paths(question.reference):
            there = self._spelling.file(Path(os.fsdecode(path)))
            if there is not None:
                return self.others.setdefault(os.fsencode(there), self._count + len(self.others))
        raise UsageError(
            f"{self._file}, line {question.line}: there is no picture {_shown(question.reference)}",
            "paths start at the gallery's folder or at the CSV file's",
        )

    def targets(self, question: WrittenQuestion) -> tuple[int, ...]:
        """Return the positions of the right answers, each once."""
        found: dict[int, None] = {}
        for name in question.targets:
            known = self._known(name)
            if known is None:
                raise UsageError(
                    f"{self._file}, line {question.line}: the target {_shown(name)} is not in "
                    "the gallery",
                    "a right answer has to be among the pictures that are searched",
                )
            found[known] = None
        return tuple(found)

    def _known(self, name: str) -> int | None:
        paths = list(self._paths(name))
        found = [self._positions.get(path) for path in paths]
        if not name.isascii():
            found += [self._composed.get(composed(os.fsdecode(path))) for path in paths]
        return next((position for position in found if position is not None), None)

    @cached_property
    def _composed(self) -> dict[str, int]:
        """The positions by composed names: accents may be written in two ways."""
        return {composed(os.fsdecode(path)): at for path, at in self._positions.items()}

    def _paths(self, name: str) -> Iterator[bytes]:
        """Yield what a path may mean, the likeliest first."""
        path = os.path.expanduser(os.fsencode(name))  # noqa: PTH111
        for start in self._starts:
            yield os.path.abspath(os.path.join(start, path))


def _case(
    file: Path,
    question: WrittenQuestion,
    reference: int,
    targets: tuple[int, ...],
    gallery: NDArray[np.int64] | None,
) -> Case:
    if reference in targets:
        raise UsageError(
            f"{file}, line {question.line}: {question.reference!r} is both reference and target",
            "the reference is removed from its own answers",
        )
    return Case(f"line {question.line}", reference, question.modifier, targets, gallery=gallery)


# --- the file ------------------------------------------------------------------------------------


def _questions(file: Path, rows: Sequence[Row]) -> list[WrittenQuestion]:
    heading = rows[0][1] if rows else []
    if missing := _missing(heading):
        raise UsageError(
            f"{file} has no column {missing[0]!r} in its first line",
            f"it needs the columns {COLUMNS}",
        )
    columns = _columns(heading)
    questions = [_question(file, line, cells, columns) for line, cells in rows[1:]]
    if not questions:
        raise UsageError(f"{file} holds no question", "write one below the columns' names")
    return questions


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """Return where the columns are, by name; the number of them all is ``''``'s."""
    there = {name.lower(): at for at, name in enumerate(heading)}
    if "targets" in there:
        there["target"] = there["targets"]
    return there | {"": len(heading)}


def _missing(heading: Sequence[str]) -> list[str]:
    columns = _columns(heading)
    return [name for name in ("reference", "modifier", "target") if name not in columns]


def _question(
    file: Path, line: int, cells: list[str], columns: Mapping[str, int]
) -> WrittenQuestion:
    if any(cells[columns[""] :]):  # else a comma in the words would move what follows
        raise UsageError(
            f"{file}, line {line} has more cells than the first line has columns",
            'write what holds a separator in quotes: "red, and darker", "a.jpg;b.jpg"',
        )

    def cell(name: str) -> str:
        place = columns[name]
        value = cells[place] if place < len(cells) else ""
        if not value.strip("; "):
            raise UsageError(
                f"{file}, line {line} has no {name}",
                "each question needs a reference, a modifier and a target",
            )
        return value

    names = (name.strip() for name in cell("target").split(";"))
    targets = tuple(name for name in names if name)
    return WrittenQuestion(line, cell("reference"), cell("modifier"), targets)


def _shown(name: str) -> str:
    """A name out of the file, short enough for a message."""
    return repr(name if len(name) <= SHOWN else f"{name[:SHOWN]}…")

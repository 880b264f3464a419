"""Somebody's answers in a file, scored without a model: the formats that the servers take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from isa_cli import __version__
from isa_cli.errors import UsageError
from isa_cli.evaluation.benchmark import Ranking
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import MethodResult
from isa_cli.evaluation.submission import RECALL, RECALL_SUBSET, check
from isa_cli.regular import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Benchmark, Metric

    Lists: TypeAlias = Mapping[str, list[str]]  # names, best first, by the case's id

METHOD = "predictions"
UNLISTED = "unlisted"
"""What the report says of a gallery that nobody has listed."""

_SHAPE = "it maps each question to its answers, best first: {id: [name, ...], ...}"


def measure_predictions(
    benchmark: Benchmark, files: Sequence[Path], *, known: bool = True
) -> dict[str, Any]:
    """Return the document of ``report.document`` for answers that somebody else made.

    Args:
        benchmark: with known answers; its ``images`` need not exist.
        files: one with the answers, and for CIRR perhaps another with those within the subset.
        known: whether the benchmark names the whole gallery; otherwise any other name is a
            picture too, and a wrong answer: an annotation file names all of CIRR's, not of CIRCO's.

    Raises:
        UsageError: a file can't be read, or two are of a kind.
        IsaError: the answers break the rules, see ``submission.check``.
    """
    about = {} if known else {"gallery": UNLISTED}
    return document(benchmark, [score(benchmark, files, known=known)], about | {"isa": __version__})


def score(benchmark: Benchmark, files: Sequence[Path], *, known: bool = True) -> MethodResult:
    """Judge the answers by the metrics; what a short list does not name is not found.

    A metric that looks at answers which no file gives (CIRR's within the subset) is left out.

    Args:
        benchmark: as for ``measure_predictions``.
        files: as for ``measure_predictions``.
        known: as for ``measure_predictions``.

    Raises:
        UsageError: a file can't be read, or two are of a kind.
        IsaError: the answers break the rules, see ``submission.check``.
    """
    given = _read_all(files, benchmark)
    for metric, (path, lists) in given.items():
        check(lists, benchmark, str(path), subset=metric == RECALL_SUBSET, known=known)
    at = {name: position for position, name in enumerate(benchmark.names)}

    def ranked(metric: str, case: str) -> tuple[int, ...]:
        names = given[metric][1][case] if metric in given else ()
        # whatever has no position is another wrong answer: one behind the last
        return tuple(at.setdefault(name, len(at)) for name in names)

    rankings = [
        Ranking(ranked(RECALL, case.id), ranked(RECALL_SUBSET, case.id)) for case in benchmark.cases
    ]
    values = {
        name: np.array(list(map(metric, rankings, benchmark.cases)), np.float64)
        for name, metric in benchmark.metrics.items()
        if _looked_at(metric, benchmark) <= given.keys()
    }
    return MethodResult(METHOD, values, rankings)


class _Watched:
    """A ranking without answers that notes what a metric looked at."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    @property
    def top(self) -> tuple[int, ...]:
        self.seen.add(RECALL)
        return ()

    @property
    def subset(self) -> tuple[int, ...]:
        self.seen.add(RECALL_SUBSET)
        return ()


def _looked_at(metric: Metric, benchmark: Benchmark) -> set[str]:
    """Return which answers a metric judges: the ranking's, the subset's, or both."""
    watched = _Watched()
    metric(cast("Ranking", watched), benchmark.cases[0])
    return watched.seen


def _read_all(files: Sequence[Path], benchmark: Benchmark) -> dict[str, tuple[Path, Lists]]:
    """Return each file's path and answers, by CIRR's name of what it answers."""
    numbers = {each.lstrip("0"): each for each in benchmark.names if each.isdecimal()}

    def name(answer: object) -> str:
        """Return the benchmark's name; COCO ids are numbers, its files have zeros before them."""
        text = str(answer)
        digits = text.lstrip("0")
        return numbers.get(digits, digits) if text.isdecimal() else text

    given: dict[str, tuple[Path, Lists]] = {}
    for path in files:
        content = _read(path)
        content.pop("version", None)
        metric = content.pop("metric", RECALL)
        if metric not in (RECALL, RECALL_SUBSET) or metric in given:
            shown = metric if isinstance(metric, str) else type(metric).__name__
            raise UsageError(
                f"{path} is of the metric {shown[:200]!r}",
                f"give one file of {RECALL}, and if you like one of {RECALL_SUBSET}",
            )
        if not all(map(_is_list, content.values())):
            raise UsageError(f"{path} holds no predictions", _SHAPE)
        given[metric] = path, {case: list(map(name, each)) for case, each in content.items()}
    return given


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path))
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}", _SHAPE) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON", _SHAPE) from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no predictions", _SHAPE)
    return content


def _is_list(answers: object) -> bool:
    """Return whether these are names or numbers."""
    return isinstance(answers, list) and all(type(each) in (int, str) for each in answers)

"""Whether one result is better than another, or only luckier: the paired bootstrap."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli.errors import UsageError
from isa_cli.evaluation.interval import middle, resampled_means
from isa_cli.regular import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RESAMPLES = 10_000
"""The smallest p is 0.0002."""

RUN_AGAIN = "run isa eval again with --json"


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the second is than the first, in fractions.

    Attributes:
        first, second: their means.
        difference: second minus first.
        interval: the 95 % interval of the difference.
        p: two-sided: how often a difference at least this far from none would come by chance.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float


def paired(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    strata: Sequence[NDArray[np.intp]] = (),
) -> Difference:
    """Return the difference of two results over the same cases.

    Cases are resampled, each with both its values: that a case is hard for both does not blur
    the difference.  p is twice the share of resampled differences on the far side of none, or on
    it, counting the observed one among them; it agrees with the interval.

    Args:
        first: (Q,) one number per case.
        second: the same cases' other numbers, in the same order.
        strata: positions of groups whose means are averaged; none: one mean over all cases.

    Raises:
        ValueError: the lists are not equally long, or empty.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values are no pairs")
    rows = strata or [np.arange(len(first))]
    means = resampled_means(*((second - first)[each] for each in rows), count=RESAMPLES)
    beyond = min((means <= 0).sum(), (means >= 0).sum())
    before, after = (float(np.mean([of[each].mean() for each in rows])) for of in (first, second))
    p = min(1.0, 2 * (int(beyond) + 1) / (RESAMPLES + 1))
    return Difference(before, after, after - before, middle(means), p)


def compare(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    methods: tuple[str, str] | None = None,
) -> dict[tuple[str, str], dict[str, Difference]]:
    """Return the differences of two reports: by pair of methods, then by metric.

    Args:
        first: a document of ``report.document``.
        second: another, over the same cases.
        methods: one of each; ``None``: those that both have, or the only one of each.

    Raises:
        UsageError: the reports are of different questions, or the methods can't be paired.
    """
    rows = _aligned(first, second)
    mine, theirs = _by_name(first), _by_name(second)
    strata = [np.array(each, np.intp) for each in first["macro"].values()]
    found = {}
    for pair in [methods] if methods else _pairs(mine, theirs):
        ours, others = _values(mine, pair[0]), _values(theirs, pair[1])
        shared = [metric for metric in ours if metric in others]
        if not shared:
            raise UsageError(f"{pair[0]} and {pair[1]} have no metric in common", RUN_AGAIN)
        found[pair] = {
            metric: paired(ours[metric], others[metric][rows], strata) for metric in shared
        }
    return found


def read(path: Path) -> dict[str, Any]:
    """Return a report that ``isa eval --json`` wrote.

    Raises:
        UsageError: it can't be read, or is something else.
    """
    try:
        found = json.loads(read_bytes(path))
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}", RUN_AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON", RUN_AGAIN) from error
    if not _is_report(found):
        raise UsageError(f"{path} is no report with a value for each case", RUN_AGAIN)
    report: dict[str, Any] = found
    return report


def _is_report(found: Any) -> bool:
    """Whether something is a document of ``report.document``, as far as it is looked at here."""
    keys = {"benchmark", "split", "results", "cases", "macro"}
    if not isinstance(found, dict) or not keys <= found.keys():
        return False
    cases, results, macro = (found[key] for key in ("cases", "results", "macro"))
    if not all(isinstance(found[key], str) for key in ("benchmark", "split")):
        return False
    if not _are(cases, str) or len(set(cases)) < len(cases) or not cases:
        return False
    return (
        _are(results, dict)
        and all(_is_result(each, len(cases)) for each in results)
        and isinstance(macro, dict)
        and all(_are(rows, int) and _are_positions(rows, len(cases)) for rows in macro.values())
    )


def _is_result(result: dict[str, Any], count: int) -> bool:
    """Whether a report's result has a method, and a finite number of each metric for each case."""
    values = result.get("values")
    return (
        isinstance(result.get("method"), str)
        and isinstance(values, dict)
        and all(
            _are(each, int, float) and len(each) == count and all(map(math.isfinite, each))
            for each in values.values()
        )
    )


def _are(values: Any, *kinds: type) -> bool:
    return isinstance(values, list) and all(type(each) in kinds for each in values)


def _are_positions(rows: list[int], count: int) -> bool:
    return bool(rows) and all(0 <= row < count for row in rows)


def _aligned(first: Mapping[str, Any], second: Mapping[str, Any]) -> NDArray[np.intp]:
    """Return where the second report has the first's cases."""
    names = [f"{report['benchmark']} {report['split']}" for report in (first, second)]
    if names[0] != names[1]:
        raise UsageError(f"one report is of {names[0]}, the other of {names[1]}")
    at = {case: row for row, case in enumerate(second["cases"])}
    if at.keys() != set(first["cases"]) or first["macro"].keys() != second["macro"].keys():
        missing = len(at.keys() ^ set(first["cases"]))
        raise UsageError(
            f"the two reports of {names[0]} differ in {missing:,} questions",
            "compare runs over the same questions: same files, same seed, same count",
        )
    return np.array([at[case] for case in first["cases"]], np.intp)


def _by_name(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {result["method"]: result for result in report["results"]}


def _values(results: Mapping[str, Any], method: str) -> dict[str, NDArray[np.float64]]:
    if method not in results:
        raise UsageError(f"no method {method!r} in the report", f"it has {', '.join(results)}")
    values = results[method]["values"]
    return {metric: np.array(each, np.float64) for metric, each in values.items()}


def _pairs(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return which methods to compare: those with one name, or the only one of each."""
    shared = [(name, name) for name in first if name in second]
    if shared:
        return shared
    if len(first) == len(second) == 1:
        return list(zip(first, second, strict=True))
    raise UsageError(
        f"the reports share no method: {', '.join(first)}; {', '.join(second)}",
        "say which two to compare",
    )

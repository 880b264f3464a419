"""The document that every ``isa eval ... --json`` prints: fractions, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli.evaluation.interval import interval
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.runner import MethodResult


DIGITS = 6
"""Of the values that the document keeps case by case."""


def document(
    benchmark: Benchmark, results: Sequence[MethodResult], protocol: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the report as plain values that JSON can hold.

    ::

        {benchmark, split, protocol: {gallery, cases, reference, ...},
         results: [{method, metrics: {"R@1": 0.31}, intervals: {"R@1": [0.29, 0.33]},
                    groups: {name: {cases: 400, metrics, intervals}},
                    values: {"R@1": [0, 1, ...]}}],
         cases: ["a", "b", ...], macro: {name: [0, 1, ...]}}

    ``values`` and ``cases`` are parallel and ``macro`` has positions in them: two documents hold
    all that ``significance`` needs.  Where a benchmark says ``macro``, its own numbers are the
    means of those groups' means.

    Args:
        benchmark: what was run.
        results: one per composer.
        protocol: what was run with; follows the benchmark's own facts.

    Raises:
        ValueError: a group of ``macro`` has no case.
    """
    counted: dict[str, Any] = {
        "gallery": len(benchmark.images),
        "cases": len(benchmark.cases),
        "reference": _reference(benchmark),
    }
    if benchmark.macro:
        counted["mean of"] = ", ".join(benchmark.macro)
    groups = {name: _members(benchmark, name) for name in benchmark.groups}
    macro = {name: _members(benchmark, name) for name in benchmark.macro}
    return {
        "benchmark": benchmark.name,
        "split": benchmark.split,
        "protocol": counted | dict(benchmark.protocol) | dict(protocol),
        "results": [_result(result, groups, macro) for result in results],
        "cases": [case.id for case in benchmark.cases],
        "macro": {name: rows.tolist() for name, rows in macro.items()},
    }


def _reference(benchmark: Benchmark) -> str:
    """Return the references' fate in the ranking: none, kept or removed."""
    if not any(case.references for case in benchmark.cases):
        return "none"
    return "kept" if benchmark.keep_reference else "removed"


def _members(benchmark: Benchmark, group: str) -> NDArray[np.intp]:
    """Return the positions of a group's cases."""
    return np.flatnonzero([group in case.groups for case in benchmark.cases])


def _result(
    result: MethodResult,
    groups: Mapping[str, NDArray[np.intp]],
    macro: Mapping[str, NDArray[np.intp]],
) -> dict[str, Any]:
    everything = [np.arange(len(each)) for each in list(result.values.values())[:1]]
    return {
        "method": result.method,
        **_numbers(result.values, list(macro.values()) or everything),
        "groups": {
            name: {"cases": len(rows)} | _numbers(result.values, [rows])
            for name, rows in groups.items()
            if len(rows)
        },
        "values": {name: _compact(each) for name, each in result.values.items()},
    }


def _numbers(
    values: Mapping[str, NDArray[np.float64]], strata: Sequence[NDArray[np.intp]]
) -> dict[str, Any]:
    """Return the mean of each metric, or the mean of its strata's means, and its interval."""
    metrics, intervals = {}, {}
    for name, each in values.items():
        parts = [each[rows] for rows in strata]
        intervals[name] = list(interval(*parts))
        metrics[name] = sum(float(part.mean()) for part in parts) / len(parts)
    return {"metrics": metrics, "intervals": intervals}


def _compact(values: NDArray[np.float64]) -> list[float | int]:
    """Return numbers that take few characters: ``1`` for ``1.0``, and six digits."""
    rounded = values.round(DIGITS).tolist()
    return [int(value) if value.is_integer() else value for value in rounded]


# --- in words ------------------------------------------------------------------------------------


def told(protocol: Mapping[str, Any]) -> dict[str, str]:
    """What the numbers were made with, in words by what it is of; empty facts are left out."""
    return {name: _told(value) for name, value in protocol.items() if value != {}}


def protocol_line(protocol: Mapping[str, Any]) -> str:
    """The same in one line."""
    return ", ".join(f"{name} {value}" for name, value in told(protocol).items())


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return printable(" ".join(f"{name}={_quoted(each)}" for name, each in value.items()))
    return printable(_quoted(value))


def _quoted(value: Any) -> str:
    """A value as text; a prompt has blanks and commas of its own."""
    text = str(value)
    return f'"{text}"' if "{" in text else text

"""The document that every ``isa eval ... --json`` prints: fractions, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli.evaluation.interval import interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.runner import MethodResult


def document(
    benchmark: Benchmark, results: Sequence[MethodResult], protocol: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the report as plain values that JSON can hold.

    ::

        {benchmark, split, protocol: {gallery, cases, reference, ...},
         results: [{method, metrics: {"R@1": 0.31}, intervals: {"R@1": [0.29, 0.33]},
                    groups: {name: {cases: 400, metrics, intervals}}}]}

    Args:
        benchmark: what was run.
        results: one per composer.
        protocol: what was run with; follows the benchmark's own facts.
    """
    counted = {
        "gallery": len(benchmark.images),
        "cases": len(benchmark.cases),
        "reference": _reference(benchmark),
    }
    members = {group: _members(benchmark, group) for group in benchmark.groups}
    return {
        "benchmark": benchmark.name,
        "split": benchmark.split,
        "protocol": counted | dict(benchmark.protocol) | dict(protocol),
        "results": [_result(result, members) for result in results],
    }


def _reference(benchmark: Benchmark) -> str:
    """Return what becomes of the references in the ranking."""
    if not any(case.references for case in benchmark.cases):
        return "none"
    return "kept" if benchmark.keep_reference else "removed"


def _members(benchmark: Benchmark, group: str) -> NDArray[np.intp]:
    """Return the positions of a group's cases."""
    return np.flatnonzero([group in case.groups for case in benchmark.cases])


def _result(result: MethodResult, members: Mapping[str, NDArray[np.intp]]) -> dict[str, Any]:
    groups = {
        group: {"cases": len(rows)}
        | _numbers({name: values[rows] for name, values in result.values.items()})
        for group, rows in members.items()
        if len(rows)
    }
    return {"method": result.method, **_numbers(result.values), "groups": groups}


def _numbers(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    return {
        "metrics": {name: float(each.mean()) for name, each in values.items()},
        "intervals": {name: list(interval(each)) for name, each in values.items()},
    }

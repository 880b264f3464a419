"""Search with known answers: benchmarks, how they are judged, and what the numbers are worth.

``evaluate`` is the one entry below the command line; ``benchmark`` says how to write a benchmark.
Importing this imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking, at, within
from isa_cli.evaluation.config import EvalConfig

if TYPE_CHECKING:
    from isa_cli.evaluation.measure import Evaluated, evaluate

__all__ = [
    "Benchmark",
    "Case",
    "EvalConfig",
    "Evaluated",
    "Ranking",
    "at",
    "evaluate",
    "within",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use (PEP 562)."""
    if name in {"Evaluated", "evaluate"}:
        from isa_cli.evaluation import measure  # noqa: PLC0415

        return measure.evaluate if name == "evaluate" else measure.Evaluated
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

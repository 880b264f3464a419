"""What the ablations share: questions about a wardrobe that no training saw, and a table."""

from __future__ import annotations

from statistics import mean, stdev
from typing import TYPE_CHECKING

from isa_cli.cli.console import ConsoleReporter
from isa_cli.encoders.names import BUNDLED
from isa_cli.evaluation import EvalConfig, evaluate
from isa_cli.evaluation.wardrobe import wardrobe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

METRICS = ("R@1", "R@10")
UNSEEN = "R@1 unseen"
"""R@1 over the questions whose answers show a pair of attributes that no training saw."""

Scores = dict[str, float]


def asked(model: Path, method: str, seed: int) -> Scores:
    """Return what a query model's learned vector alone scores on a wardrobe, fractions.

    Args:
        model: the file.
        method: one that it serves.
        seed: of the wardrobe.
    """
    quiet = ConsoleReporter(quiet=True)
    config = EvalConfig(BUNDLED, precision="fp32", methods=(method,), query_model=model, alpha=1.0)
    result = evaluate(lambda: wardrobe(quiet, seed=seed), config, quiet).document["results"][0]
    unseen = result["groups"]["unseen pairs"]["metrics"]["R@1"]
    return {name: result["metrics"][name] for name in METRICS} | {UNSEEN: unseen}


def table(rows: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return means and, over several seeds, standard deviations as a markdown table, percent."""
    metrics = list(next(iter(rows.values()))[0])
    lines = [
        f"| variant | {' | '.join(metrics)} | seeds |",
        f"| --- |{' ---: |' * len(metrics)} ---: |",
    ]
    for name, runs in rows.items():
        cells = []
        for metric in metrics:
            values = [100 * run[metric] for run in runs]
            spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{mean(values):.1f}{spread}")
        lines.append(f"| {name} | {' | '.join(cells)} | {len(runs)} |")
    return "\n".join(lines)


def percent(rows: Mapping[str, Sequence[Mapping[str, float]]], name: str, metric: str) -> float:
    """Return a variant's mean over its seeds, percent."""
    return 100 * mean(run[metric] for run in rows[name])

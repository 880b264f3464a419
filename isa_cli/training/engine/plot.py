"""A run as a picture: its losses by step, and what it measured by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_cli.charts import Line, Panel, save_chart
from isa_cli.errors import UsageError
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from isa_cli.reporting import Reporter

    Records = Sequence[Mapping[str, Any]]

SMOOTHED_OVER = 0.02
"""The share of a run over which its losses are smoothed."""

NO_LOSS = {"step", "lr"}
NO_MEASURE = {"step", "epoch"}


def plot_run(records: Records, path: Path, reporter: Reporter) -> Path | None:
    """Draw a run's log into a PNG file and return it; ``None``, and a word why, if that fails.

    A run that took hours does not fail over its picture.

    Args:
        records: the log's lines, see ``RunFolder.records``.
        path: of the picture.
        reporter: told why there is none.
    """
    try:
        save_chart(path, panels(records), path.stem)
    except UsageError as error:
        reporter.note(f"no plot: {error.message}: {error.hint}")
        return None
    except OSError as error:
        reporter.warn(
            f"the plot can't be written to {printable(str(path))}: {error.strerror or error}"
        )
        return None
    return path


def panels(records: Records) -> list[Panel]:
    """Return the losses by step, raw and smoothed, and the held-out measures by epoch."""
    steps = [record for record in records if "epoch" not in record]
    epochs = [record for record in records if "epoch" in record]
    return [
        Panel("losses", "step", "loss, smoothed", _losses(steps)),
        Panel("held-out photos", "epoch", "share found", _measures(epochs), (0, 1.02)),
    ]


def smoothed(values: Sequence[float], over: float) -> list[float]:
    """Return the exponential moving average, in which values fade over that many steps."""
    kept = 1 - 1 / max(1.0, over)
    total = weight = 0.0
    averages = []
    for value in values:
        total, weight = kept * total + value, kept * weight + 1
        averages.append(total / weight)  # the first ones lean on nothing but themselves
    return averages


def _losses(steps: Records) -> list[Line]:
    x = [record["step"] for record in steps]
    lines = []
    for name in _names(steps, NO_LOSS):
        raw = [record[name] for record in steps]
        lines.append(Line(name, x, smoothed(raw, SMOOTHED_OVER * len(raw)), behind=raw))
    return lines


def _measures(epochs: Records) -> list[Line]:
    x = [record["epoch"] for record in epochs]
    return [
        Line(name, x, [record[name] for record in epochs], marked=True)
        for name in _names(epochs, NO_MEASURE)
    ]


def _names(records: Records, passed_over: set[str]) -> list[str]:
    """Return the names in the first record, which all have."""
    return [name for name in (records[0] if records else ()) if name not in passed_over]

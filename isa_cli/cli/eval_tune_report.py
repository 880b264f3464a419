"""What ``isa eval tune`` found and where it is kept, as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import console

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.evaluation.tune import Trial, Tuned
    from isa_cli.query.prompt import Template

BEST = 10
"""Trials that are shown."""


def show(tuned: Tuned, place: Path | None, *, as_json: bool) -> None:
    """Print the trials, best first, and what became of the best one.

    Args:
        tuned: what was found.
        place: where the choice is kept now; ``None``: nowhere.
        as_json: as one document.
    """
    if as_json:
        import json

        console.put(json.dumps(_document(tuned, place)))
        return
    from rich.markup import escape

    from isa_cli.cli.eval_report import protocol_line, screen_for_tables, table_of

    choice = tuned.choice
    title = f"{wording.printable(choice.benchmark)}, {choice.split}"
    console.put(f"{title}: {choice.metric}, percent, and its 95 % interval\n")
    table = table_of(["method", "text"], ["alpha", choice.metric])
    best = sorted(tuned.trials, key=lambda trial: -trial.value)[:BEST]
    for trial in best:
        low, high = trial.interval
        value = f"{100 * trial.value:.1f}  {100 * low:.1f}-{100 * high:.1f}"
        weight = "" if trial.alpha is None else f"{trial.alpha:g}"
        table.add_row(trial.method, escape(_text(trial)), weight, value)
    screen_for_tables().print(table)
    if len(tuned.trials) > len(best):
        console.put(f"the best {len(best)} of {len(tuned.trials)} that were tried\n")
    console.put(f"protocol: {protocol_line(tuned.protocol)}")
    console.say(_kept(tuned, place))


def _text(trial: Trial) -> str:
    return trial.template.modified if trial.template else "{modifier}"


def _kept(tuned: Tuned, place: Path | None) -> str:
    choice = tuned.choice
    weight = "" if choice.alpha is None else f", alpha {choice.alpha:g}"
    if place is None:
        return f"best: {choice.method}{weight}; nothing was stored"
    return f"best: {choice.method}{weight}; stored in {wording.printable(str(place))}"


def _document(tuned: Tuned, place: Path | None) -> dict[str, Any]:
    return {
        "choice": asdict(tuned.choice) | {"template": _template(tuned.template)},
        "stored": None if place is None else str(place),
        "protocol": tuned.protocol,
        "trials": [
            {
                "method": trial.method,
                "alpha": trial.alpha,
                "template": _template(trial.template),
                "value": trial.value,
                "interval": trial.interval,
            }
            for trial in tuned.trials
        ],
    }


def _template(template: Template | None) -> str | None:
    return template.modified if template else None

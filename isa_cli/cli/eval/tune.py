"""``isa eval tune``: the composer, the weight and the text, chosen where no result is stated."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.cli.eval.flags import TuneFlags
from isa_cli.cli.spread import spread
from isa_cli.query.methods import LEARNED

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval.tune_request import TuneRequest
    from isa_cli.evaluation.tune import Trial, Tuned
    from isa_cli.query.prompt import Template

BEST = 10
"""Trials that are shown."""


@spread(TuneFlags)
def tune(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", hidden=True)],
    flags: TuneFlags,
    file: Annotated[str | None, typer.Argument(metavar="FILE", hidden=True)] = None,
) -> int:
    """Choose method, weight and text on a validation split; test splits are refused.

    \b
      isa eval tune circo --query-model query.safetensors
      isa eval tune my.csv --gallery ~/gallery

    What is best for a query model is written into its file; what else is best, into the settings
    of the gallery.
    """  # noqa: D301 - typer's mark for lines to keep
    from isa_cli.cli.eval.tune_request import request_of

    request = request_of(benchmark, file, flags)

    from isa_cli.evaluation.tune import tune as choose

    reporter = console.ConsoleReporter(quiet=flags.quiet)
    tuned = choose(
        lambda: request.make(reporter),
        request.config,
        reporter,
        metric=flags.metric,
        stored=request.stored,
    )
    place = None if flags.dry_run else _place(tuned, request)
    if place is not None:
        _keep(tuned, request, place)
    _show(tuned, place, as_json=flags.as_json)
    return 0


def _place(tuned: Tuned, request: TuneRequest) -> Path | None:
    """Return where the choice is kept: a query model's file, or a gallery's folder.

    The query model that comes with isa stays as it is; a gallery gets a copy of its own.
    """
    from isa_cli.query.lookup import BUNDLED_QUERY, QUERY_MODEL

    if tuned.choice.method not in LEARNED:
        return request.gallery
    if request.config.learned != BUNDLED_QUERY:
        return request.config.learned
    return request.gallery / QUERY_MODEL if request.gallery else None


def _keep(tuned: Tuned, request: TuneRequest, place: Path) -> None:
    from isa_cli.evaluation.tune import keep_in_gallery, keep_in_query_model
    from isa_cli.gallery.gallery import Gallery

    if tuned.choice.method in LEARNED:
        keep_in_query_model(place, tuned.choice, tuned.template, request.config.learned)
        return
    with Gallery.open(place, writable=True) as gallery:
        keep_in_gallery(gallery.catalog, tuned.choice)


# --- what is shown -------------------------------------------------------------------------------


def _show(tuned: Tuned, place: Path | None, *, as_json: bool) -> None:
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
    from isa_cli.cli.tables import show_table, table_of
    from isa_cli.evaluation.report import protocol_line

    choice = tuned.choice
    title = f"{wording.printable(choice.benchmark)}, {choice.split}"
    console.put(f"{title}: {choice.metric}, percent, and its 95 % interval")
    console.put()
    table = table_of(["method", "text"], ["alpha", choice.metric])
    best = sorted(tuned.trials, key=lambda trial: -trial.value)[:BEST]
    for trial in best:
        low, high = trial.interval
        value = f"{100 * trial.value:.1f}  {100 * low:.1f}-{100 * high:.1f}"
        weight = "" if trial.alpha is None else f"{trial.alpha:g}"
        table.add_row(trial.method, _text(trial), weight, value)
    show_table(table, page=True)
    if len(tuned.trials) > len(best):
        console.put(f"the best {len(best)} of {len(tuned.trials)} that were tried")
        console.put()
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

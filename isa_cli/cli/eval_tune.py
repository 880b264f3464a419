"""``isa eval tune``: the composer, the weight and the text, chosen where no result is stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.cli import eval_options as own
from isa_cli.cli.eval_options import Asking
from isa_cli.cli.eval_tune_report import show
from isa_cli.cli.eval_tune_task import Places, task_of
from isa_cli.evaluation.plan import TUNING_SEED
from isa_cli.query.methods import LEARNED

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval_tune_task import Task
    from isa_cli.evaluation.tune import Tuned


def tune(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", hidden=True)],
    file: Annotated[str | None, typer.Argument(metavar="FILE", hidden=True)] = None,
    root: own.RootOption = None,
    split: own.SplitOption = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="What decides (default: the first)."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Of the wardrobe; never 7.")
    ] = TUNING_SEED,
    count: Annotated[
        int | None, typer.Option("--count", min=1, metavar="N", help="Questions of the wardrobe.")
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            help="The gallery that keeps the choice (or a CSV's photos).",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Store nothing; only say what is best.")
    ] = False,
    method: own.MethodOption = None,
    query_model: own.QueryModelOption = None,
    as_json: options.JsonOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Choose method, weight and text on a validation split; test splits are refused.

    \b
      isa eval tune circo --query-model query.safetensors
      isa eval tune my.csv --gallery ~/gallery

    What is best for a query model is written into its file; what else is best, into the settings
    of the gallery.
    """  # noqa: D301 - typer's mark for lines to keep
    asking = Asking(method, None, query_model, model, device, precision)
    places = Places(root, split, gallery)
    task = task_of(benchmark, file, places, (seed, count), asking, quiet=quiet)

    from isa_cli.evaluation.tune import tune as choose

    reporter = console.ConsoleReporter(quiet=quiet)
    tuned = choose(
        lambda: task.make(reporter), task.plan, reporter, metric=metric, stored=task.stored
    )
    place = None if dry_run else _place(tuned, task)
    if place is not None:
        _keep(tuned, task, place)
    show(tuned, place, as_json=as_json)
    return 0


def _place(tuned: Tuned, task: Task) -> Path | None:
    """Return where the choice is kept: a query model's file, or a gallery's folder.

    The query model that comes with isa stays as it is; a gallery gets a copy of its own.
    """
    from isa_cli.query.lookup import BUNDLED_QUERY, QUERY_MODEL

    if tuned.choice.method not in LEARNED:
        return task.gallery
    if task.plan.learned != BUNDLED_QUERY:
        return task.plan.learned
    return task.gallery / QUERY_MODEL if task.gallery else None


def _keep(tuned: Tuned, task: Task, place: Path) -> None:
    from isa_cli.evaluation.tune import keep_in_gallery, keep_in_query_model
    from isa_cli.gallery.gallery import Gallery

    if tuned.choice.method in LEARNED:
        keep_in_query_model(place, tuned.choice, tuned.template, task.plan.learned)
        return
    with Gallery.open(place, writable=True) as gallery:
        keep_in_gallery(gallery.catalog, tuned.choice)

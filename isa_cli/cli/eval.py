"""``isa eval``: composers against known answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.errors import UsageError
from isa_cli.evaluation.names import (
    BENCHMARKS,
    CASES,
    GALLERY,
    PICTURES_PER_CASE,
    SEED,
    WARDROBE_MODEL,
)
from isa_cli.query.names import TRAINING_FREE

if TYPE_CHECKING:
    from isa_cli.config import Settings
    from isa_cli.evaluation.benchmark import Benchmark


def evaluate(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", hidden=True)],
    method: Annotated[
        str,
        typer.Option(
            "--method", metavar="A,B,...", help="Which ways to put picture and words together."
        ),
    ] = ",".join(TRAINING_FREE),
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", metavar="0..1", help="The weight of the words in all of them."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Decides pictures and questions.")
    ] = SEED,
    count: Annotated[
        int, typer.Option("--count", min=1, metavar="N", help="How many questions.")
    ] = CASES,
    gallery_size: Annotated[
        int, typer.Option("--gallery-size", min=1, metavar="N", help="How many pictures.")
    ] = GALLERY,
    as_json: options.JsonOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Measure how often each method finds the right picture, where the answers are known.

    BENCHMARK is wardrobe: rendered garments, asked of the bundled model unless you name another.
    Pictures and vectors are kept in the cache: a second run takes seconds.
    """
    _check(benchmark, count, gallery_size)
    settings = options.settings(model=model, device=device, precision=precision)

    from isa_cli.evaluation.plan import Plan

    methods = tuple(name.strip() for name in method.split(",") if name.strip())
    plan = Plan(_model(model, settings), settings.device, settings.precision, methods, alpha)
    plan.check()  # a typing error need not wait for torch

    from isa_cli.cli import eval_report
    from isa_cli.evaluation.measure import measure
    from isa_cli.evaluation.wardrobe import wardrobe

    reporter = console.ConsoleReporter(quiet=quiet)

    def make_benchmark() -> Benchmark:
        return wardrobe(reporter, seed=seed, triplets=count, gallery=gallery_size)

    eval_report.show(measure(make_benchmark, plan, reporter), as_json=as_json)
    return 0


def _check(benchmark: str, count: int, gallery_size: int) -> None:
    if benchmark not in BENCHMARKS:
        raise UsageError(
            f"no benchmark is called {benchmark!r}", f"there is {', '.join(BENCHMARKS)}"
        )
    least = PICTURES_PER_CASE * count
    if gallery_size < least:
        raise UsageError(
            f"--gallery-size {gallery_size} is too small for {count:,} questions",
            f"each brings a reference and an answer: at least {least}, or a smaller --count",
        )


def _model(flag: str | None, settings: Settings) -> str:
    """Return the model to measure: the flag's, else the settings', else the wardrobe's own."""
    return options.absolute_model(flag or settings.model or WARDROBE_MODEL)

"""``isa eval``: composers against known answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.errors import UsageError
from isa_cli.evaluation.names import (
    BENCHMARKS,
    CAPTIONED,
    CAPTIONS,
    CASES,
    GALLERY,
    PICTURES_PER_CASE,
    SEED,
    WARDROBE_MODEL,
)
from isa_cli.query.names import TRAINING_FREE

if TYPE_CHECKING:
    from collections.abc import Callable

    from isa_cli.config import Settings
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.types import Reporter


def evaluate(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", hidden=True)],
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="A,B,...",
            help="Which ways to put picture and words together (default: all).",
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", metavar="0..1", help="The weight of the words in all of them."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Decides pictures and questions.")
    ] = SEED,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, metavar="N", help=f"How many questions (default: {CASES:,})."
        ),
    ] = None,
    gallery_size: Annotated[
        int | None,
        typer.Option(
            "--gallery-size", min=1, metavar="N", help=f"How many pictures (default: {GALLERY:,})."
        ),
    ] = None,
    as_json: options.JsonOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Measure how often each method finds the right picture, where the answers are known.

    BENCHMARK is wardrobe (rendered garments, a reference and words that change it) or
    wardrobe-captions (words alone), asked of the bundled model unless you name another.  Pictures
    and vectors are kept in the cache: a second run takes seconds.
    """
    make = _benchmark(benchmark, seed, count, gallery_size)
    settings = options.settings(model=model, device=device, precision=precision)

    from isa_cli.evaluation.plan import Plan

    methods = _methods(benchmark, method)
    plan = Plan(_model(model, settings), settings.device, settings.precision, methods, alpha)
    plan.check()  # a typing error need not wait for torch

    from isa_cli.cli import eval_report
    from isa_cli.evaluation.measure import measure

    reporter = console.ConsoleReporter(quiet=quiet)
    document = measure(lambda: make(reporter), plan, reporter)
    eval_report.show(document, as_json=as_json)
    return 0


def _benchmark(
    name: str, seed: int, count: int | None, gallery_size: int | None
) -> Callable[[Reporter], Benchmark]:
    """Return what makes the benchmark, once what was asked for is known to be possible."""
    if name not in BENCHMARKS:
        raise UsageError(f"no benchmark is called {name!r}", f"there are {', '.join(BENCHMARKS)}")
    if name == CAPTIONS:
        return _captions(seed, count, gallery_size)
    cases = count or CASES
    gallery = gallery_size or max(GALLERY, PICTURES_PER_CASE * cases)
    least = PICTURES_PER_CASE * cases
    if gallery < least:
        raise UsageError(
            f"--gallery-size {gallery} is too small for {cases:,} questions",
            f"each brings a reference and an answer: at least {least}, or a smaller --count",
        )

    def make(reporter: Reporter) -> Benchmark:
        from isa_cli.evaluation.wardrobe import wardrobe

        return wardrobe(reporter, seed=seed, triplets=cases, gallery=gallery)

    return make


def _captions(
    seed: int, count: int | None, gallery_size: int | None
) -> Callable[[Reporter], Benchmark]:
    if count and gallery_size and count != gallery_size:
        raise UsageError(
            f"{CAPTIONS} asks for each picture once, but --count is {count} and --gallery-size "
            f"{gallery_size}",
            "give one of them",
        )

    def make(reporter: Reporter) -> Benchmark:
        from isa_cli.evaluation.wardrobe import captions

        return captions(reporter, seed=seed, count=count or gallery_size or CAPTIONED)

    return make


def _methods(benchmark: str, asked: str | None) -> tuple[str, ...]:
    """Return the methods by name: those asked for, else all that the benchmark can be asked by."""
    if asked is None:
        return ("text",) if benchmark == CAPTIONS else TRAINING_FREE
    methods = tuple(name.strip() for name in asked.split(",") if name.strip())
    if benchmark == CAPTIONS and methods != ("text",):
        raise UsageError(f"{CAPTIONS} asks with words alone", "use --method text, or leave it out")
    return methods


def _model(flag: str | None, settings: Settings) -> str:
    """Return the model to measure: the flag's, else the settings', else the wardrobe's own."""
    return options.absolute_model(flag or settings.model or WARDROBE_MODEL)

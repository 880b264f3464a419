"""``isa eval wardrobe`` and ``wardrobe-captions``: pictures that are drawn, answers all known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import eval_options as own
from isa_cli.cli import options
from isa_cli.cli.eval_options import Asking
from isa_cli.errors import UsageError
from isa_cli.evaluation.plan import (
    CAPTIONED,
    CAPTIONS,
    CASES,
    GALLERY,
    PICTURES_PER_CASE,
    SEED,
    WARDROBE_MODEL,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.reporting import Reporter

SeedOption = Annotated[
    int, typer.Option("--seed", min=0, metavar="N", help="Decides pictures and questions.")
]
CountOption = Annotated[
    int | None,
    typer.Option("--count", min=1, metavar="N", help=f"How many questions (default: {CASES:,})."),
]
SizeOption = Annotated[
    int | None,
    typer.Option(
        "--gallery-size", min=1, metavar="N", help=f"How many pictures (default: {GALLERY:,})."
    ),
]


def wardrobe(
    ctx: typer.Context,
    method: own.MethodOption = None,
    alpha: own.AlphaOption = None,
    seed: SeedOption = SEED,
    count: CountOption = None,
    gallery_size: SizeOption = None,
    query_model: own.QueryModelOption = None,
    as_json: options.JsonOption = False,
    markdown: own.MarkdownOption = False,
    chart: own.ChartOption = None,
    html: own.HtmlOption = None,
    html_cases: own.HtmlCasesOption = own.HTML_CASES,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Ask the bundled model, or the one that you name.  Pictures are kept in the cache."""
    name = str(ctx.info_name)
    output = own.output(
        as_json=as_json,
        markdown=markdown,
        chart=chart,
        html=html,
        html_cases=html_cases,
        quiet=quiet,
    )
    asking = Asking(method, alpha, query_model, model, device, precision)
    make = rendered(name, seed, count, gallery_size)
    from isa_cli.cli import eval_run

    settings = eval_run.settings_for(asking)
    learned = eval_run.query_model(asking)
    asked = eval_run.model_for(asking, settings, learned, WARDROBE_MODEL)
    if name != CAPTIONS:
        learned = learned or eval_run.bundled_for(asked)
    return eval_run.run(make, eval_run.plan_for(name, asking, settings, asked, learned), output)


def rendered(
    name: str, seed: int, count: int | None, gallery_size: int | None
) -> Callable[[Reporter], Benchmark]:
    """Return what makes a wardrobe, once what was asked for is known to be possible."""
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
        from isa_cli.evaluation.wardrobe import wardrobe as render

        return render(reporter, seed=seed, triplets=cases, gallery=gallery)

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

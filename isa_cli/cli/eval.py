"""``isa eval``: composers against known answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import eval_options as own
from isa_cli.cli import options
from isa_cli.cli.eval_compare import compare
from isa_cli.cli.eval_options import Asking
from isa_cli.cli.eval_published import published
from isa_cli.cli.eval_tune import tune
from isa_cli.cli.eval_wardrobe import wardrobe
from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import PUBLISHED
from isa_cli.evaluation.plan import BENCHMARKS, CAPTIONS, CSV, WARDROBE

if TYPE_CHECKING:
    from collections.abc import Collection

evaluations = typer.Typer(rich_markup_mode=None)
"""The commands below ``isa eval``: one for each benchmark, and what is done with their numbers."""


@evaluations.callback()
def _evaluations() -> None:
    """Measure how often each method finds the right picture, where the answers are known.

    isa eval FILE.csv is short for isa eval csv FILE.csv: your own questions, your own photos.

    \b
      isa eval cirr --check
      isa eval cirr --root ~/data/cirr --query-model query.safetensors
      isa eval my.csv --gallery ~/Pictures
      isa eval compare before.json after.json

    Vectors are kept in the cache: a second run takes seconds.
    """  # noqa: D301 - typer's mark for lines to keep


def completed(arguments: list[str], commands: Collection[str]) -> list[str]:
    """Return the arguments of ``isa eval``, the command first.

    Raises:
        UsageError: they name no benchmark, or one that isn't there.
    """
    first = next((word for word in arguments if word in commands), None)
    if first is not None and arguments[0].startswith("-"):  # isa eval --json cirr
        rest = list(arguments)
        rest.remove(first)
        return [first, *rest]
    names = f"there are {', '.join(BENCHMARKS)}, and your own: FILE.csv"
    if not arguments:
        raise UsageError("no benchmark is named: isa eval BENCHMARK", names)
    if arguments[0] in commands:
        return arguments
    if arguments[0].lower().endswith(".csv"):
        return [CSV, *arguments]
    raise UsageError(f"no benchmark is called {wording.printable(arguments[0])!r}", names)


def csv(
    file: Annotated[str, typer.Argument(metavar="FILE", hidden=True)],
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            help="A folder of pictures, or a gallery of isa index (default: yours).",
        ),
    ] = None,
    method: own.MethodOption = None,
    alpha: own.AlphaOption = None,
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
    """Ask your own questions of your own photos; of a gallery nothing is embedded again.

    FILE has the columns reference, modifier and target; several targets, with ; between them, are
    all right answers.  Paths start at the photos' folder or at FILE's.

    \b
      isa eval my.csv --gallery ~/Pictures --html failures.html
    """  # noqa: D301 - typer's mark for lines to keep
    output = own.output(
        as_json=as_json,
        markdown=markdown,
        chart=chart,
        html=html,
        html_cases=html_cases,
        quiet=quiet,
    )
    asking = Asking(method, alpha, query_model, model, device, precision)
    from isa_cli.cli import eval_own, eval_run

    asked = eval_own.questions(file, gallery, asking)
    plan = eval_run.plan_for(CSV, asking, asked.settings, asked.model, asked.learned)
    return eval_run.run(lambda _: asked.benchmark, plan, output, stored=asked.photos.vectors)


for _each in PUBLISHED.values():
    evaluations.command(_each.name, short_help=f"{_each.title}, from your disk.")(published)
evaluations.command(WARDROBE, short_help="Rendered garments; needs no data.")(wardrobe)
evaluations.command(CAPTIONS, short_help="The same, asked with words alone.")(wardrobe)
evaluations.command(short_help="Your own questions of your own photos.")(csv)
evaluations.command(short_help="Is B.json better than A.json, or luckier?")(compare)
evaluations.command(short_help="Choose method, weight and text on a val split.")(tune)

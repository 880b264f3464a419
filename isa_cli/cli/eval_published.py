"""``isa eval cirr``, ``circo``, ``fashioniq`` and ``genecis``: data that others have published."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.cli import eval_options as own
from isa_cli.cli.eval_options import Asking
from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import PUBLISHED
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.cli.eval_options import Output
    from isa_cli.evaluation.datasets import Published

DATA = "ISA_DATA"
"""The environment variable with the folder of all benchmarks' folders."""


def published(
    ctx: typer.Context,
    root: own.RootOption = None,
    split: own.SplitOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what is on disk, and how to get what is missing.")
    ] = False,
    submission: Annotated[
        str | None,
        typer.Option(
            "--submission", metavar="DIR", help="Write what the server of the hidden answers takes."
        ),
    ] = None,
    annotations: Annotated[
        str | None,
        typer.Option(
            "--annotations", metavar="PATH", help="The annotations, where they lie elsewhere."
        ),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            "--predictions", metavar="FILE", help="Score a file of answers against --annotations."
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
    """Ask the questions of a published benchmark of pictures on your disk."""
    benchmark = PUBLISHED[str(ctx.info_name)]
    output = own.output(
        as_json=as_json,
        markdown=markdown,
        chart=chart,
        html=html,
        html_cases=html_cases,
        quiet=quiet,
    )
    if predictions:
        return _score(benchmark, split, annotations, predictions, output)
    where, questions = root_of(benchmark, root), _annotations(annotations)
    if check:
        from isa_cli.cli.eval_check import show_check

        return show_check(benchmark, where, split, questions, as_json=as_json)
    _refuse_in_vain(benchmark, split or benchmark.default, submission, html)
    asking = Asking(method, alpha, query_model, model, device, precision)
    return _run(benchmark, where, split, questions, asking, output, _folder(submission))


def _run(
    benchmark: Published,
    root: Path,
    split: str | None,
    annotations: Path | None,
    asking: Asking,
    output: Output,
    submission: Path | None,
) -> int:
    from isa_cli.cli import eval_run
    from isa_cli.config import DEFAULT_MODEL

    settings = eval_run.settings_for(asking)
    learned = eval_run.query_model(asking)
    model = eval_run.model_for(asking, settings, learned, DEFAULT_MODEL)
    learned = learned or eval_run.bundled_for(model)
    plan = eval_run.plan_for(benchmark.name, asking, settings, model, learned)
    reporter = console.ConsoleReporter(quiet=output.quiet)
    # before a model is fetched: whoever lacks the data should not wait for that
    ready = benchmark.load(root, split, annotations=annotations, reporter=reporter)
    return eval_run.run(lambda _: ready, plan, output, submission=submission)


def _score(
    benchmark: Published,
    split: str | None,
    annotations: str | None,
    predictions: Sequence[str],
    output: Output,
) -> int:
    """Score a file of answers; no model and no picture is looked at."""
    if annotations is None:
        raise UsageError(
            "--predictions needs the answers to compare with", "name them: --annotations FILE"
        )
    if output.html is not None:
        raise UsageError("--html shows pictures, and --predictions has none", "leave one out")
    questions = own.existing_file("--annotations", annotations)
    files = [own.existing_file("--predictions", name) for name in predictions]

    from isa_cli.cli import eval_report
    from isa_cli.evaluation.predictions import annotated, measure_predictions

    asked = annotated(benchmark, questions, split)
    eval_report.show(measure_predictions(asked, files, known=False), output)
    return 0


def _refuse_in_vain(
    benchmark: Published, split: str, submission: str | None, html: str | None
) -> None:
    """Refuse a long run at whose end nothing could be told or written."""
    benchmark.expected(split)  # a typing error
    if submission is not None and not benchmark.hidden:
        raise UsageError(
            f"no server takes answers to {benchmark.name}", "its answers are known: leave it out"
        )
    if split in benchmark.hidden and submission is None and html is None:
        raise UsageError(
            f"the answers of {benchmark.name} {split} are hidden, so there would be no number",
            "write what its server takes: --submission DIR; or a page to look at: --html FILE",
        )


def root_of(benchmark: Published, root: str | None) -> Path:
    """Return the folder of a benchmark's data: the flag's, else one that is named as usual.

    Raises:
        UsageError: the flag's is not there.
    """
    if root is None:
        return absolute(os.environ.get(DATA) or "~/data") / benchmark.folder
    where = absolute(root)
    if not root or not where.is_dir():
        raise UsageError(f"there is no folder {wording.printable(root)!r}", "check --root")
    return where


def _annotations(name: str | None) -> Path | None:
    if name is None:
        return None
    path = absolute(name)
    if not name or not path.exists():
        raise UsageError(f"there is nothing at {wording.printable(name)!r}", "check --annotations")
    return path


def _folder(name: str | None) -> Path | None:
    if name is None:
        return None
    path = absolute(name)
    if not name or (path.exists() and not path.is_dir()):
        raise UsageError(f"--submission {wording.printable(name)!r} is no folder", "name a folder")
    return path

"""From the options of ``isa eval`` to numbers: which model, which methods, and what is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import console, eval_report, options
from isa_cli.cli.eval_options import existing_file
from isa_cli.errors import ModelError, UsageError
from isa_cli.evaluation.plan import CAPTIONS
from isa_cli.query.methods import LEARNED, TRAINING_FREE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.cli.eval_options import Asking, Output
    from isa_cli.config import Settings
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.measure import Evaluated
    from isa_cli.evaluation.plan import EvalPlan
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors

RANKED = 50
"""Answers to each question that the page can tell a right one's rank among."""


def settings_for(asking: Asking, gallery: str | None = None) -> Settings:
    """Return the settings in force."""
    return options.settings(
        gallery=gallery, model=asking.model, device=asking.device, precision=asking.precision
    )


def query_model(asking: Asking) -> Path | None:
    """Return the query model that was named, if one was.

    Raises:
        UsageError: there is no such file.
    """
    name = asking.query_model
    return None if name is None else existing_file("--query-model", name)


def model_for(asking: Asking, settings: Settings, learned: Path | None, usual: str) -> str:
    """Return the model to ask: the flag's, the query model's, the settings', else the usual one."""
    named = asking.model or _model_of(learned) or settings.model or usual
    return options.absolute_model(named)


def bundled_for(model: str) -> Path | None:
    """Return the query model that comes with isa, where the model asked is the one it is for."""
    from isa_cli.encoders import locate, resolve
    from isa_cli.query.lookup import BUNDLED_QUERY, bundled

    if not BUNDLED_QUERY.is_file():
        return None
    if not resolve(model).weights:  # what would have to be fetched is another model
        return None
    file = bundled(locate(model).space)
    return file.path if file else None


def _model_of(learned: Path | None) -> str | None:
    """Return the name of the model that a query model was made for, if it says where that is."""
    if learned is None:
        return None
    from isa_cli.encoders import resolve
    from isa_cli.query.header import read_header

    name = read_header(learned).space.name
    try:
        resolve(name)
    except ModelError:  # a folder's name, which says nothing about its place
        return None
    return name


def plan_for(
    benchmark: str, asking: Asking, settings: Settings, model: str, learned: Path | None
) -> EvalPlan:
    """Return what to run a benchmark with; a typing error need not wait for torch.

    Raises:
        UsageError: it asks for something impossible.
    """
    from isa_cli.evaluation.plan import EvalPlan

    methods = _methods(benchmark, asking.method, learned)
    plan = EvalPlan(
        model,
        settings.device,
        settings.precision,
        methods,
        asking.alpha,
        learned,
        named=asking.method is not None,
    )
    plan.check()
    return plan


def run(
    make: Callable[[Reporter], Benchmark],
    plan: EvalPlan,
    output: Output,
    *,
    stored: Vectors | None = None,
    submission: Path | None = None,
) -> int:
    """Measure, print, and write what was asked for; returns the exit code."""
    from isa_cli.evaluation.measure import evaluate

    reporter = console.ConsoleReporter(quiet=output.quiet)

    def ranked() -> Benchmark:
        made = make(reporter)
        return replace(made, depth=max(made.depth, RANKED)) if output.html else made

    done = evaluate(
        ranked,
        plan,
        reporter,
        stored=stored,
        keep_rankings=output.html is not None or submission is not None,
    )
    if submission is not None:
        _submit(done, submission, quiet=output.quiet)
    eval_report.show(done.document, output)
    if output.html is not None:
        from isa_cli.pages.failures import failures_page
        from isa_cli.pages.page import put

        number = 0 if plan.named else _best(done)
        put(output.html, failures_page(done, output.html_cases, number))
        if not output.quiet:
            method = done.results[number].method
            console.say(f"page of {method}: {wording.printable(str(output.html))}")
    return 0


def _best(done: Evaluated) -> int:
    """Return which method has the highest of the benchmark's first numbers."""
    numbers = [next(iter(each["metrics"].values()), 0.0) for each in done.document["results"]]
    return numbers.index(max(numbers))


def _submit(done: Evaluated, folder: Path, *, quiet: bool) -> None:
    """Write the server's files: into the folder, or for several methods each into its own."""
    from isa_cli.evaluation.submission import write

    for result in done.results:
        place = folder if len(done.results) == 1 else folder / result.method
        assert result.rankings is not None
        for file in write(done.benchmark, result.rankings, place):
            if not quiet:
                console.say(f"{result.method}: {wording.printable(str(file))}")


def _methods(benchmark: str, asked: str | None, learned: Path | None) -> tuple[str, ...]:
    """Return the methods by name: those asked for, else all that the benchmark can be asked by."""
    if asked is None:
        return ("text",) if benchmark == CAPTIONS else TRAINING_FREE + served_by(learned)
    methods = tuple(name.strip() for name in asked.split(",") if name.strip())
    if benchmark == CAPTIONS and methods != ("text",):
        raise UsageError(f"{CAPTIONS} asks with words alone", "use --method text, or leave it out")
    return methods


def served_by(learned: Path | None) -> tuple[str, ...]:
    """Return the methods that a query model serves, as the help orders them; none without one."""
    if learned is None:
        return ()
    from isa_cli.query.header import read_header

    own = read_header(learned).methods
    return tuple(method for method in LEARNED if method in own)

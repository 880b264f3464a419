"""A benchmark is measured, and what was asked for is printed and written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.cli.eval import report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.cli.eval.outputs import Outputs
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.config import EvalConfig
    from isa_cli.evaluation.measure import Evaluated
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors

RANKED = 50
"""Answers to each question that the page can tell a right one's rank among."""


def run(
    make: Callable[[Reporter], Benchmark],
    config: EvalConfig,
    wanted: Outputs,
    *,
    stored: Vectors | None = None,
    submission: Path | None = None,
) -> int:
    """Measure, print, and write what was asked for; returns the exit code."""
    from isa_cli.evaluation.measure import evaluate

    reporter = console.ConsoleReporter(quiet=wanted.quiet)

    def ranked() -> Benchmark:
        made = make(reporter)
        return replace(made, depth=max(made.depth, RANKED)) if wanted.html else made

    done = evaluate(
        ranked,
        config,
        reporter,
        stored=stored,
        keep_rankings=wanted.html is not None or submission is not None,
    )
    if submission is not None:
        _submit(done, submission, quiet=wanted.quiet)
    report.show(done.document, wanted)
    if wanted.html is not None:
        from isa_cli.pages.failures import failures_page
        from isa_cli.pages.page import put

        number = _best(done) if wanted.html_of_best else 0
        put(wanted.html, failures_page(done, wanted.html_cases, number))
        if not wanted.quiet:
            method = done.results[number].method
            console.say(f"page of {method}: {wording.printable(str(wanted.html))}")
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

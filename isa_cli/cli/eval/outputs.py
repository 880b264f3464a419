"""What is to be done with the numbers, checked before they are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval.flags import EvalFlags


@dataclass(frozen=True, slots=True)
class Outputs:
    """What to do with the numbers.

    Attributes:
        as_json, markdown: how they are printed; neither: as tables.
        chart, html: files to write.
        html_cases: questions on the page, at most.
        html_of_best: whether the page is of the best method; else of the first.
        quiet: say nothing that is not asked for.
    """

    as_json: bool
    markdown: bool
    chart: Path | None
    html: Path | None
    html_cases: int
    html_of_best: bool
    quiet: bool


def outputs(flags: EvalFlags) -> Outputs:
    """Return the outputs that were asked for, once they are known to be possible.

    Raises:
        UsageError: two forms at once, a file that can't be written, or no matplotlib.
    """
    if flags.as_json and flags.markdown:
        raise UsageError("--json and --markdown exclude each other", "choose one of them")
    if flags.chart is not None:
        from isa_cli.charts import check_charts

        check_charts()
    return Outputs(
        flags.as_json,
        flags.markdown,
        _target("--chart", flags.chart),
        _target("--html", flags.html),
        flags.html_cases,
        flags.method is None,
        flags.quiet,
    )


def _target(option: str, name: str | None) -> Path | None:
    """Return a file to write: hours of work should not end at a folder that is not there."""
    if name is None:
        return None
    path = absolute(name)
    if not name or path.is_dir():
        raise UsageError(f"{option} {wording.printable(name)!r} is no file", "name a file to write")
    if not path.parent.is_dir():
        raise UsageError(
            f"{option} {wording.printable(name)} lies in a folder that is not there",
            "make the folder first",
        )
    return path

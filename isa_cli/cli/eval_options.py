"""Options that the commands below ``isa eval`` share, and what they mean together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

MethodOption = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="A,B,...",
        help="Which ways to put picture and words together (default: all).",
    ),
]
AlphaOption = Annotated[
    float | None,
    typer.Option("--alpha", metavar="0..1", help="The weight of the words in all of them."),
]
QueryModelOption = Annotated[
    str | None,
    typer.Option(
        "--query-model", metavar="FILE", help="What isa train or isa models import wrote."
    ),
]
RootOption = Annotated[
    str | None,
    typer.Option(
        "--root", metavar="DIR", help="Where the data lies (default: $ISA_DATA/NAME, ~/data/NAME)."
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split", metavar="NAME", help="Which part of it (default: val; of genecis: test)."
    ),
]
MarkdownOption = Annotated[
    bool, typer.Option("--markdown", help="Print a markdown table with the command line.")
]
ChartOption = Annotated[
    str | None,
    typer.Option("--chart", metavar="FILE.png", help="Draw the numbers with their intervals."),
]
HtmlOption = Annotated[
    str | None,
    typer.Option(
        "--html", metavar="FILE", help="Write a page of questions and answers, worst first."
    ),
]
HtmlCasesOption = Annotated[
    int, typer.Option("--html-cases", min=1, metavar="N", help="Questions on that page, at most.")
]

HTML_CASES = 200


@dataclass(frozen=True, slots=True)
class Asking:
    """Which model is asked, and how.

    Attributes:
        method: names with commas between; ``None``: all.
        alpha: the weight of the words; ``None``: each method's default.
        query_model: a file's name.
        model, device, precision: see ``options``.
    """

    method: str | None = None
    alpha: float | None = None
    query_model: str | None = None
    model: str | None = None
    device: str | None = None
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """What to do with the numbers.

    Attributes:
        as_json, markdown: how they are printed; neither: as tables.
        chart, html: files to write.
        html_cases: questions on the page, at most.
        quiet: say nothing that is not asked for.
    """

    as_json: bool = False
    markdown: bool = False
    chart: Path | None = None
    html: Path | None = None
    html_cases: int = HTML_CASES
    quiet: bool = False


def output(
    *,
    as_json: bool,
    markdown: bool,
    chart: str | None = None,
    html: str | None = None,
    html_cases: int = HTML_CASES,
    quiet: bool = False,
) -> Output:
    """Return what to do with the numbers, once it is known to be possible.

    Raises:
        UsageError: two forms at once, a file that can't be written, or no matplotlib.
    """
    if as_json and markdown:
        raise UsageError("--json and --markdown exclude each other", "choose one of them")
    if chart is not None:
        from isa_cli.charts import check_charts

        check_charts()
    return Output(
        as_json, markdown, _target("--chart", chart), _target("--html", html), html_cases, quiet
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


def existing_file(option: str, name: str) -> Path:
    """Return the path of a file that is there.

    Raises:
        UsageError: it is not.
    """
    path = absolute(name)
    if not name or not path.is_file():
        raise UsageError(f"there is no file {wording.printable(name)!r}", f"check {option}")
    return path

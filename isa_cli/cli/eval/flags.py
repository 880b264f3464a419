"""The options of the commands below ``isa eval``; see ``spread``.

No ``from __future__ import annotations`` here: typer reads the fields' types.
"""

from dataclasses import dataclass
from typing import Annotated

import typer

from isa_cli.cli import options
from isa_cli.evaluation.names import CASES, GALLERY, SEED, TUNING_SEED

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


@dataclass(frozen=True, kw_only=True)
class AskFlags:
    """Which model is asked, and by which methods."""

    method: MethodOption = None
    query_model: QueryModelOption = None
    as_json: options.JsonOption = False
    model: options.ModelOption = None
    device: options.DeviceOption = None
    precision: options.PrecisionOption = None
    quiet: options.QuietOption = False


@dataclass(frozen=True, kw_only=True)
class EvalFlags(AskFlags):
    """The same, and what to do with the numbers; what stands again keeps the help's order."""

    method: MethodOption = None
    alpha: AlphaOption = None
    query_model: QueryModelOption = None
    as_json: options.JsonOption = False
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a markdown table with the command line.")
    ] = False
    chart: Annotated[
        str | None,
        typer.Option("--chart", metavar="FILE.png", help="Draw the numbers with their intervals."),
    ] = None
    html: Annotated[
        str | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a page of questions and answers, worst first."
        ),
    ] = None
    html_cases: Annotated[
        int,
        typer.Option("--html-cases", min=1, metavar="N", help="Questions on that page, at most."),
    ] = 200


@dataclass(frozen=True, kw_only=True)
class CsvFlags(EvalFlags):
    """Whose photos are asked, and how."""

    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            help="A folder of pictures, or a gallery of isa index (default: yours).",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class DatasetFlags(EvalFlags):
    """Where the data lies, and what is made of it."""

    root: RootOption = None
    split: SplitOption = None
    check: Annotated[
        bool, typer.Option("--check", help="Say what is on disk, and how to get what is missing.")
    ] = False
    submission: Annotated[
        str | None,
        typer.Option(
            "--submission", metavar="DIR", help="Write what the server of the hidden answers takes."
        ),
    ] = None
    annotations: Annotated[
        str | None,
        typer.Option(
            "--annotations", metavar="PATH", help="The annotations, where they lie elsewhere."
        ),
    ] = None
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            "--predictions", metavar="FILE", help="Score a file of answers against --annotations."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class WardrobeFlags(EvalFlags):
    """Which wardrobe is drawn; method and alpha stand again for the help's order."""

    method: MethodOption = None
    alpha: AlphaOption = None
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Decides pictures and questions.")
    ] = SEED
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, metavar="N", help=f"How many questions (default: {CASES:,})."
        ),
    ] = None
    gallery_size: Annotated[
        int | None,
        typer.Option(
            "--gallery-size", min=1, metavar="N", help=f"How many pictures (default: {GALLERY:,})."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class TuneFlags(AskFlags):
    """What the choice is made on, and where it is kept."""

    root: RootOption = None
    split: SplitOption = None
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="What decides (default: the first)."),
    ] = None
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Of the wardrobe; never 7.")
    ] = TUNING_SEED
    count: Annotated[
        int | None, typer.Option("--count", min=1, metavar="N", help="Questions of the wardrobe.")
    ] = None
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            help="The gallery that keeps the choice (or a CSV's photos).",
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Store nothing; only say what is best.")
    ] = False

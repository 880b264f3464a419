"""``isa eval``: composers against known answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from isa_cli import wording
from isa_cli.cli.eval.compare import compare
from isa_cli.cli.eval.datasets import dataset
from isa_cli.cli.eval.tune import tune
from isa_cli.cli.eval.user_csv import csv
from isa_cli.cli.eval.wardrobe import wardrobe
from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import DATASETS
from isa_cli.evaluation.names import BENCHMARKS, CAPTIONS, CSV, WARDROBE

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


for _each in DATASETS.values():
    evaluations.command(_each.name, short_help=f"{_each.title}, from your disk.")(dataset)
evaluations.command(WARDROBE, short_help="Rendered garments; needs no data.")(wardrobe)
evaluations.command(CAPTIONS, short_help="The same, asked with words alone.")(wardrobe)
evaluations.command(short_help="Your own questions of your own photos.")(csv)
evaluations.command(short_help="Is B.json better than A.json, or luckier?")(compare)
evaluations.command(short_help="Choose method, weight and text on a val split.")(tune)

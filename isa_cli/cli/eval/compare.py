"""``isa eval compare``: whether one result is better than another, or only luckier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isa_cli.evaluation.significance import Difference

    Differences = Mapping[tuple[str, str], Mapping[str, Difference]]


def compare(
    first: Annotated[str, typer.Argument(metavar="A.json", hidden=True)],
    second: Annotated[str, typer.Argument(metavar="B.json", hidden=True)],
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods", metavar="A,B", help="One of each (default: those with the same name)."
        ),
    ] = None,
    as_json: options.JsonOption = False,
) -> int:
    """Say whether B is better than A, or only luckier: isa eval compare A.json B.json.

    Both are what isa eval ... --json printed, over the same questions.  The test is paired: each
    question counts with both its values.
    """
    files = options.existing_file("A.json", first), options.existing_file("B.json", second)
    pair = _pair(methods)

    from isa_cli.evaluation.significance import compare as differences
    from isa_cli.evaluation.significance import read

    before, after = (read(file) for file in files)
    found = differences(before, after, pair)
    if as_json:
        _put_json(files, found)
    else:
        _tables(f"{before['benchmark']}, {before['split']}", files, found)
    return 0


def _pair(methods: str | None) -> tuple[str, str] | None:
    if methods is None:
        return None
    names = [name.strip() for name in methods.split(",") if name.strip()]
    if len(names) != 2:  # noqa: PLR2004 - a pair
        raise UsageError(
            f"--methods {wording.printable(methods)!r} is no pair",
            "name one of each: --methods A,B",
        )
    return names[0], names[1]


def _put_json(files: tuple[Path, Path], found: Differences) -> None:
    import json
    from dataclasses import asdict

    compared = [
        {"methods": pair, "metrics": {name: asdict(each) for name, each in metrics.items()}}
        for pair, metrics in found.items()
    ]
    console.put(json.dumps({"files": [str(file) for file in files], "compared": compared}))


def _tables(title: str, files: tuple[Path, Path], found: Differences) -> None:
    from isa_cli.cli.tables import show_table, table_of

    a, b = (wording.printable(file.name) for file in files)
    console.put(f"{wording.printable(title)}: percent; A is {a}, B is {b}")
    console.put()
    for pair, metrics in found.items():
        table = table_of([_called(pair)], ["A", "B", "B - A", "95 % interval", "p"])
        for name, each in metrics.items():
            low, high = each.interval
            table.add_row(
                name,
                f"{100 * each.first:.2f}",
                f"{100 * each.second:.2f}",
                f"{100 * each.difference:+.2f}",
                f"{100 * low:+.2f} to {100 * high:+.2f}",
                f"{each.p:.4f}",
            )
        show_table(table, page=True)
    console.put("p: how often chance alone would make a difference this large (paired bootstrap)")


def _called(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} and {pair[1]}"

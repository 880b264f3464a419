"""What ``isa eval`` found, as JSON or as tables with the protocol beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_cli.cli import console

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

WIDTH = 100
"""Columns where nobody's terminal says how many there are."""


def show(document: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a document of ``evaluation.report`` on stdout."""
    if as_json:
        import json

        console.put(json.dumps(document))
        return
    from rich.console import Console

    screen = Console(highlight=False, width=None if console.on_terminal() else WIDTH)
    console.put(f"{document['benchmark']}, {document['split']}: percent, and its 95 % interval\n")
    screen.print(_by_metric(document["results"]))
    headline = next(iter(document["results"][0]["metrics"]))
    if document["results"][0]["groups"]:
        console.put(f"{headline} by group, percent\n")
        screen.print(_by_group(document["results"], headline))
    console.put(f"protocol: {protocol_line(document['protocol'])}")


def protocol_line(protocol: Mapping[str, Any]) -> str:
    """Return what the numbers were made with, in one line."""
    return ", ".join(f"{name} {_told(value)}" for name, value in protocol.items() if value != {})


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={each}" for name, each in value.items())
    return console.printable(str(value))


def _by_metric(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return each method's numbers with their intervals."""
    table = _table(list(results[0]["metrics"]))
    for result in results:
        cells = []
        for name, value in result["metrics"].items():
            low, high = result["intervals"][name]
            cells.append(f"{100 * value:.1f}  {100 * low:.1f}-{100 * high:.1f}")
        table.add_row(result["method"], *cells)
    return table


def _by_group(results: Sequence[Mapping[str, Any]], metric: str) -> Table:
    """Return each method's headline number by group, with the groups' sizes above."""
    groups = results[0]["groups"]
    table = _table([f"{name}\n{group['cases']:,}" for name, group in groups.items()])
    for result in results:
        values = [group["metrics"][metric] for group in result["groups"].values()]
        table.add_row(result["method"], *(f"{100 * value:.1f}" for value in values))
    return table


def _table(columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("method")
    for name in columns:
        table.add_column(name, justify="right")
    return table

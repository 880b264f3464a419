"""What ``isa eval`` found: as JSON, tables or markdown with the protocol beneath, or as a chart."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.evaluation.report import protocol_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.table import Table

    from isa_cli.cli.eval.outputs import Outputs

HEADLINES = {"circo": "mAP@10"}
"""What a benchmark's authors tell by group, where that is not its first metric."""


def show(document: Mapping[str, Any], wanted: Outputs) -> None:
    """Print a document of ``evaluation.report`` on stdout, and draw it where that was asked."""
    has_numbers = bool(document["results"][0]["metrics"])
    if wanted.as_json:
        import json

        console.put(json.dumps(document))
    elif wanted.markdown:
        for line in _markdown(document):
            console.put(line)
    elif has_numbers:
        _tables(document)
    if not (has_numbers or wanted.as_json or wanted.markdown):
        console.put(f"{title_of(document)}: the answers are hidden, so there is no number")
        console.put(f"protocol: {protocol_line(document['protocol'])}")
    if wanted.chart is not None and has_numbers:
        _draw(document, wanted.chart)


def title_of(document: Mapping[str, Any]) -> str:
    """Return the benchmark and its split, as titles call them."""
    return f"{wording.printable(document['benchmark'])}, {document['split']}"


def _headline(document: Mapping[str, Any]) -> str:
    """Return the metric that is told by group: the official one, else the first."""
    first: str = next(iter(document["results"][0]["metrics"]))
    return HEADLINES.get(document["benchmark"], first)


# --- tables --------------------------------------------------------------------------------------


def _tables(document: Mapping[str, Any]) -> None:
    from isa_cli.cli.tables import show_table

    results = document["results"]
    console.put(f"{title_of(document)}: percent, and its 95 % interval")
    console.put()
    for part in _parts(results):
        show_table(_by_metric(results, part), page=True)
    headline = _headline(document)
    if results[0]["groups"]:
        console.put(f"{headline} by group, percent")
        console.put()
        show_table(_by_group(results, headline), page=True)
    console.put(f"protocol: {protocol_line(document['protocol'])}")


MOST_COLUMNS = 7
"""Groups side by side; more of them stand below each other."""

PER_TABLE = 4
"""Metrics side by side: with their intervals more would not fit a terminal."""


def _parts(results: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yield the metrics' names, as many as fit side by side."""
    names = list(results[0]["metrics"])
    tables = -(-len(names) // PER_TABLE)
    each = -(-len(names) // tables)
    for start in range(0, len(names), each):
        yield names[start : start + each]


def _by_metric(results: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Table:
    """Return each method's numbers with their intervals."""
    from isa_cli.cli.tables import table_of

    table = table_of(["method"], names)
    for result in results:
        table.add_row(result["method"], *(_cell(result, name) for name in names))
    return table


def _cell(result: Mapping[str, Any], name: str) -> str:
    low, high = result["intervals"][name]
    return f"{100 * result['metrics'][name]:.1f}  {100 * low:.1f}-{100 * high:.1f}"


def _by_group(results: Sequence[Mapping[str, Any]], metric: str) -> Table:
    """Return each method's headline number by group, with the groups' sizes beside them."""
    from isa_cli.cli.tables import table_of

    groups = results[0]["groups"]
    if len(groups) > MOST_COLUMNS:
        return _groups_down(results, metric)
    heads = [f"{wording.printable(name)}\n{group['cases']:,}" for name, group in groups.items()]
    table = table_of(["method"], heads)
    for result in results:
        values = [group["metrics"][metric] for group in result["groups"].values()]
        table.add_row(result["method"], *(f"{100 * value:.1f}" for value in values))
    return table


def _groups_down(results: Sequence[Mapping[str, Any]], metric: str) -> Table:
    """Return the same with a line for each group."""
    from isa_cli.cli.tables import table_of

    table = table_of(["group"], ["cases", *(result["method"] for result in results)])
    for name, group in results[0]["groups"].items():
        values = [result["groups"][name]["metrics"][metric] for result in results]
        row = (f"{100 * value:.1f}" for value in values)
        table.add_row(wording.printable(name), f"{group['cases']:,}", *row)
    return table


# --- markdown ------------------------------------------------------------------------------------


def _markdown(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table that says where it comes from."""
    results = document["results"]
    names = list(results[0]["metrics"])
    yield f"**{_plain(title_of(document))}**: percent, and its 95 % interval"
    yield ""
    yield from _rows(["method", *names], ([r["method"], *_cells(r, names)] for r in results))
    if names and results[0]["groups"]:
        groups, headline = results[0]["groups"], _headline(document)
        yield ""
        yield f"{headline} by group, percent (number of questions)"
        yield ""
        heads = [f"{_plain(name)} ({group['cases']:,})" for name, group in groups.items()]
        yield from _rows(["method", *heads], (_group_cells(r, headline) for r in results))
    yield ""
    yield f"Protocol: {_plain(protocol_line(document['protocol']))}"
    yield ""
    yield "```"
    yield command_line()
    yield "```"


def command_line() -> str:
    """Return the command line, so that it can be typed again."""
    return wording.printable(shlex.join(["isa", *sys.argv[1:]]))


def _rows(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * (len(heads) - 1)}"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"


def _cells(result: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    cells = []
    for name in names:
        low, high = result["intervals"][name]
        cells.append(f"{100 * result['metrics'][name]:.2f} ({100 * low:.1f}-{100 * high:.1f})")
    return cells


def _group_cells(result: Mapping[str, Any], metric: str) -> list[str]:
    groups = result["groups"].values()
    return [result["method"], *(f"{100 * group['metrics'][metric]:.2f}" for group in groups)]


def _plain(text: str) -> str:
    """Return text in which markdown sees nothing but text."""
    return "".join(f"\\{char}" if char in "\\`*_|<>[]" else char for char in text)


# --- chart ---------------------------------------------------------------------------------------


def _draw(document: Mapping[str, Any], path: Path) -> None:
    """Draw each method's numbers as bars, with their intervals, into a PNG file."""
    from isa_cli.charts import BarPanel, Bars, save_chart

    results = document["results"]
    names = list(results[0]["metrics"])
    bars = [
        Bars(
            result["method"],
            [100 * result["metrics"][name] for name in names],
            [(100 * low, 100 * high) for low, high in map(result["intervals"].get, names)],
        )
        for result in results
    ]
    save_chart(path, [BarPanel(title_of(document), "percent", names, bars)])

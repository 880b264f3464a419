"""Tables for people, in which every word is a word: none is markup, none moves the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from isa_cli.cli import console
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 100
"""Columns where nobody's terminal says how many there are."""


class Grid(Table):
    """A table whose cells and heads are words, unless they are rich's already."""

    def add_column(self, header: Any = "", *args: Any, **options: Any) -> None:
        """Add a column below these words."""
        super().add_column(cell(header), *args, **options)

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row of words."""
        super().add_row(*map(cell, cells), **options)


def cell(words: Any) -> Any:
    """Return words as a table may show them; the ends of lines are ours."""
    if not isinstance(words, str):
        return words
    return Text("\n".join(map(printable, words.split("\n"))))


def table_of(words: Sequence[str], numbers: Sequence[str]) -> Grid:
    """Return an empty table with columns of words and columns of numbers."""
    table = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in words:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def show_table(table: Table, *, page: bool = False) -> None:
    """Print a table on stdout.

    Args:
        table: of words that ``cell`` made.
        page: be ``WIDTH`` wide where there is no terminal.
    """
    width = WIDTH if page and not console.on_terminal() else None
    Console(file=console.raw_stdout(), highlight=False, width=width).print(table)

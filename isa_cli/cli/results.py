"""Hits in the shapes people and programs want: table, tab-separated, JSON lines, CSV, paths.

Programs get names unchanged: JSON escapes undecodable bytes as lone surrogates, which
``json.loads`` and ``os.fsencode`` turn back; CSV, paths and NUL-separated paths carry the bytes,
except to a terminal.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import typer

from isa_cli import wording
from isa_cli.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from isa_cli.search.request import Answer, Request
    from isa_cli.types import Hit, Photo


@dataclass(frozen=True, slots=True)
class Output:
    """What to do with the answer.

    Attributes:
        form: ``show``'s.
        sheet: the contact sheet to write.
        preview: draw thumbnails in the terminal.
        open_it: open the sheet, or the best answer.
        quiet: say nothing that is not asked for.
        companions: show each answer's.
    """

    form: str
    sheet: Path | None
    preview: bool
    open_it: bool
    quiet: bool
    companions: bool = False


def present(answer: Answer, request: Request, output: Output) -> None:
    """Print the hits, and draw, write and open what was asked for."""
    hits = answer.hits
    if output.preview:
        from isa_cli.cli.preview import preview_hits

        preview_hits(hits)
    show(hits, output.form, companions=output.companions)
    to_open = hits[0].photo.path
    if output.sheet is not None:
        from isa_cli.pages.contact_sheet import answer_sheet
        from isa_cli.pages.page import put as put_page

        to_open = output.sheet
        put_page(to_open, answer_sheet(answer, request))
        if not output.quiet:
            console.say(f"contact sheet: {wording.printable(str(to_open))}")
    if output.open_it and typer.launch(str(to_open)) != 0:
        console.say(f"isa: can't open {wording.printable(str(to_open))}: no program is set for it")


def show(hits: Sequence[Hit], form: str, *, companions: bool = False) -> None:
    """Print hits on stdout.

    Args:
        hits: best first.
        form: ``json``, ``csv``, ``paths``, ``print0``, or ``auto``: a table for a terminal and
            tab-separated lines for anything else.
        companions: show them, below each hit or as a field of it.
    """
    if form == "auto":
        form = "table" if console.on_terminal() else "lines"
    _FORMS[form](hits, companions=companions)


def record(hit: Hit, *, companions: bool = False) -> dict[str, Any]:
    """The fields of a hit in JSON and CSV; its companions only if they are asked for."""
    photo, info = hit.photo, hit.photo.info
    fields = {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "z": round(hit.z, 3),
        "path": os.fsdecode(photo.paths[0]),
        "paths": _names([photo]),
        "taken_at": info.taken_at,
        "camera": info.camera,
        "latitude": info.latitude,
        "longitude": info.longitude,
        "width": info.width,
        "height": info.height,
        "format": info.format,
        "bytes": photo.bytes,
        "key": photo.key,
        "digest": photo.digest,
        "similar": _names(hit.similar),
    }
    return fields | ({"companions": _names(hit.companions)} if companions else {})


def _names(photos: Sequence[Photo]) -> list[str]:
    return [os.fsdecode(path) for photo in photos for path in photo.paths]


def _date(hit: Hit) -> str:
    return (hit.photo.info.taken_at or "").replace("T", " ")[:16]


def _remark(hit: Hit, *, companions: bool) -> str:
    """Remarks for people besides the path: copies, and what was folded in and isn't shown."""
    copies, similar = len(hit.photo.paths) - 1, len(hit.similar)
    parts = [wording.counted(copies, "copy", "copies")] if copies else []
    if hit.companions and not companions:
        parts.append(wording.counted(len(hit.companions), "companion"))
    if similar:
        parts.append(f"{similar:,} similar")
    return f"  (+ {', '.join(parts)})" if parts else ""


def _json(hits: Sequence[Hit], *, companions: bool) -> None:
    for hit in hits:
        console.put(json.dumps(record(hit, companions=companions)))


def _csv(hits: Sequence[Hit], *, companions: bool) -> None:
    import csv

    shown = (record(hit, companions=companions) for hit in hits)
    rows = [{name: _cell(value) for name, value in row.items()} for row in shown]
    ends = "\n" if console.on_terminal() else "\r\n"
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator=ends)
    writer.writeheader()
    writer.writerows(rows)


RUN = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the start of a formula; a tab and the ends of lines it skips."""


def _cell(value: Any) -> Any:
    """Return a value as one cell of CSV; JSON's lists are the lossless form.

    Text that a spreadsheet would run has an apostrophe in front; a number is a number.
    """
    if isinstance(value, list):
        return "\n".join(map(_cell, value))
    if not isinstance(value, str):
        return value
    text = wording.printable(value) if console.on_terminal() else value
    return f"'{text}" if text.startswith(RUN) else text


def _paths(hits: Sequence[Hit], *, companions: bool, end: str = "\n") -> None:
    for hit in hits:
        for photo in (hit.photo, *(hit.companions if companions else ())):
            console.put_raw(os.fsdecode(photo.paths[0]), end=end)


def _below(hit: Hit, *, companions: bool) -> list[str]:
    """The lines below a hit: its companions for people, if they are asked for."""
    return [f"+ {wording.shortest(one.paths[0])}" for one in hit.companions] if companions else []


def _lines(hits: Sequence[Hit], *, companions: bool) -> None:
    for hit in hits:
        path = wording.shortest(hit.photo.paths[0]) + _remark(hit, companions=companions)
        console.put(f"{hit.rank}\t{hit.score:.3f}\t{hit.z:.1f}\t{path}\t{_date(hit)}")
        for line in _below(hit, companions=companions):
            console.put(f"\t\t\t{line}\t")


def _table(hits: Sequence[Hit], *, companions: bool) -> None:
    from rich import box
    from rich.text import Text

    from isa_cli.cli.tables import Grid, show_table

    table = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("#", "score", "z"):
        table.add_column(name, justify="right")
    table.add_column("photo", overflow="fold")
    dated = any(map(_date, hits))
    if dated:
        table.add_column("taken", no_wrap=True)
    for hit in hits:
        path = Text(wording.shortest(hit.photo.paths[0]))
        path.append(_remark(hit, companions=companions), style="dim")
        when = [_date(hit)] if dated else []
        table.add_row(str(hit.rank), f"{hit.score:.3f}", f"{hit.z:.1f}", path, *when)
        for line in _below(hit, companions=companions):
            table.add_row("", "", "", Text(line, style="dim"), *([""] if dated else []))
    show_table(table)


_FORMS: Final[dict[str, Callable[..., None]]] = {
    "json": _json,
    "csv": _csv,
    "paths": _paths,
    "print0": partial(_paths, end="\0"),
    "lines": _lines,
    "table": _table,
}

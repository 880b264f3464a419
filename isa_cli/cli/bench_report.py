"""What ``isa bench`` measured, as JSON, a table, or tab-separated lines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isa_cli.bench.indexing import IndexTimes
    from isa_cli.bench.run import Machine, Report, SearchReport


def show(report: Report, *, as_json: bool) -> None:
    """Print a report on stdout."""
    if as_json:
        import json

        console.put(json.dumps(asdict(report)))
    elif console.on_terminal():
        _table(report)
    else:
        for name, text in _rows(report):
            console.put(f"{name}\t{text}")


def _table(report: Report) -> None:
    from rich import box

    from isa_cli.cli.tables import Grid, show_table

    table = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for name, text in _rows(report):
        table.add_row(name, text)
    show_table(table)


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    yield from _machine(report.machine)
    if report.index is not None:
        yield from _index(report.index)
    for one in report.search:
        yield from _search(one)
    if report.peak_bytes is not None:
        yield "peak memory", wording.size(report.peak_bytes)


def _machine(machine: Machine) -> Iterator[tuple[str, str]]:
    yield "machine", f"{machine.cores} cores, {machine.device} in {machine.precision}"
    packages = (f"{name} {version}" for name, version in machine.packages.items())
    yield "software", ", ".join([f"Python {machine.python}", *packages])


def _index(times: IndexTimes) -> Iterator[tuple[str, str]]:
    yield "indexing", f"{times.photos:,} photos with {wording.printable(times.model)}"
    yield "  pipeline", f"{times.pipeline:.1f} img/s"
    yield "  bare encoder", f"{times.encoder:.1f} img/s"
    yield "  bare decoder", f"{times.decoder:.1f} img/s"
    each = " ".join(f"{one:.3f}" for one in times.efficiencies)
    yield "  efficiency", f"{times.efficiency:.3f} of what they allow together ({each})"


def _search(report: SearchReport) -> Iterator[tuple[str, str]]:
    warm = report.warm
    yield "searching", f"{wording.printable(report.gallery)}: {warm.vectors:,} vectors"
    yield "  engine", warm.engine
    yield "  open", f"{warm.open_ms:.1f} ms"
    yield "  warm", f"{warm.p50_ms:.2f} ms, p95 {warm.p95_ms:.2f} ms"
    yield "  warm, exact", f"{warm.exact_p50_ms:.2f} ms"
    yield "  recall@10", f"{warm.recall:.4f}"
    for cold in report.cold:
        yield f"  cold, by {cold.by}", f"{cold.p50_s:.2f} s, p95 {cold.p95_s:.2f} s"
    yield "  on disk", f"{report.bytes_per_photo:,.0f} bytes a photo"

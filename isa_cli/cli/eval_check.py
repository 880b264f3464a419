"""``isa eval BENCHMARK --check``: what is on disk, what is missing, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.cli.eval_report import screen_for_tables, table_of

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.evaluation.datasets import Published
    from isa_cli.evaluation.datasets.check import Check, Row

INCOMPLETE = 4


def show_check(
    benchmark: Published,
    root: Path,
    split: str | None,
    annotations: Path | None,
    *,
    as_json: bool,
) -> int:
    """Print what a look at the files says; the exit code is 0 where nothing is missing."""
    from isa_cli.evaluation.datasets.check import check

    found = check(benchmark.name, root, split, annotations=annotations)
    if as_json:
        import json

        console.put(json.dumps(_document(found)))
    else:
        _print(benchmark, found)
    return 0 if found.ok else INCOMPLETE


def _document(found: Check) -> dict[str, Any]:
    return {
        "benchmark": found.name,
        "split": found.split,
        "root": str(found.root),
        "ok": found.ok,
        "needs": [
            {
                "what": row.what,
                "found": row.found,
                "expected": row.expected,
                "where": str(row.where),
                "url": row.url,
                "command": row.command,
                "problem": row.problem,
                "optional": row.optional,
                "ok": row.ok,
            }
            for row in found.rows
        ],
    }


def _print(benchmark: Published, found: Check) -> None:
    from rich.markup import escape

    root = wording.printable(str(found.root))
    console.put(f"{benchmark.title}, {found.split}, below {root}\n")
    table = table_of(["", "what"], ["there", "published"])
    for row in found.rows:
        table.add_row(_mark(row), escape(row.what), f"{row.found:,}", f"{row.expected:,}")
    screen_for_tables().print(table)
    if found.ok:
        console.put(f"everything is there: isa eval {found.name} --root '{root}'")
        return
    told: set[tuple[str, str]] = set()
    for row in found.missing:
        console.put(f"{row.what}: {wording.printable(str(row.where))}")
        if row.problem:
            console.put(f"  {wording.printable(row.problem)}")
        if (row.url, row.command) not in told:  # one clone brings several files
            console.put(f"  from {row.url}")
            console.put(f"  {wording.printable(row.command)}".rstrip())
        told.add((row.url, row.command))
        console.put("")


def _mark(row: Row) -> str:
    if not row.ok:
        return "no"
    return "yes" if row.found else "can do without"

"""``isa eval BENCHMARK --check``: what is on disk, what is missing, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.evaluation.datasets import Dataset
    from isa_cli.evaluation.datasets.check import Check, Need


def show_check(
    benchmark: Dataset,
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
    return ExitCode.DONE if found.ok else ExitCode.WORLD


def _document(found: Check) -> dict[str, Any]:
    return {
        "benchmark": found.name,
        "split": found.split,
        "root": str(found.root),
        "ok": found.ok,
        "needs": [
            {
                "what": need.what,
                "found": need.found,
                "expected": need.expected,
                "where": str(need.where),
                "url": need.url,
                "command": need.command,
                "problem": need.problem,
                "optional": need.optional,
                "ok": need.ok,
            }
            for need in found.needs
        ],
    }


def _print(benchmark: Dataset, found: Check) -> None:
    from isa_cli.cli.tables import show_table, table_of

    root = wording.printable(str(found.root))
    console.put(f"{benchmark.title}, {found.split}, below {root}")
    console.put()
    table = table_of(["", "what"], ["there", "published"])
    for need in found.needs:
        table.add_row(_mark(need), need.what, f"{need.found:,}", f"{need.expected:,}")
    show_table(table, page=True)
    if found.ok:
        console.put(f"everything is there: isa eval {found.name} --root '{root}'")
        return
    told: set[tuple[str, str]] = set()
    for need in found.missing:
        console.put(f"{need.what}: {wording.printable(str(need.where))}")
        if need.problem:
            console.put(f"  {wording.printable(need.problem)}")
        if (need.url, need.command) not in told:  # one clone brings several files
            console.put(f"  from {need.url}")
            console.put(f"  {wording.printable(need.command)}".rstrip())
        told.add((need.url, need.command))
        console.put()


def _mark(need: Need) -> str:
    if not need.ok:
        return "no"
    return "yes" if need.found else "can do without"

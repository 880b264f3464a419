"""What ``isa train`` says when it is done: how good, how fast, and what to type next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from isa_cli.cli import console
from isa_cli.query.files import QUERY_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isa_cli.training.run import Trained

WORDS = "the same in red"


def report(trained: Trained, gallery: Path) -> None:
    """Say it on stderr.

    Args:
        trained: what became of the run.
        gallery: the user's, which searches use.
    """
    record = trained.record
    console.say(
        f"image to sentence to image, on {record['held out']:,} held-out photos: {_reached(record)}"
    )
    console.say(
        f"  best of {console.counted(record['epochs run'], 'epoch')} in {record['seconds']:.0f} s, "
        f"{record['images per second']:,.0f} img/s: {_shares(record)}"
    )
    console.say(f"query model: {console.printable(str(trained.path))}")
    if trained.plot is not None:
        console.say(f"plot: {console.printable(str(trained.plot))}")
    console.say(f"log: {console.printable(str(trained.log))}")
    for line in _next(trained, gallery):
        console.say(line)


def _reached(record: Mapping[str, Any]) -> str:
    """Return the best epoch's measures, each beside what chance gives."""
    best = record["measures"][record["best epoch"] - 1]
    return ", ".join(
        f"{name} {value:.3f}{_by_chance(name, record['held out'])}"
        for name, value in best.items()
        if name != "epoch"
    )


def _by_chance(name: str, count: int) -> str:
    letters, _, k = name.partition("@")
    if letters != "R" or not k.isdigit():
        return ""
    return f" (by chance {min(1.0, int(k) / count):.3f})"


def _shares(record: Mapping[str, Any]) -> str:
    """Return where the time went, the most first."""
    phases = dict(record["seconds by phase"])
    whole = max(sum(phases.values()), 1e-9)
    most = sorted(phases.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in most)


def _next(trained: Trained, gallery: Path) -> list[str]:
    """Return the next command to type, with real paths."""
    home = gallery / QUERY_MODEL
    if trained.path != home:
        copy = shlex.join(["cp", str(trained.path), str(home)])
        return ["for isa search to use it:", f"  {console.printable(copy)}"]
    from isa_cli.config import load_settings

    picture = console.printable(trained.example)
    words = ["isa", "search", picture, WORDS]
    if load_settings().gallery != gallery:
        words += ["--gallery", str(gallery)]
    return ["isa search uses it from now on:", f"  {console.printable(shlex.join(words))}"]

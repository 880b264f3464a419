"""What training says when it is done: how good, how fast, and what to type next."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.encoders.names import BUNDLED
from isa_cli.query.lookup import QUERY_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isa_cli.training.runs import Composed, Trained

WORDS = "the same in red"


def report(trained: Trained, gallery: Path, model: str) -> None:
    """Say on stderr what became of ``isa train`` and ``isa train map``.

    Args:
        trained: what became of the run.
        gallery: the user's, which searches use.
        model: the large model by name.
    """
    record = trained.record
    console.say(
        f"image to sentence to image, on {record['held out']:,} held-out photos: {_reached(record)}"
    )
    console.say(f"{_pace(record)}, {record['images per second']:,.0f} img/s: {_shares(record)}")
    _say_what_next(trained, gallery, model, WORDS)


def report_composed(composed: Composed, gallery: Path, model: str) -> None:
    """Say on stderr what became of ``isa train compose``; the arguments are those of ``report``."""
    record = composed.record
    reached = ", ".join(
        f"{name} {record['reached'][name]:.3f} (before {before:.3f})"
        for name, before in record["untrained"].items()
    )
    console.say(f"reference and words to target, on {record['held out']:,} triplets: {reached}")
    speed = f"{record['triplets per second']:,.0f} triplets/s"
    console.say(f"{_pace(record)}, {speed}: {_shares(record)}")
    _say_what_next(composed, gallery, model, composed.modifier)


def _pace(record: Mapping[str, Any]) -> str:
    epochs = wording.counted(record["epochs run"], "epoch")
    return f"  best of {epochs} in {record['seconds']:.0f} s"


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


# --- and now -------------------------------------------------------------------------------------


def _say_what_next(made: Trained | Composed, gallery: Path, model: str, words: str) -> None:
    """Say where everything is, and what to type: real paths, and real words."""
    console.say(f"query model: {wording.printable(str(made.path))}")
    if made.plot is not None:
        console.say(f"plot: {wording.printable(str(made.plot))}")
    console.say(f"log: {wording.printable(str(made.log))}")
    tune = ["isa", "eval", "tune", *_questions(gallery, model), "--query-model", str(made.path)]
    console.say(f"its weight beside slerp is still to choose: {_shown(tune)}")
    if model == BUNDLED and made.path == gallery / QUERY_MODEL:
        console.say(
            "it takes the place of the query model that comes with isa, which this gallery uses "
            "again once the file is gone; isa eval wardrobe measures both, this one with "
            "--query-model"
        )
    for line in _search(made, gallery, words):
        console.say(line)


def _questions(gallery: Path, model: str) -> list[str]:
    """Return the questions to choose a query model's weight on, as ``isa eval tune`` wants them."""
    from isa_cli.evaluation.names import WARDROBE, WARDROBE_MODEL

    return [WARDROBE] if model == WARDROBE_MODEL else ["my.csv", *_of(gallery)]


def _search(made: Trained | Composed, gallery: Path, words: str) -> list[str]:
    """Return how to search with what was made."""
    home = gallery / QUERY_MODEL
    if made.path != home:
        return ["for isa search to use it:", f"  {_shown(['cp', str(made.path), str(home)])}"]
    command = ["isa", "search", os.fsdecode(made.example), words, *_of(gallery)]
    return ["isa search uses it from now on:", f"  {_shown(command)}"]


def _of(gallery: Path) -> list[str]:
    """Return how to name a gallery, which need not be said of the usual one."""
    from isa_cli.config import load_settings

    return [] if load_settings().gallery == gallery else ["--gallery", str(gallery)]


def _shown(command: list[str]) -> str:
    return wording.printable(shlex.join(command))

"""What ``isa train compose`` is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isa_cli.training.engine.schedule import COMPOSING, Schedule
from isa_cli.training.tasks.compose import ComposeSettings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ComposeJob:
    """What is trained, on what, and where it goes.

    Attributes:
        gallery: that has the triplets' pictures, and more of them for hard negatives.
        model: the gallery's model by name.
        triplets: the file.
        out: the query model's file, which may be ``start``; its run folder lies beside it.
        start: the query model to build on; adapters that it has are made anew.
        settings, schedule: how.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``.
        at_most: triplets; ``None``: all.
        fresh: begin again where part of a run is done.
    """

    gallery: Path
    model: str
    triplets: Path
    out: Path
    start: Path
    settings: ComposeSettings = field(default_factory=ComposeSettings)
    schedule: Schedule = COMPOSING
    device: str = "auto"
    at_most: int | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of a run.

    Attributes:
        path: the query model.
        log: one JSON line per step and per epoch; epoch 0 is what was there before.
        plot: of the loss and of what was measured; ``None`` without matplotlib.
        example: a reference that was held out (``os.fsencode``), and
        modifier: words asked with it.
        record: what the query model says about its training.
    """

    path: Path
    log: Path
    plot: Path | None
    example: bytes
    modifier: str
    record: dict[str, Any]

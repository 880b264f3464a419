"""What ``isa train`` is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isa_cli.training.augment import DEFAULT
from isa_cli.training.schedule import Schedule
from isa_cli.training.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isa_cli.training.augment import Augmentation


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, and where it goes.

    Attributes:
        gallery: whose photos and vectors are used.
        model: the gallery's model by name.
        out: the query model's file; its run folder lies beside it.
        settings, schedule: how.
        start: a query model whose light encoder, mapper and template stay as they are, and which
            the injection of ``settings`` is added to; ``None``: all is learned.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``.
        light_weights: a local file, timm's or a query model with such a light encoder; ``None``:
            timm's own, or none if not ``pretrained``.
        pretrained: fetch timm's weights of the light encoder.
        light_preprocessing: where it differs from timm's own.
        augmentation: what happens to a photo before it is learned from.
        phrases: for soft text alignment; (): those that suit the model, see ``training.bank``.
        at_most: photos; ``None``: all.
        fresh: begin again where part of a run is done.
    """

    gallery: Path
    model: str
    out: Path
    settings: Settings = field(default_factory=Settings)
    schedule: Schedule = field(default_factory=Schedule)
    start: Path | None = None
    device: str = "auto"
    light_weights: Path | None = None
    pretrained: bool = True
    light_preprocessing: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = DEFAULT
    phrases: tuple[str, ...] = ()
    at_most: int | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of a run.

    Attributes:
        path: the query model.
        log: one JSON line per step and per epoch.
        plot: of the losses and of what was measured; ``None`` without matplotlib.
        example: a photo that was held out (``os.fsencode``).
        record: what the query model says about its training.
    """

    path: Path
    log: Path
    plot: Path | None
    example: bytes
    record: dict[str, Any]

"""How long and how fast a run goes, and how far it has come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from isa_cli.training.options import EPOCHS, TrainOptions


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Attributes:
        epochs: passes over the photos.
        lr: of AdamW at its highest.
        weight_decay: of AdamW.
        warm_up: share of all steps in which the rate rises; afterwards it falls as a cosine.
        accumulate: batches whose gradients are added up for one step of the optimiser.
        clip: largest norm of the gradient.
        patience: epochs without a better measure after which the run ends; 0: never.
        precision: ``fp32`` or ``bf16`` (autocast).
    """

    epochs: int = EPOCHS
    lr: float = TrainOptions.lr
    weight_decay: float = 0.05
    warm_up: float = 0.05
    accumulate: int = TrainOptions.accumulate
    clip: float = 1.0
    patience: int = 3
    precision: str = "fp32"

    def pace(self, step: int, steps: int) -> float:
        """Return the share of the highest rate at a step, in (0, 1]."""
        rise = min(1.0, (step + 1) / max(1.0, self.warm_up * steps))
        fall = 0.5 + 0.5 * math.cos(math.pi * step / steps)
        return max(rise * fall, 1e-4)


@dataclass(slots=True)
class RunProgress:
    """Where a run stands, over all the processes it took.

    Attributes:
        step: steps done.
        before: the measure of what a run stands against, if it does.
        best: the measure of the state that is kept, and ``best_epoch`` when that was; 0: before
            the first one.
        peak: the highest measure so far, kept or not, and ``peak_epoch`` when that was.
        seconds: spent in steps.
        measures: one entry per epoch.
        phases: seconds by what they were spent on; those of measuring and saving come on top of
            ``seconds``.
    """

    step: int = 0
    before: float = -math.inf
    best: float = -math.inf
    best_epoch: int = 0
    peak: float = -math.inf
    peak_epoch: int = 0
    seconds: float = 0.0
    measures: list[dict[str, float]] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)

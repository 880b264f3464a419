"""How long and how fast a run goes, and how far it has come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

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

    @classmethod
    def of(cls, raw: Any, steps: int) -> RunProgress:
        """Return the progress that ``dataclasses.asdict`` made a dictionary of.

        Args:
            raw: out of a file.
            steps: that the whole run has.

        Raises:
            ValueError: it is none, or not one of such a run.
        """
        if isinstance(raw, dict):  # an earlier isa's has no peak, and knows not what was before
            told = {"peak": raw.get("best"), "peak_epoch": raw.get("best_epoch")}
            raw = {"before": -math.inf} | told | raw
        names = {each.name for each in fields(cls)}
        if not isinstance(raw, dict) or raw.keys() != names:
            raise ValueError("other fields than a run's progress has")
        progress = cls(**raw)
        epochs = raw["measures"] if isinstance(raw["measures"], list) else [None]
        counts = (progress.step, progress.best_epoch, progress.peak_epoch)
        if any(type(count) is not int for count in counts) or not 0 <= progress.step <= steps:
            raise ValueError("a step that the run does not have")
        if not all(0 <= epoch <= len(epochs) for epoch in counts[1:]):
            raise ValueError("an epoch that was never measured")
        if not all(map(_is_numbers, (*epochs, progress.phases))):
            raise ValueError("measures that are no numbers")
        if not _is_numbers(
            {"best": progress.best, "peak": progress.peak, "seconds": progress.seconds}
        ):
            raise ValueError("no number where one should be")
        return progress


def _is_numbers(values: object) -> bool:
    """Whether something is a dictionary of numbers by name."""
    return isinstance(values, dict) and all(
        isinstance(name, str) and type(value) in {int, float} for name, value in values.items()
    )

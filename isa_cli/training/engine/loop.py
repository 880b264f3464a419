"""The loop: steps, a schedule, a held-out measure, and a state that survives ``kill -9``.

What is learned is a ``Task``'s business.  Everything by chance in a step is drawn from the seed
and the step's number, so a run that was stopped and goes on is the run that was never stopped.
"""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from isa_cli.errors import TrainingError
from isa_cli.training.engine.clock import PhaseClock
from isa_cli.training.engine.schedule import RunProgress, Schedule

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from isa_cli.reporting import Reporter
    from isa_cli.training.engine.run_folder import RunFolder

SAVE_EVERY = 600.0
"""Seconds after which the state is saved within an epoch: what a kill can cost."""

ROUNDING = 1e-4
"""A measure higher by no more than this is no higher: another processor's sums may differ as much.
The thousand held-out photos that there are at most measure in steps ten times as large (ours)."""


class Task(Protocol):
    """What is trained: batches in, losses out.

    Attributes:
        steps_per_epoch: how many batches one has.
    """

    steps_per_epoch: int

    @property
    def clock(self) -> Mapping[str, float]:
        """The seconds that ``losses`` has spent so far, by phase."""

    @property
    def module(self) -> nn.Module:
        """What is learned; its state is what a checkpoint keeps."""

    def groups(self) -> list[dict[str, Any]]:
        """Return AdamW's parameter groups; ``lr`` in one is a factor of the schedule's."""

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return the losses of one batch, ``loss`` being the one to go down.

        The batch and all chance are decided by ``step`` and the task's seed alone.
        """

    def measure(self) -> Mapping[str, float]:
        """Return how good it is on what is held out; the first number says which state is best."""


class Loop:
    """One run.

    Args:
        task: what is trained; its ``steps_per_epoch`` counts batches.
        schedule: how long and how fast.
        folder: where state, log and the best weights go.
        device: where it runs.
        reporter: shows progress.
        seed: of what torch draws by chance.
        batch: photos per batch, for who watches.
        now: the time in seconds.
    """

    def __init__(
        self,
        task: Task,
        schedule: Schedule,
        folder: RunFolder,
        device: torch.device,
        reporter: Reporter,
        *,
        seed: int = 0,
        batch: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task = task
        self._schedule = schedule
        self._folder = folder
        self._device = device
        self._reporter = reporter
        self._seed = seed
        self._now = now
        self._per_epoch = max(1, task.steps_per_epoch // schedule.accumulate)
        self._clock = PhaseClock(device, now)
        self.images_per_step = batch * schedule.accumulate
        groups = task.groups()
        self._factors = [group.pop("lr", 1.0) for group in groups]
        self._optimiser = torch.optim.AdamW(
            groups, lr=schedule.lr, weight_decay=schedule.weight_decay
        )
        self.progress = RunProgress()
        self._least: Callable[[], float] = lambda: -math.inf
        state = folder.load_state()
        if state is not None:
            self._restore(state)
        self._earlier = self.progress.phases
        self._saved = now()
        folder.rewind(self.progress.step)

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        return self._schedule.epochs * self._per_epoch

    def stand_against(
        self, measures: Mapping[str, float], margin: Callable[[], float] | None = None
    ) -> None:
        """Keep what is there if no epoch measures better; a run that goes on does so already.

        Args:
            measures: of the task as it is, before its first step.
            margin: asked of each epoch that was just measured: how far above ``measures`` it has
                to be, as chance alone may lift it so far.
        """
        if margin is not None:
            self._least = lambda: self.progress.before + margin()
        if self.progress.step == 0:
            before = next(iter(measures.values()))
            self.progress.before = self.progress.best = self.progress.peak = before
            self._folder.save_best(self._task.module.state_dict())

    def run(self, stop: threading.Event) -> bool:
        """Train to the end, and leave the best state in the task; return whether it came there.

        Args:
            stop: when set, the step is finished, the state saved, and the run ends.

        Raises:
            TrainingError: the loss or its gradient is no number any more.
        """
        images = self.images_per_step
        with self._reporter.progress("training", self.steps * images, "img") as bar:
            bar.advance(self.progress.step * images)
            while self.progress.step < self.steps and not self._is_exhausted():
                if stop.is_set():
                    self._save()
                    return False
                self._step()
                bar.advance(images)
                if self.progress.step % self._per_epoch == 0:
                    self._close_epoch(self.progress.step // self._per_epoch)
                    self._save()
                elif self._now() - self._saved >= SAVE_EVERY:
                    self._save()
        self._count_phases()
        best = self._folder.load_best()
        if best is not None:
            self._task.module.load_state_dict(best)
        return True

    def _step(self) -> None:
        started = self._now()
        step = self.progress.step
        pace = self._schedule.pace(step, self.steps)
        for group, factor in zip(self._optimiser.param_groups, self._factors, strict=True):
            group["lr"] = self._schedule.lr * factor * pace
        self._task.module.train()
        means = self._descend(step)
        with self._clock.time("optimiser"):
            self._optimiser.step()
            self._optimiser.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.seconds += self._now() - started
        self._folder.log({"step": self.progress.step, "lr": self._schedule.lr * pace} | means)

    def _descend(self, step: int) -> dict[str, float]:
        """Add up the gradients of a step's batches, and return their mean losses."""
        batches = self._schedule.accumulate
        sums: dict[str, float] = {}
        for part in range(batches):
            torch.manual_seed(_chance(self._seed, step, part))
            with self._autocast():
                losses = self._task.losses(step * batches + part)
            with self._clock.time("backward"):
                (losses["loss"] / batches).backward()  # type: ignore[no-untyped-call]
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
        norm = torch.nn.utils.clip_grad_norm_(self._parameters(), self._schedule.clip)
        means = {name: value / batches for name, value in sums.items()}
        for what, size in {"loss": means["loss"], "gradient": float(norm)}.items():
            if not math.isfinite(size):
                raise TrainingError(
                    f"the {what} is {size} at step {step + 1}",
                    "run again with a lower --lr and --fresh, or with --precision fp32",
                )
        return means

    def _parameters(self) -> Iterable[Tensor]:
        return [p for group in self._optimiser.param_groups for p in group["params"]]

    def _autocast(self) -> Any:
        if self._schedule.precision == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, torch.bfloat16)

    def _close_epoch(self, epoch: int) -> None:
        """Measure what is held out, and keep the weights if they are the best so far."""
        self._task.module.eval()
        with self._clock.time("measuring"):
            measures = dict(self._task.measure())
        name, value = next(iter(measures.items()))
        self.progress.measures.append({"epoch": float(epoch)} | measures)
        self._folder.log({"step": self.progress.step, "epoch": epoch} | measures)
        self._reporter.note(f"epoch {epoch}: {name} {value:.3f} on what is held out")
        if value > self.progress.peak + ROUNDING:
            self.progress.peak, self.progress.peak_epoch = value, epoch
        if value > max(self.progress.best + ROUNDING, self._least()):
            self.progress.best, self.progress.best_epoch = value, epoch
            self._folder.save_best(self._task.module.state_dict())

    def _is_exhausted(self) -> bool:
        epoch = self.progress.step // self._per_epoch
        patience = self._schedule.patience
        return 0 < patience <= epoch - self.progress.peak_epoch

    # --- the state -------------------------------------------------------------------------------

    def _save(self) -> None:
        with self._clock.time("saving"):
            self._count_phases()
            self._folder.save_state(
                {
                    "module": self._task.module.state_dict(),
                    "optimiser": self._optimiser.state_dict(),
                    "progress": asdict(self.progress),
                }
            )
        self._saved = self._now()

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, or leave everything as it is.

        Raises:
            TrainingError: it is no state of this run.
        """
        module = self._task.module
        own = module.state_dict()
        with self._folder.telling_of_damage():
            progress = RunProgress.of(state["progress"], self.steps)
            _check_tensors(state["module"], own)
            if progress.best > -math.inf:  # or the run would end with weights that are not the best
                _check_tensors(self._folder.load_best() or {}, own)
            module.load_state_dict(state["module"])
            _restore_optimiser(self._optimiser, state["optimiser"])
        self.progress = progress
        self._reporter.note(f"going on after step {self.progress.step:,}")

    def _count_phases(self) -> None:
        """Add up what earlier processes, the task and the loop itself have counted."""
        clocks = (self._earlier, self._task.clock, self._clock)
        names = [name for clock in clocks for name in clock]
        self.progress.phases = {
            name: sum(clock.get(name, 0.0) for clock in clocks) for name in names
        }


def _chance(seed: int, step: int, part: int) -> int:
    """Return torch's seed for one batch of a step."""
    return int(np.random.SeedSequence((seed, step, part)).generate_state(1)[0])


def _check_tensors(found: Mapping[str, Any], own: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not, by names and shapes, those of the module.

    Raises:
        ValueError: they are not.
    """
    if found.keys() != own.keys():
        raise ValueError("other tensors than the run learns")
    for name, tensor in own.items():
        if not isinstance(found[name], torch.Tensor) or found[name].shape != tensor.shape:
            raise ValueError(f"{name} is of another shape")


def _restore_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Give an optimiser its moments back; how it learns, the run's own settings say.

    Raises:
        ValueError: they are not those of its parameters.
    """
    own = [dict(group) for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, settings in zip(optimiser.param_groups, own, strict=True):
        group.update(settings)
    for parameter, moments in optimiser.state.items():
        for name in _MOMENTS:
            shape = parameter.shape if name != "step" else torch.Size()
            if not isinstance(moments.get(name), torch.Tensor) or moments[name].shape != shape:
                raise ValueError(f"the optimiser's {name} is of another shape")


_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of each parameter."""

"""Where the time of a run goes, by phase."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class PhaseClock(dict[str, float]):
    """Seconds by phase, adding up.

    Args:
        device: a GPU works on after a call has come back; the clock waits for it.
        now: the time in seconds.
    """

    def __init__(self, device: torch.device, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._device = device
        self._now = now

    @contextmanager
    def time(self, phase: str) -> Iterator[None]:
        """Add the time that the context takes to a phase."""
        started = self._now()
        try:
            yield
        finally:
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
            self[phase] = self.get(phase, 0.0) + self._now() - started

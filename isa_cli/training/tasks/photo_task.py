"""What tasks on a gallery's photos share: their batches, what is on disk of them, their measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from isa_cli.training.engine.clock import PhaseClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from isa_cli.gallery.patch_features import PatchFeatures
    from isa_cli.training.config import IsaConfig
    from isa_cli.training.data.photos import RowNumbers, TrainingPhotos
    from isa_cli.training.data.pictures import Batch, TrainingPictures
    from isa_cli.types import Pixels

MEASURED_AT_ONCE = 64
"""Held-out photos read together."""


class PhotoTask:
    """One half of a ``loop.Task``: all but the module and its losses.

    The large visual encoder does not run: its vectors and patch features are on disk.

    Args:
        photos: the gallery's photos, split.
        pictures: gives their pixels.
        config: of the run.
        device: where tensors live.

    Attributes:
        clock: seconds by phase.
        steps_per_epoch: full batches of the photos.
    """

    def __init__(
        self,
        photos: TrainingPhotos,
        pictures: TrainingPictures,
        config: IsaConfig,
        device: torch.device,
    ) -> None:
        self._photos = photos
        self._pictures = pictures
        self._config = config
        self._device = device
        self.clock = PhaseClock(device)
        self.steps_per_epoch = photos.steps_per_epoch(config.batch)

    def _batch(self, step: int) -> Batch:
        """Return the rows (B,) of a step and their pixels, with the next step's under way."""
        config = self._config
        wanted = self._photos.batch_rows(step, config.batch, config.seed)
        with self.clock.time("pictures"):
            self._pictures.prefetch(step + 1)
            return self._pictures.batch(step, wanted)

    def _vectors(self, rows: RowNumbers) -> Tensor:
        """Return the large encoder's vectors (B, D) of photos."""
        return torch.from_numpy(self._photos.vectors[rows]).to(self._device)

    def _cells(self, patches: PatchFeatures, rows: RowNumbers) -> Tensor:
        """Return the large encoder's patch features (B, P, D) of photos."""
        return torch.from_numpy(patches.rows(self._photos.keys[rows])).to(self._device)

    def _recall(self, seen: Callable[[Sequence[Pixels]], Tensor]) -> dict[str, float]:
        """Return R@1 and R@10 of the held-out photos, looked for among their own vectors.

        Args:
            seen: what is made of a batch's pixels, (B, D) of any length.
        """
        parts, present = [], []
        held = self._photos.held_out
        for start in range(0, len(held), MEASURED_AT_ONCE):
            rows, pixels = self._pictures.plain(held[start : start + MEASURED_AT_ONCE])
            parts.append(seen(pixels).float())
            present.append(rows)
        queries = functional.normalize(torch.cat(parts), dim=-1)  # (Q, D)
        scores = queries @ self._vectors(np.concatenate(present)).T  # (Q, Q)
        better = (scores > scores.diagonal()[:, None]).sum(dim=1)
        return {f"R@{k}": float((better < k).float().mean()) for k in (1, 10)}

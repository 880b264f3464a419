"""The step before ISA for a light encoder that begins from nothing: it learns to see (ours).

A light encoder with random weights is first drawn to what the large encoder has seen, as a
whole and in every cell of a grid, all of which lies on disk already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from isa_cli.training.losses import gcd
from isa_cli.training.tasks.photo_task import PhotoTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from isa_cli.encoders.light import LightEncoder
    from isa_cli.gallery.patch_features import PatchFeatures
    from isa_cli.training.config import IsaConfig
    from isa_cli.training.data.photos import TrainingPhotos
    from isa_cli.training.data.pictures import TrainingPictures

CONTRAST = 0.1
"""Weight of telling pictures apart, beside both cosines."""


class Seer(nn.Module):
    """A light encoder and a linear head into the joint space; the head is thrown away later.

    Args:
        light: what is to learn.
        dim: D of the joint space.
    """

    def __init__(self, light: LightEncoder, dim: int) -> None:
        super().__init__()
        self.light = light
        self.head = nn.Linear(light.channels, dim)

    def forward(self, pixels: Tensor, grid: int) -> tuple[Tensor, Tensor]:
        """Return features of normalised pixels (B, 3, H, W): (B, D), and by cell (B, grid², D)."""
        features = self.light(pixels)  # (B, C, H', W')
        cells = functional.adaptive_avg_pool2d(features, grid).flatten(2).transpose(1, 2)
        return self.head(features.mean(dim=(2, 3))), self.head(cells)


class DistilTask(PhotoTask):
    """Training a light encoder to see what the large one saw.

    Args:
        photos: the gallery's photos, split.
        pictures: gives their pixels.
        seer: what is learned.
        patches: the large encoder's patch features.
        config: of the run.
        device: where tensors live.
    """

    def __init__(
        self,
        photos: TrainingPhotos,
        pictures: TrainingPictures,
        seer: Seer,
        patches: PatchFeatures,
        config: IsaConfig,
        device: torch.device,
    ) -> None:
        super().__init__(photos, pictures, config, device)
        self._seer = seer
        self._patches = patches

    @property
    def module(self) -> nn.Module:
        """The light encoder and its head."""
        return self._seer

    def groups(self) -> list[dict[str, Any]]:
        """Return one parameter group: everything is new."""
        return [{"params": list(self._seer.parameters()), "lr": 1.0}]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return the loss of one batch and its parts: cosine distances, and telling apart."""
        rows, pixels = self._batch(step)
        with self.clock.time("light encoder"):
            whole, cells = self._seer(self._seer.light.normalised(pixels), self._config.grid)
        vectors = self._vectors(rows)
        seen = self._cells(self._patches, rows)
        parts = {
            "whole": 1 - functional.cosine_similarity(whole, vectors).mean(),
            "cells": 1 - functional.cosine_similarity(cells, seen, dim=-1).mean(),
            "contrast": gcd(whole, vectors, self._config.temperature),
        }
        return {"loss": parts["whole"] + parts["cells"] + CONTRAST * parts["contrast"]} | parts

    @torch.inference_mode()
    def measure(self) -> Mapping[str, float]:
        """Return R@1 and R@10 of held-out photos, looked for among the large encoder's vectors."""
        return self._recall(lambda pixels: self._seer(self._seer.light.normalised(pixels), 1)[0])

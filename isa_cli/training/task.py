"""ISA's step: pictures become sentences, the text tower reads them, their own vectors judge them.

The large visual encoder does not run here: its vectors and local features are on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from isa_cli.training.clock import PhaseClock
from isa_cli.training.losses import gcd, lar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from isa_cli.gallery.local_features import LocalFeatures
    from isa_cli.query.network import QueryNetwork
    from isa_cli.query.reading import Read, SentenceReader
    from isa_cli.training.photos import Pictures, TrainingPhotos
    from isa_cli.training.settings import Settings

    Rows = NDArray[np.int64]

MEASURED_AT_ONCE = 64


class IsaTask:
    """Training on unlabelled photos.

    Args:
        photos: the gallery's photos, split.
        pictures: gives their pixels.
        network: what is learned.
        reader: the frozen text tower.
        local: the large encoder's local features; ``None``: train without LAR.
        settings: how.
        device: where tensors live.
    """

    def __init__(
        self,
        photos: TrainingPhotos,
        pictures: Pictures,
        network: QueryNetwork,
        reader: SentenceReader,
        local: LocalFeatures | None,
        settings: Settings,
        device: torch.device,
    ) -> None:
        self._photos = photos
        self._pictures = pictures
        self._network = network
        self._reader = reader
        self._local = local
        self._settings = settings
        self._device = device
        if not settings.light_rate:
            network.freeze_light()
        self.clock = PhaseClock(device)
        self.steps_per_epoch = photos.steps_per_epoch(settings.batch)

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self._network

    def groups(self) -> list[dict[str, Any]]:
        """Return the parameter groups: the light encoder learns more slowly than the mapper."""
        mapper = {"params": list(self._network.mapper.parameters()), "lr": 1.0}
        if self._network.light_is_frozen:
            return [mapper]
        light = list(self._network.light.parameters())
        return [mapper, {"params": light, "lr": self._settings.light_rate}]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return ``loss = gcd + lambda lar`` of one batch, and both parts."""
        wanted = self._photos.batch_rows(step, self._settings.batch, self._settings.seed)
        with self.clock.time("pictures"):
            self._pictures.prefetch(step + 1)
            rows, pixels = self._pictures.batch(step, wanted)
        with self.clock.time("light encoder"):
            sentence = self._network.sentences(pixels)
        with self.clock.time("text tower"):
            read = self._reader.read_tokens(sentence.tokens, [""] * len(rows))
        with self.clock.time("losses"):
            return self._judged(read, rows, step)

    def _judged(self, read: Read, rows: Rows, step: int) -> Mapping[str, Tensor]:
        """Return the losses of what the text tower read of a batch."""
        settings = self._settings
        memory, own = self._memory(rows, step)
        losses = {"gcd": gcd(read.features, self._vectors(rows), settings.temperature, memory, own)}
        loss = losses["gcd"]
        if self._local is not None and settings.local_weight:
            local = torch.from_numpy(self._local.rows(self._photos.keys[rows])).to(self._device)
            losses["lar"] = lar(read.slots, local, settings.local_temperature)
            loss = loss + settings.local_weight * losses["lar"]
        return {"loss": loss} | losses

    def _vectors(self, rows: Rows) -> Tensor:
        return torch.from_numpy(self._photos.vectors[rows]).to(self._device)

    def _memory(self, rows: Rows, step: int) -> tuple[Tensor | None, Tensor | None]:
        """Return (M, D) more negatives and (B, M) which of them show a row's own photo."""
        size = min(self._settings.memory, len(self._photos.train))
        if size == 0:
            return None, None
        rng = np.random.default_rng((self._settings.seed, step))
        drawn = rng.choice(self._photos.train, size, replace=False)
        own = torch.from_numpy(rows[:, None] == drawn[None, :]).to(self._device)
        return self._vectors(drawn), own

    @torch.inference_mode()
    def measure(self) -> Mapping[str, float]:
        """Return image-to-sentence-to-image R@1 and R@10 among the held-out photos."""
        parts, present = [], []
        held = self._photos.held_out
        for start in range(0, len(held), MEASURED_AT_ONCE):
            rows, pixels = self._pictures.plain(held[start : start + MEASURED_AT_ONCE])
            sentence = self._network.sentences(pixels)
            parts.append(self._reader.read(sentence.tokens, [""] * len(rows)))
            present.append(rows)
        rows = np.concatenate(present)
        read = functional.normalize(torch.cat(parts).float(), dim=-1)  # (Q, D)
        scores = read @ self._vectors(rows).T  # (Q, Q)
        own = scores.diagonal()[:, None]
        better = (scores > own).sum(dim=1)
        return {f"R@{k}": float((better < k).float().mean()) for k in (1, 10)}

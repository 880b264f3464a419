"""ISA's step: pictures become sentences, the text tower reads them, their own vectors judge them.

The large visual encoder does not run here: its vectors and patch features are on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isa_cli.training.losses import gcd, lar, soft_alignment
from isa_cli.training.tasks.photo_task import PhotoTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from isa_cli.gallery.patch_features import PatchFeatures
    from isa_cli.query.image2sentence import QueryNetwork
    from isa_cli.query.reading import Read, SentenceReader
    from isa_cli.training.config import IsaConfig
    from isa_cli.training.data.photos import RowNumbers, TrainingPhotos
    from isa_cli.training.data.phrases import PhraseFeatures
    from isa_cli.training.data.pictures import TrainingPictures
    from isa_cli.types import Pixels


class IsaTask(PhotoTask):
    """Training on unlabelled photos: ISA's own, and stage I of the two-stage framework.

    Args:
        photos: the gallery's photos, split.
        pictures: gives their pixels.
        network: what is learned.
        reader: the frozen text tower, with the network's injection if it has one.
        patches: the large encoder's patch features; ``None``: train without LAR.
        config: of the run.
        device: where tensors live.
        phrases: for soft text alignment; ``None``: without.
    """

    def __init__(
        self,
        photos: TrainingPhotos,
        pictures: TrainingPictures,
        network: QueryNetwork,
        reader: SentenceReader,
        patches: PatchFeatures | None,
        config: IsaConfig,
        device: torch.device,
        phrases: PhraseFeatures | None = None,
    ) -> None:
        super().__init__(photos, pictures, config, device)
        if config.soft_weight and phrases is None:
            raise ValueError("soft text alignment needs phrases")
        self._network = network
        self._reader = reader
        self._patches = patches
        self._phrases = phrases
        if not config.light_rate:
            network.freeze(network.light)

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self._network

    def groups(self) -> list[dict[str, Any]]:
        """Return the parameter groups: the light encoder learns more slowly than what is new."""
        network = self._network
        new = _learning(network.mapper) + _learning(network.injection)
        groups = [{"params": new, "lr": 1.0}]
        if light := _learning(network.light):
            groups.append({"params": light, "lr": self._config.light_rate})
        return groups

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return ``loss = gcd + lambda lar + mu soft`` of one batch, and its parts."""
        rows, pixels = self._batch(step)
        with self.clock.time("light encoder"):
            sentence = self._network.sentences(pixels)
        with self.clock.time("text tower"):
            read = self._reader.read_tokens(sentence.tokens, [""] * len(rows), sentence.features)
        with self.clock.time("losses"):
            return self._judged(read, rows, step)

    def _judged(self, read: Read, rows: RowNumbers, step: int) -> Mapping[str, Tensor]:
        """Return the losses of what the text tower read of a batch."""
        config = self._config
        vectors = self._vectors(rows)
        memory, own = self._memory(rows, step)
        losses = {"gcd": gcd(read.features, vectors, config.temperature, memory, own)}
        loss = losses["gcd"]
        if self._patches is not None and config.local_weight:
            patches = self._cells(self._patches, rows)
            losses["lar"] = lar(read.slots, patches, config.local_temperature)
            loss = loss + config.local_weight * losses["lar"]
        if self._phrases is not None and config.soft_weight:
            losses["soft"] = soft_alignment(
                read.features, vectors, self._phrases.features, self._phrases.temperature
            )
            loss = loss + config.soft_weight * losses["soft"]
        return {"loss": loss} | losses

    def _memory(self, rows: RowNumbers, step: int) -> tuple[Tensor | None, Tensor | None]:
        """Return a step's memory bank (M, D), and (B, M) which of it show a row's own photo."""
        size = min(self._config.memory, len(self._photos.train))
        if size == 0:
            return None, None
        rng = np.random.default_rng((self._config.seed, step))
        drawn = rng.choice(self._photos.train, size, replace=False)
        own = torch.from_numpy(rows[:, None] == drawn[None, :]).to(self._device)
        return self._vectors(drawn), own

    @torch.inference_mode()
    def measure(self) -> Mapping[str, float]:
        """Return image-to-sentence-to-image R@1 and R@10 among the held-out photos."""
        return self._recall(self._read)

    def _read(self, pixels: Sequence[Pixels]) -> Tensor:
        """Return the text features (B, D) of pictures, not normalised."""
        sentence = self._network.sentences(pixels)
        return self._reader.read(sentence.tokens, [""] * len(pixels), sentence.features)


def _learning(part: nn.Module | None) -> list[nn.Parameter]:
    """Return a part's parameters that are not frozen."""
    return [p for p in part.parameters() if p.requires_grad] if part is not None else []

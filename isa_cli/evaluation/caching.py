"""Learned composers that share what they saw: a reference is opened, looked at and read once.

A benchmark asks about one picture again and again: in two wordings, by two methods of one query
model, and when tuning, by each weight and text that is tried.  What it shows depends on none of
them; what is read of it, on the text but not on the weight.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from isa_cli.query.isa import IsaComposer
from isa_cli.query.token_learner import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import NDArray

    from isa_cli.encoders import Backbone
    from isa_cli.protocols import TextEncoder
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.composers import Calibration
    from isa_cli.query.image2sentence import ImageToSentence, Picture
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors

ROOM = 2 << 30
"""Bytes of sentences that are kept: a few KB each, but 300 KB with the feature map."""


class CachingImageToSentence:
    """An image-to-sentence network that looks at a picture once; equal pictures are one.

    Args:
        network: does the work.
        features: keep the feature maps too, for whoever injects them.
        room: bytes; pictures for which there is none are looked at each time.
    """

    def __init__(self, network: ImageToSentence, *, features: bool, room: int = ROOM) -> None:
        self._network = network
        self._features = features
        self._room = room
        self._known: dict[Picture, tuple[torch.Tensor, torch.Tensor | None]] = {}

    def sentences(self, pictures: Sequence[Picture]) -> Sentence:
        """Return the sentences of B pictures, without the attention.

        Raises:
            ImageError: a picture can't be opened.
        """
        found = {picture: self._known[picture] for picture in pictures if picture in self._known}
        new = [picture for picture in dict.fromkeys(pictures) if picture not in found]
        if new:
            fresh = dict(zip(new, self._looked_at(new), strict=True))
            size = sum(part.nbytes for row in fresh.values() for part in row if part is not None)
            if size <= self._room:
                self._room -= size
                self._known |= fresh
            found |= fresh
        rows = [found[picture] for picture in pictures]
        features = [features for _, features in rows if features is not None]
        return Sentence(
            torch.stack([tokens for tokens, _ in rows]),
            None,
            torch.stack(features) if features else None,
        )

    def _looked_at(
        self, pictures: Sequence[Picture]
    ) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
        """Return each picture's tokens (L, E) and its feature map (C, H, W), if that is wanted."""
        tokens, _, features = self._network.sentences(pictures)
        if features is None or not self._features:
            return [(row, None) for row in tokens]
        return list(zip(tokens, features, strict=True))


class CachingComposer(IsaComposer):
    """An ``IsaComposer`` that reads a picture with a modifier once, whatever it is blended with.

    Args:
        model, backbone, text, calibration, reporter, method: see ``IsaComposer``.
        network: the model's image-to-sentence network, shared with its other composers.
    """

    def __init__(
        self,
        model: QueryModel,
        backbone: Backbone,
        text: TextEncoder,
        calibration: Calibration,
        reporter: Reporter,
        method: str,
        network: ImageToSentence,
    ) -> None:
        super().__init__(model, backbone, text, calibration, reporter=reporter, method=method)
        self._image_to_sentence = network
        self._rows: dict[tuple[Picture, str], NDArray[np.float32]] = {}

    def blended_by(self, blend: float) -> Self:
        """Return the same composer with another weight of slerp's answer; both read for both."""
        other = copy.copy(self)
        other.blend = blend
        return other

    def _read(self, pairs: Sequence[tuple[Picture, str]]) -> Vectors:
        """Return one unit row for each picture and its modifier."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._rows]
        self._rows |= dict(zip(new, super()._read(new), strict=True))
        rows = [self._rows[pair] for pair in pairs]
        return np.stack(rows) if rows else np.empty((0, self.space.dim), np.float32)

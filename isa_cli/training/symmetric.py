"""Symmetric ISA: the large visual encoder in the light one's place, for comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from isa_cli.encoders.patch_features import feature_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.types import Pixels


class LargeMap(nn.Module):
    """The large visual encoder's last feature map; frozen, and none of this module's weights.

    Args:
        backbone: loaded with its image part.

    Attributes:
        size: (height, width) of the pixels it reads.
        channels: C of the feature map.

    Raises:
        ModelError: the image tower has no usable feature map.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = backbone
        self.size = backbone.input_size
        blank = torch.zeros(1, 3, *self.size, device=backbone.place.device)
        self.channels = int(self.forward(blank).shape[1])

    def prepare(self, image: Image) -> Pixels:
        """Return a picture resized and cropped as the gallery's were."""
        return self._backbone.prepare(image)

    def normalised(self, batch: Sequence[Pixels]) -> Tensor:
        """Return B prepared pictures as the tower wants them, (B, 3, H, W)."""
        return self._backbone.normalised(batch)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the feature map (B, C, H', W') of normalised pixels (B, 3, H, W)."""
        return feature_map(self._backbone, pixels).float()

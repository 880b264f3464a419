"""Composing adapters: what the frozen text tower learns about putting a picture and words together.

Wang et al., 2025 (arXiv 2504.17990), stage II: small adapters in the text tower's layers, trained
on a small amount of synthetic triplets [stated].  The form is ours: a bottleneck after each layer
and one before the first, zero at the start, so that untrained adapters change nothing.  The one
before the first can take off a sentence what is chance in its picture, before anything is made of
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from isa_cli.query.header import AdaptersConfig


class Adapters(nn.Module):
    """One adapter for each of some layers: ``h + up(gelu(down(norm(h))))``.

    Args:
        config: layers and sizes.
    """

    def __init__(self, config: AdaptersConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict(
            {str(layer): _bottleneck(config.width, config.bottleneck) for layer in config.layers}
        )

    def forward(self, layer: int, states: Tensor) -> Tensor:
        """Return the states (B, T, W) that a layer gave out as the next one is to read them.

        Args:
            layer: one of ``config.layers``.
            states: of every position.
        """
        added: Tensor = self.layers[str(layer)](states.float())
        return states + added.to(states.dtype)


def _bottleneck(width: int, narrow: int) -> nn.Sequential:
    up = nn.Linear(narrow, width)
    nn.init.zeros_(up.weight)
    nn.init.zeros_(up.bias)
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, narrow), nn.GELU(), up)

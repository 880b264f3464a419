"""Visual semantic injection: within the text tower a picture's words look at the picture again.

Wang et al., 2025 (arXiv 2504.17990), stage I: at several layers of the frozen text tower the
pseudo-words' hidden states take in visual semantics again [stated].  The form is ours: gated
cross-attention on what goes into a layer, ``h[slots] += tanh(a) CrossAttn(LN(h[slots]),
K=V=W LN(X))``, with a = 0 at the start, so that an untrained injection changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from isa_cli.query.header import InjectionConfig


class Injection(nn.Module):
    """One gated cross-attention for each of some layers.

    Args:
        config: layers and sizes.
    """

    def __init__(self, config: InjectionConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict({str(layer): _Look(config) for layer in config.layers})

    def forward(self, layer: int, states: Tensor, slots: Tensor, features: Tensor) -> Tensor:
        """Return the states (B, T, W) as a layer is to read them.

        Args:
            layer: one of ``config.layers``.
            states: of every position; all but the slots pass as they are.
            slots: (B, L) positions of the sentence's tokens.
            features: (B, C, H, W') the feature map that the sentence was written from.
        """
        index = slots[:, :, None].expand(-1, -1, states.shape[-1])  # (B, L, W)
        words = states.gather(1, index)
        pixels = features.float().flatten(2).transpose(1, 2)  # (B, HW', C)
        seen: Tensor = self.layers[str(layer)](words.float(), pixels)
        return states.scatter(1, index, words + seen.to(words.dtype))


class _Look(nn.Module):
    """What the words of one layer take from the picture."""

    def __init__(self, config: InjectionConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Sequential(
            nn.LayerNorm(config.channels), nn.Linear(config.channels, config.width)
        )
        self.attention = nn.MultiheadAttention(config.width, config.heads, batch_first=True)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, words: Tensor, pixels: Tensor) -> Tensor:
        """The addition (B, L, W) to the words (B, L, W), made from pixels (B, P, C)."""
        x = self.project(pixels)  # (B, P, W)
        seen: Tensor = self.attention(self.norm(words), x, x, need_weights=False)[0]
        return torch.tanh(self.gate) * seen

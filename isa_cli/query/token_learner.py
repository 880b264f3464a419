"""The adaptive token learner of ISA: a feature map in, a short sentence of word embeddings out.

Du et al., "Image2Sentence based asymmetric zero-shot composed image retrieval", ICLR 2024.  The
paper states the pieces: each pixel is shared out among L semantic groups, self-attention refines
their means, cross-attention selects from the pixels.  Ours, where it leaves a choice open:
pre-norm, the number of blocks and heads, the width of the FFN, and the scale at the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


class Sentence(NamedTuple):
    """A picture as words.

    Attributes:
        tokens: (B, L, E) word embeddings.
        attention: (B, L, H, W) how much of each pixel each token holds, 1 in sum over L; ``None``
            from a mapper that does not look at pixels.
        features: (B, C, H, W) the feature map that it was written from; ``None`` where whoever
            called the mapper did not keep it, or the mapper read none.
    """

    tokens: Tensor
    attention: Tensor | None
    features: Tensor | None = None


class TokenLearner(nn.Module):
    """Shares the pixels out among L tokens and makes a word embedding of each.

    Args:
        channels: C of the feature map.
        width: d, the learner's own width; a multiple of ``heads``.
        tokens: L, the length of the sentence.
        out: E, the width of the text tower's word embeddings.
        blocks: how many times the tokens are refined.
        heads: of every attention.
        fixed_length: see ``Words``.
    """

    def __init__(
        self,
        channels: int,
        width: int = 256,
        tokens: int = 6,
        out: int = 512,
        blocks: int = 1,
        heads: int = 4,
        *,
        fixed_length: bool = True,
    ) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.groups = nn.Conv2d(width, tokens, 1)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.words = Words(width, out, fixed_length=fixed_length)

    def forward(self, features: Tensor) -> Sentence:
        """Return the sentence for a feature map (B, C, H, W)."""
        x = self.norm(self.project(features))  # (B, d, H, W)
        attention = self.groups(x).softmax(dim=1)  # (B, L, H, W)
        x = x.flatten(2).transpose(1, 2)  # (B, HW, d)
        a = attention.flatten(2)  # (B, L, HW)
        # a group that no pixel belongs to has no mean, but must not divide by zero either
        z = (a @ x) / a.sum(dim=-1, keepdim=True).clamp_min(1e-6)  # (B, L, d)
        for block in self.blocks:
            z = block(z, x)
        return Sentence(self.words(z), attention)  # (B, L, E)

    def scale_(self, mean_norm: float) -> Self:
        """Make the sentence start as long as real words; ``mean_norm`` is theirs (ours).

        Longer or shorter, the frozen text tower is out of its range from the first step.
        """
        self.words.scale_(mean_norm)
        return self


class Block(nn.Module):
    """One refinement of the tokens: among themselves, from the pixels, each for itself.

    Args:
        width: d.
        heads: of both attentions.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ffn = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the tokens (B, L, d) refined by the pixels x (B, HW, d)."""
        before_self, before_cross, before_ffn = self.norms
        q = before_self(z)
        z = z + self.self_attention(q, q, q, need_weights=False)[0]
        z = z + self.cross_attention(before_cross(z), x, x, need_weights=False)[0]
        refined: Tensor = z + self.ffn(before_ffn(z))
        return refined


class Words(nn.Module):
    """The last step of every mapper: anything into word embeddings of a known length.

    The norm before it makes the length at the start a matter of the weights alone (ours).  So is
    that words keep it (ours): trained freely on the wardrobe they grew to 12 times the mean length
    of real ones, out of what the text tower was trained on.

    Args:
        width: d of what comes in.
        out: E of one word.
        tokens: words made of each row.
        fixed_length: every word keeps the length that ``scale_`` gave it; otherwise training may
            change it.
    """

    length: Tensor

    def __init__(self, width: int, out: int, tokens: int = 1, *, fixed_length: bool = True) -> None:
        super().__init__()
        self.tokens = tokens
        self.fixed_length = fixed_length
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, tokens * out)
        self.register_buffer("length", torch.ones(()))
        nn.init.normal_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.scale_(1.0)

    def forward(self, z: Tensor) -> Tensor:
        """Return (..., tokens * E) for (..., d)."""
        words: Tensor = self.linear(self.norm(z))
        if not self.fixed_length:
            return words
        apart = words.reshape(*words.shape[:-1], self.tokens, -1)  # (..., tokens, E)
        return (self.length * functional.normalize(apart, dim=-1)).flatten(-2)

    @torch.no_grad()
    def scale_(self, mean_norm: float) -> None:
        """Give every word the length ``mean_norm``, as a root mean square where it is free.

        A normed row has length sqrt(d), so that W of random rows maps it to the length |W|_F.
        """
        weight = self.linear.weight
        weight.mul_(mean_norm * self.tokens**0.5 / weight.norm())
        self.length.fill_(mean_norm)

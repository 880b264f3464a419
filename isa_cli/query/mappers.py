"""Everything that turns a picture into word embeddings, behind one interface.

``token-learner`` is the paper's; ``mlp`` takes its place in ablations, and with one token it is
the single pseudo-word of earlier methods; ``published-*`` are other people's networks, whose
input is an image embedding (B, D) instead of a feature map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from torch import nn

from isa_cli.errors import UsageError
from isa_cli.query.header import IM2TEXT, MLP, PHI, TOKEN_LEARNER, MapperConfig
from isa_cli.query.importing import PublishedMapper
from isa_cli.query.token_learner import Sentence, TokenLearner, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = ["Mapper", "MapperConfig", "PooledMapper", "Sentence", "build_mapper"]


class Mapper(Protocol):
    """A module that writes a picture's sentence."""

    def __call__(self, features: Tensor) -> Sentence:
        """Return the sentence for (B, C, H, W), or (B, D) in a published network."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """The tensors that are learned."""


class PooledMapper(nn.Module):
    """The same from the feature map's mean: no token looks at any place (ablation).

    Args:
        channels: C of the feature map.
        width: of the hidden layers.
        tokens: L; 1 is the single pseudo-word.
        out: E, the width of the text tower's word embeddings.
        fixed_length: see ``token_learner.Words``.
    """

    def __init__(
        self,
        channels: int,
        width: int = 256,
        tokens: int = 1,
        out: int = 512,
        *,
        fixed_length: bool = True,
    ) -> None:
        super().__init__()
        self.tokens = tokens
        self.mlp = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
        )
        self.words = Words(width, out, tokens, fixed_length=fixed_length)

    def forward(self, features: Tensor) -> Sentence:
        """Return the sentence for a feature map (B, C, H, W)."""
        z = self.mlp(features.mean(dim=(2, 3)))  # (B, d)
        return Sentence(self.words(z).unflatten(-1, (self.tokens, -1)), None)  # (B, L, E)

    def scale_(self, mean_norm: float) -> Self:
        """Make the sentence start as long as real words; see ``TokenLearner.scale_``."""
        self.words.scale_(mean_norm)
        return self


def build_mapper(config: MapperConfig) -> TokenLearner | PooledMapper | PublishedMapper:
    """Return the mapper that a config describes, untrained.

    Raises:
        UsageError: there is no such kind, or its sizes do not go together.
    """
    sizes = (config.channels, config.out, config.tokens, config.width, config.heads)
    if min(sizes) < 1 or config.blocks < 0:
        raise UsageError("channels, tokens, width and heads must be at least 1")
    if config.kind == TOKEN_LEARNER:
        if config.width % config.heads:
            raise UsageError(
                f"a width of {config.width} can't be split among {config.heads} heads",
                f"choose a multiple of {config.heads}",
            )
        return TokenLearner(
            config.channels,
            config.width,
            config.tokens,
            config.out,
            config.blocks,
            config.heads,
            fixed_length=config.fixed_length,
        )
    if config.kind == MLP:
        return PooledMapper(
            config.channels,
            config.width,
            config.tokens,
            config.out,
            fixed_length=config.fixed_length,
        )
    if config.kind in (PHI, IM2TEXT):
        return PublishedMapper(config)
    raise UsageError(
        f"no mapper is called {config.kind!r}", f"there are: {TOKEN_LEARNER} and {MLP}"
    )

"""What is learned on the query side: a light encoder and what makes words of its feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from isa_cli.backbones.light import LightEncoder
    from isa_cli.query.injection import Injection
    from isa_cli.query.token_learner import Sentence
    from isa_cli.types import Pixels


class QueryNetwork(nn.Module):
    """A picture in, its sentence out.

    Args:
        light: the light encoder; while a symmetric twin is trained, the large one's feature map.
        mapper: a token learner, or what stands in for it.
        injection: what the text tower's layers see of the picture, learned beside the mapper; who
            reads the sentence uses it.
    """

    def __init__(
        self,
        light: LightEncoder | nn.Module,
        mapper: nn.Module,
        injection: Injection | None = None,
    ) -> None:
        super().__init__()
        self.light: Any = light
        self.mapper = mapper
        self.injection = injection
        self._frozen: tuple[nn.Module, ...] = ()

    def freeze(self, part: nn.Module) -> None:
        """Let the light encoder or the mapper stay as it is, its running statistics too."""
        part.requires_grad_(requires_grad=False)
        self._frozen += (part,)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Switch to training, all but what is frozen."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, pixels: Tensor) -> Sentence:
        """Return the sentences of normalised pixels (B, 3, H, W)."""
        features = self.light(pixels)
        sentence: Sentence = self.mapper(features)
        return sentence._replace(features=features)

    def sentences(self, batch: Sequence[Pixels]) -> Sentence:
        """Return the sentences of prepared pictures."""
        return self(self.light.normalised(batch))  # type: ignore[no-any-return]

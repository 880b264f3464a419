"""What turns a reference picture into a sentence of word embeddings: three ways, one interface.

The light encoder and the mapper of the asymmetric case, Image2Sentence's point [stated]; the
large visual encoder's own feature map, for comparison; or the large encoder's image embedding,
which is what published networks read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, Self

import torch
from torch import nn

from isa_cli.encoders.patch_features import feature_map
from isa_cli.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from PIL.Image import Image
    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.encoders.light import LightEncoder
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.injection import Injection
    from isa_cli.query.token_learner import Sentence
    from isa_cli.types import Pixels

    Picture: TypeAlias = Callable[..., Image]
    """Opens a picture; takes ``at_least``, the (height, width) that it is going to be resized to:
    a large JPEG is then decoded smaller, exactly as it was while indexing."""


class ImageToSentence(Protocol):
    """Looks at pictures and says what they show, as sentences of word embeddings."""

    def sentences(self, pictures: Sequence[Picture]) -> Sentence:
        """Return the sentences of B pictures: tokens (B, L, E), on the text tower's device.

        Raises:
            ImageError: a picture can't be opened.
        """


def image_to_sentence(model: QueryModel, backbone: Backbone) -> ImageToSentence:
    """What turns pictures into a query model's sentences, on the backbone's device.

    Args:
        model: of the backbone's space.
        backbone: loaded with the parts that ``model.header.parts`` names.

    Raises:
        ModelError: the header does not say what the mapper reads.
    """
    mapper = model.mapper.to(backbone.place.device).eval()
    channels = model.header.mapper.channels
    if model.light is not None:
        return LightImageToSentence(
            QueryNetwork(model.light, mapper).to(backbone.place.device).eval()
        )
    if model.header.is_published:
        _check_channels(channels, backbone.space.dim)
        return EmbeddingImageToSentence(mapper, backbone)
    if model.header.symmetric:
        return SymmetricImageToSentence(mapper, backbone, channels)
    raise ModelError(
        "the query model has no light encoder, and does not read the large one's output either",
        "train it again",
    )


def _check_channels(own: int, large: int) -> None:
    if own != large:
        raise ModelError(
            f"the query model reads {own:,} channels, and the large encoder gives {large:,}",
            "train it again, or fetch it again",
        )


class LightImageToSentence:
    """The light encoder: the large visual encoder need not even be loaded.

    Args:
        network: light encoder and mapper.
    """

    def __init__(self, network: QueryNetwork) -> None:
        self._network = network
        config = network.light.config
        height, width = (math.ceil(side / config.crop_pct) for side in config.size)
        self._at_least = (height, width)

    @torch.inference_mode()
    def sentences(self, pictures: Sequence[Picture]) -> Sentence:
        """Return the sentences of B pictures."""
        prepare = self._network.light.prepare
        pixels = [prepare(picture(at_least=self._at_least)) for picture in pictures]
        return self._network.sentences(pixels)


class SymmetricImageToSentence:
    """The large visual encoder's last feature map, for comparison: the symmetric case.

    Args:
        mapper: on the backbone's device.
        backbone: loaded with its image part.
        channels: C of the feature map that the mapper reads.
    """

    def __init__(self, mapper: nn.Module, backbone: Backbone, channels: int) -> None:
        self._mapper: Any = mapper
        self._backbone = backbone
        self._channels = channels

    @torch.inference_mode()
    def sentences(self, pictures: Sequence[Picture]) -> Sentence:
        """Return the sentences of B pictures.

        Raises:
            ModelError: the image tower has no usable feature map, or one of other channels.
        """
        pixels = self._backbone.normalised(_prepared(self._backbone, pictures))
        features = feature_map(self._backbone, pixels).float()
        _check_channels(self._channels, features.shape[1])
        sentence: Sentence = self._mapper(features)
        return sentence._replace(features=features)


class EmbeddingImageToSentence:
    """The large visual encoder's embedding as it is before it gets length 1: published networks.

    The gallery's stored vectors won't do: their lengths are gone.

    Args:
        mapper: on the backbone's device.
        backbone: loaded with its image part.
    """

    def __init__(self, mapper: nn.Module, backbone: Backbone) -> None:
        self._mapper: Any = mapper
        self._backbone = backbone

    @torch.inference_mode()
    def sentences(self, pictures: Sequence[Picture]) -> Sentence:
        """Return the sentences of B pictures, a single word each."""
        features: Tensor = self._backbone.image_features(_prepared(self._backbone, pictures))
        sentence: Sentence = self._mapper(features.float())
        return sentence


def _prepared(backbone: Backbone, pictures: Sequence[Picture]) -> list[Pixels]:
    """Return pictures as the gallery's were when they were embedded."""
    return [backbone.prepare(picture(at_least=backbone.input_size)) for picture in pictures]


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

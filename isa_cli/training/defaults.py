"""What suits a large model: what a run on its gallery does where nobody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isa_cli.encoders.light_config import DEFAULT_LIGHT
from isa_cli.encoders.names import BUNDLED, BUNDLED_QUERY
from isa_cli.query.prompt import Template
from isa_cli.training.data.augment import DEFAULT, Augmentation
from isa_cli.training.data.phrases import built_in, of_the_wardrobe
from isa_cli.training.options import EPOCHS, LIGHT_RATE, SOFT_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a model where a person says nothing else.

    Attributes:
        light: the light encoder by timm's name.
        light_size: side of the pictures it reads; ``None``: its own.
        light_weights: a query model whose light encoder it begins with; ``None``: timm's.
        light_rate: its learning rate, as a share of the mapper's.
        template: words that the text tower knows.
        augmentation: what happens to a picture before it is learned from.
        epochs: passes over the photos.
        soft_weight: of soft text alignment, where stage I of two is trained.
        phrases: what it aligns with, by the seed.
    """

    light: str = DEFAULT_LIGHT
    light_size: int | None = None
    light_weights: Path | None = None
    light_rate: float = LIGHT_RATE
    template: Template = field(default_factory=Template)
    augmentation: Augmentation = DEFAULT
    epochs: int = EPOCHS
    soft_weight: float = SOFT_WEIGHT
    phrases: Callable[[int], tuple[str, ...]] = built_in


PHOTOS = Defaults()
DRAWINGS = Defaults(
    light="mobilenetv3_small_100",
    light_size=112,
    light_weights=BUNDLED_QUERY,
    light_rate=0.0,
    template=Template("{sentence}", "{sentence}, {modifier}"),
    augmentation=Augmentation(area=0.85, stretch=1.1),
    epochs=2,
    phrases=of_the_wardrobe,
)
"""For isa-mini, whose text tower has never read "a photo of", and who works without a network."""


def defaults_for(model: str) -> Defaults:
    """Return the defaults of a model by name."""
    return DRAWINGS if model == BUNDLED else PHOTOS

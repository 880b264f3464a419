"""Pictures a little different each time: a crop, a mirror image, another light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may be changed, and how far; the defaults are mild [ours].

    Attributes:
        area: the smallest part of a picture that a crop keeps; 1: the crop changes no size.
        stretch: how far a crop's shape may differ from the picture's, as a factor of width to
            height; 1: the same shape.
        flip: mirror every other picture.  Not for photos in which left and right matter.
        brightness, contrast, saturation: the largest change, as a share; 0: none.  A gallery in
            which colours are what people ask about may want none.
    """

    area: float = 0.7
    stretch: float = 4 / 3
    flip: bool = True
    brightness: float = 0.1
    contrast: float = 0.1
    saturation: float = 0.1

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not 0 < self.area <= 1:
            raise ValueError(f"area must be above 0 and at most 1, not {self.area}")
        if self.stretch < 1:
            raise ValueError(f"stretch must be at least 1, not {self.stretch}")
        changes = (self.brightness, self.contrast, self.saturation)
        if not all(0 <= change < 1 for change in changes):
            raise ValueError(f"changes of colour must be at least 0 and below 1, not {changes}")


DEFAULT = Augmentation()
NONE = Augmentation(area=1, stretch=1, flip=False, brightness=0.0, contrast=0.0, saturation=0.0)
"""Changes nothing."""

_ENHANCERS: tuple[Callable[[Image.Image], ImageEnhance._Enhance], ...] = (
    ImageEnhance.Brightness,
    ImageEnhance.Contrast,
    ImageEnhance.Color,
)


def augmented(
    image: Image.Image, rng: np.random.Generator, config: Augmentation = DEFAULT
) -> Image.Image:
    """Return a picture changed by chance; mode RGB, as large as what its crop kept.

    The same generator state gives the same result, and every picture takes the same number of
    draws whatever is switched on.
    """
    size, shape, left, top, mirror, *light = rng.random(8)
    image = image.crop(_box(image.size, size, shape, (left, top), config))
    if config.flip and mirror < 0.5:  # noqa: PLR2004 - half of them
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    changes = (config.brightness, config.contrast, config.saturation)
    for enhancer, change, draw in zip(_ENHANCERS, changes, light, strict=True):
        if change:
            image = enhancer(image).enhance(1 + change * (2 * draw - 1))
    return image


def _box(
    whole: tuple[int, int],
    size: float,
    shape: float,
    place: tuple[float, float],
    config: Augmentation,
) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of a crop, from four draws in [0, 1).

    The shape varies around the picture's own, so that a panorama can be cropped as well as a
    square.  A side that would be longer than the picture is the picture's, the other then makes
    up for the area.
    """
    area = config.area + (1 - config.area) * size
    bend = float(np.exp(np.log(config.stretch) * (2 * shape - 1)))
    bend = min(max(bend, area), 1 / area)  # neither side above 1, the area as drawn
    shares = (area * bend) ** 0.5, (area / bend) ** 0.5
    sides = [max(1, round(side * share)) for side, share in zip(whole, shares, strict=True)]
    left, top = (
        int((side - kept + 1) * where)
        for side, kept, where in zip(whole, sides, place, strict=True)
    )
    return left, top, left + sides[0], top + sides[1]

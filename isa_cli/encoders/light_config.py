"""What it takes to build a light encoder again; no torch here, so that headers can be read fast."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from isa_cli.encoders.fields import checked, is_finite, number, objects, several, text, whole

DEFAULT_LIGHT = "efficientnet_b0"


@dataclass(frozen=True, slots=True)
class LightConfig:
    """A light encoder without its weights: the architecture and its own preprocessing.

    Attributes:
        name: timm's name, with or without a tag.
        size: (height, width) of the pixels it reads.
        mean, std: per channel, of pixels in [0, 1].
        interpolation: ``bicubic``, ``bilinear``, ... as timm names them.
        crop_pct: the part of the resized picture's side that is kept.
        crop_mode: ``center``, ``squash`` or ``border``, as timm names them.
        extra: more arguments of ``timm.create_model``, such as ``{"pad_type": "same"}``.
    """

    name: str = DEFAULT_LIGHT
    size: tuple[int, int] = (224, 224)
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: str = "bicubic"
    crop_pct: float = 0.875
    crop_mode: str = "center"
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The dictionary that ``from_dict`` reads; goes through JSON unharmed."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Any) -> LightConfig:
        """Return the config that ``as_dict`` wrote.

        Raises:
            ValueError: a key is unknown or missing, or a value is not of its kind.
        """
        config = cls(**checked("the light encoder", raw, _KINDS, needed=1))
        if max(config.size) / config.crop_pct > MOST_RESIZED:
            raise ValueError(f"a picture would be resized to more than {MOST_RESIZED:,} pixels")
        if min(config.std) <= 0:
            raise ValueError("the light encoder's std has a number that is not above 0")
        if not is_finite(config.extra) or _all_in(config.extra) > MOST_EXTRA:
            raise ValueError(f"the light encoder's extra asks for more than {MOST_EXTRA:,} parts")
        return config


MOST_SIDE = 4_096
"""Pixels on a side of what a light encoder reads, and"""
MOST_RESIZED = 8_192
"""of the picture that this is cut from: 200 MB (ours)."""

MOST_EXTRA = 1_000_000
"""The sum of all numbers in ``extra``: a list as long as any of them is no harm (ours)."""

INTERPOLATIONS = ("bicubic", "bilinear", "nearest", "box", "hamming", "lanczos")
CROP_MODES = ("center", "squash", "border")
"""As timm names them."""


def _all_in(value: Any) -> float:
    """The sum of all numbers in a JSON value, signs left out."""
    if isinstance(value, dict):
        return sum(map(_all_in, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_all_in, value))
    return abs(value) if isinstance(value, int | float) else 0


_KINDS = {
    "name": text(most=200),
    "size": several(whole(most=MOST_SIDE), 2, 2),
    "mean": several(number(-1_000, 1_000), 3, 3),
    "std": several(number(0, 1_000), 3, 3),
    "interpolation": text(*INTERPOLATIONS),
    "crop_pct": number(0.05, 10),
    "crop_mode": text(*CROP_MODES),
    "extra": objects,
}

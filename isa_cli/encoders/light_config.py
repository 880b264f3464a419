"""What it takes to build a light encoder again; no torch here, so that headers can be read fast."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

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
    def from_dict(cls, raw: dict[str, Any]) -> LightConfig:
        """Return the config that ``as_dict`` wrote.

        Raises:
            TypeError, ValueError: a key is unknown, or a value is not of its kind.
        """
        height, width = (int(side) for side in raw["size"])
        channels = {key: tuple(float(value) for value in raw[key]) for key in ("mean", "std")}
        if {len(values) for values in channels.values()} != {3}:
            raise ValueError("mean and std need three numbers each")
        return cls(**{**raw, "size": (height, width), **channels, "extra": dict(raw["extra"])})

"""Pixels deeper than eight bits: which of their values is black, which white."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_SAMPLE: Final = 1_000_000  # pixels that are looked at, spread over the picture

_FEW: Final = 0.005
"""The share of pixels that may lie beyond black or white: highlights, and what is no light."""

_OVER: Final = 1.1
"""How far above a white that is usual pixels may reach: sharpening and resizing overshoot."""

_DIM: Final = 64
"""A picture of 255 levels is brighter than this somewhere; one with a white of 1 seldom is."""

_WHITES: Final = tuple(float((1 << bits) - 1) for bits in range(8, 17))
_DEEP_WHITES: Final = tuple(float((1 << bits) - 1) for bits in (24, 31, 32))


def black_and_white(parts: Iterable[NDArray[Any]], pixels: int) -> tuple[float, float]:
    """Return which value is black and which white where a format does not say so (ours).

    White is 1 for pixels that stay about there; the highest number of 8 to 16 bits that the
    brightest of them keep to; else the brightest themselves.  Half a percent of the pixels may be
    brighter, as highlights are, or darker.  Black is 0, unless there is much below it.

    Args:
        parts: of the picture, of any shape.
        pixels: how many they have together.
    """
    every = max(1, pixels // _SAMPLE)
    sample = np.concatenate([part.ravel()[::every].astype(np.float64) for part in parts])
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return 0.0, 1.0
    low, top = np.quantile(sample, (_FEW, 1 - _FEW), method="inverted_cdf").tolist()
    white = _white(sample, top)
    return (min(low, 0.0) if low < white - _OVER * white else 0.0), white


def _white(sample: NDArray[np.float64], top: float) -> float:
    peak = float(sample.max())
    whole = bool((sample == np.floor(sample)).all()) and peak > _OVER
    if top <= _OVER and not whole:
        return 1.0
    level = peak if peak <= 4 * top else top  # a few pixels far above the rest don't count
    if level <= _DIM and not whole:
        return top
    usual = (white for white in _WHITES if level <= _OVER * white)
    deep = (white for white in _DEEP_WHITES if white / 4 < level <= white)
    return next(usual, next(deep, top))


def to_eight_bits(pixels: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    """Return pixels scaled so that black is 0 and white 255; what is no number is black."""
    values = np.nan_to_num(pixels.astype(np.float32), nan=black, posinf=white, neginf=black)
    return ((values - black) * (255 / (white - black))).round().clip(0, 255).astype(np.uint8)

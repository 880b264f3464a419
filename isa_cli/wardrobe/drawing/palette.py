"""What the colour names look like: a base value for each, and how far a dyer may stray."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

Colour: TypeAlias = tuple[int, int, int]

_HSV: Mapping[str, tuple[float, float, float]] = {
    "red": (0.995, 0.85, 0.78),
    "orange": (0.072, 0.88, 0.95),
    "yellow": (0.145, 0.8, 0.95),
    "green": (0.36, 0.68, 0.55),
    "blue": (0.605, 0.75, 0.72),
    "purple": (0.77, 0.62, 0.56),
    "pink": (0.93, 0.42, 0.95),
    "brown": (0.065, 0.62, 0.42),
    "black": (0.6, 0.15, 0.12),
    "white": (0.12, 0.03, 0.96),
    "grey": (0.6, 0.05, 0.55),
    "beige": (0.1, 0.22, 0.86),
}
_SPREAD = (0.014, 0.07, 0.05)


def dyed(name: str, rng: Random) -> Colour:
    """Return a colour of that name, a little different each time (RGB, 0 to 255)."""
    hue, saturation, value = (
        base + rng.gauss(0, spread) for base, spread in zip(_HSV[name], _SPREAD, strict=True)
    )
    colour = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0.06), 1))
    return _rgb(colour)


def paler(colour: Colour, rng: Random) -> Colour:
    """Return a wall's version of a colour: less saturated and lighter, unless it is black."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    softer = colorsys.hsv_to_rgb(hue, saturation * rng.uniform(0.35, 0.6), 0.35 + 0.6 * value)
    return _rgb(softer) if value > 0.2 else colour  # noqa: PLR2004 - black stays black


def shaded(colour: Colour, factor: float) -> Colour:
    """Return the colour made darker (below 1) or lighter (above)."""
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return ``(1 - share) one + share other``."""
    red, green, blue = (int((1 - share) * a + share * b) for a, b in zip(one, other, strict=True))
    return red, green, blue


def brightness(colour: Colour) -> float:
    """Return how light a colour looks, 0 to 255 (ITU-R BT.601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def edge(colour: Colour) -> Colour:
    """Return a colour for seams and outlines upon this one."""
    return shaded(colour, 0.6) if brightness(colour) > 60 else mixed(colour, (200,) * 3, 0.35)  # noqa: PLR2004


def against(colour: Colour, choices: list[Colour], rng: Random) -> Colour:
    """Return one of the choices that stands out from ``colour``."""
    clear = [each for each in choices if _distance(each, colour) > 130]  # noqa: PLR2004
    return rng.choice(clear) if clear else max(choices, key=lambda each: _distance(each, colour))


def _distance(one: Colour, other: Colour) -> float:
    return float(sum(abs(a - b) for a, b in zip(one, other, strict=True)))


def _rgb(colour: tuple[float, float, float]) -> Colour:
    red, green, blue = (round(255 * part) for part in colour)
    return red, green, blue

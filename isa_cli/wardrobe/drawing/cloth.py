"""Cloth: a square of one colour, with a pattern in the other, turned by any angle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from isa_cli.wardrobe.drawing.palette import mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from isa_cli.wardrobe.drawing.palette import Colour

    Weave = Callable[["_Square", Colour, Colour, Random], None]

REACH = 0.71
"""Patterns are drawn this far from the middle, in widths: the corners of a turned square."""


class _Square:
    """A square picture on which shapes are placed in a turned frame, in widths from the middle."""

    def __init__(self, size: int, colour: Colour, angle: float) -> None:
        self.image = Image.new("RGB", (size, size), colour)
        self._draw = ImageDraw.Draw(self.image)
        self._size = size
        self._half = size / 2
        self._cos, self._sin = size * math.cos(angle), size * math.sin(angle)

    def at(self, u: float, v: float) -> tuple[float, float]:
        return (
            self._half + self._cos * u - self._sin * v,
            self._half + self._sin * u + self._cos * v,
        )

    def band(self, at: float, width: float, colour: Colour, *, upright: bool) -> None:
        """Draw a band right across, ``at`` its middle."""
        corners = [(at, -REACH), (at, REACH)]
        if not upright:
            corners = [(v, u) for u, v in corners]
        self._draw.line([self.at(*c) for c in corners], colour, max(1, round(width * self._size)))

    def disc(self, u: float, v: float, radius: float, colour: Colour) -> None:
        x, y = self.at(u, v)
        r = radius * self._size
        self._draw.ellipse((x - r, y - r, x + r, y + r), colour)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        self._draw.polygon([self.at(*point) for point in points], colour)


def cloth(
    size: int, pattern: str, colour: Colour, second: Colour, angle: float, rng: Random
) -> Image.Image:
    """Return a square of cloth, RGB.

    Args:
        size: pixels on a side.
        pattern: a value of the attribute ``pattern``.
        colour: of the ground.
        second: of what is on it.
        angle: radians by which the garment is turned; the weave adds its own.
        rng: chance, for widths, gaps and angles.
    """
    square = _Square(size, colour, angle + rng.gauss(0, 0.05))
    _WEAVES[pattern](square, colour, second, rng)
    return square.image


def _plain(_square: _Square, _colour: Colour, _second: Colour, _rng: Random) -> None:
    return


def _striped(square: _Square, _colour: Colour, second: Colour, rng: Random) -> None:
    gap = rng.uniform(0.07, 0.12)
    width = gap * rng.uniform(0.32, 0.45)
    upright = rng.random() < 0.5  # noqa: PLR2004
    for at in _steps(gap, rng):
        square.band(at, width, second, upright=upright)


def _dotted(square: _Square, _colour: Colour, second: Colour, rng: Random) -> None:
    gap = rng.uniform(0.075, 0.11)
    radius = gap * rng.uniform(0.24, 0.32)
    for row, v in enumerate(_steps(gap, rng)):
        for u in _steps(gap, rng, shift=0.5 * (row % 2)):
            square.disc(u, v, radius, second)


def _checked(square: _Square, colour: Colour, second: Colour, rng: Random) -> None:
    gap = rng.uniform(0.1, 0.15)
    width = gap * rng.uniform(0.42, 0.52)
    half = mixed(colour, second, 0.55)
    across, down = list(_steps(gap, rng)), list(_steps(gap, rng))
    for at in across:
        square.band(at, width, half, upright=True)
    for at in down:
        square.band(at, width, half, upright=False)
    r = width / 2
    for u in across:
        for v in down:
            square.shape([(u - r, v - r), (u + r, v - r), (u + r, v + r), (u - r, v + r)], second)


def _floral(square: _Square, colour: Colour, second: Colour, rng: Random) -> None:
    gap = rng.uniform(0.13, 0.17)
    petals = rng.choice((4, 5, 6))
    flowers = [_rosette(gap * rng.uniform(0.36, 0.46), petals, 6 * rng.random()) for _ in range(3)]
    heart = mixed(colour, (250, 210, 60), 0.7)
    for row, v in enumerate(_steps(gap, rng)):
        for u in _steps(gap, rng, shift=0.5 * (row % 2)):
            x, y = u + rng.gauss(0, 0.1 * gap), v + rng.gauss(0, 0.1 * gap)
            square.shape([(x + dx, y + dy) for dx, dy in rng.choice(flowers)], second)
            square.disc(x, y, gap * 0.12, heart)


def _rosette(radius: float, petals: int, turn: float) -> list[tuple[float, float]]:
    """Return a flower's outline around the origin: it goes in and out ``petals`` times."""
    points = []
    for step in range(petals * 5):
        angle = math.tau * step / (petals * 5)
        r = radius * (0.55 + 0.45 * abs(math.sin(angle * petals / 2)))
        points.append((r * math.cos(angle + turn), r * math.sin(angle + turn)))
    return points


def _steps(gap: float, rng: Random, shift: float | None = None) -> Iterator[float]:
    """Yield positions ``gap`` apart right across; where they start is chance unless given."""
    start = rng.random() if shift is None else shift
    count = int(2 * REACH / gap)
    for i in range(-count // 2, count // 2 + 1):
        yield (i + start) * gap


_WEAVES: dict[str, Weave] = {
    "plain": _plain,
    "striped": _striped,
    "dotted": _dotted,
    "checked": _checked,
    "floral": _floral,
}

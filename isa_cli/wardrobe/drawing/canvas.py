"""The canvas: cloth and trimmings are laid on it in the garment's frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from isa_cli.wardrobe.drawing.palette import edge, shaded

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

    from isa_cli.wardrobe.drawing.geometry import Point, Points, Pose
    from isa_cli.wardrobe.drawing.palette import Colour

OUTLINE = 0.012
"""Width of seams and outlines, in units of the frame."""


@dataclass(frozen=True, slots=True)
class Materials:
    """What the garment is made of.

    Attributes:
        cloth: a square of it, as large as the canvas.
        colour: its ground.
        trim: of buttons, laces and buckles.
        leather: of belts and straps.
    """

    cloth: Image.Image
    colour: Colour
    trim: Colour
    leather: Colour


class Canvas:
    """A square picture of one garment before nothing.

    Args:
        size: pixels on a side.
        pose: where the garment's frame lies.
        materials: what it is made of.
        rng: chance, for whoever draws on it.

    Attributes:
        image: RGB; meaningful where ``mask`` is set.
        mask: L; where the garment is.
    """

    def __init__(self, size: int, pose: Pose, materials: Materials, rng: Random) -> None:
        self.materials = materials
        self.rng = rng
        self.image = Image.new("RGB", (size, size), materials.colour)
        self.mask = Image.new("L", (size, size))
        self._size = size
        self._pose = pose
        self._draw = ImageDraw.Draw(self.image)
        self._mask = ImageDraw.Draw(self.mask)
        self._edge = edge(materials.colour)

    def sew(self, points: Points, shade: float = 1.0) -> None:
        """Lay a piece of cloth: a closed outline, filled with the pattern and seamed."""
        outline = self._pixels(points)
        frame = _frame(outline, self._size)  # what lies outside of it need not be touched
        left, top, right, bottom = frame
        piece = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(piece).polygon([(x - left, y - top) for x, y in outline], 255)
        cloth = self.materials.cloth.crop(frame)
        if shade != 1.0:
            cloth = Image.fromarray(_table(shade)[np.asarray(cloth)])
        self.image.paste(cloth, frame, piece)
        self.mask.paste(255, frame, piece)
        self._line([*outline, outline[0]], self._edge, OUTLINE)

    def fill(self, points: Points, colour: Colour) -> None:
        """Lay a piece of one colour with a darker outline: linings, belts, soles."""
        outline = self._pixels(points)
        self._draw.polygon(outline, colour)
        self._mask.polygon(outline, 255)
        self._line([*outline, outline[0]], shaded(colour, 0.65), OUTLINE)

    def seam(self, points: Points, *, width: float = OUTLINE) -> None:
        """Draw a line as seams look on this cloth."""
        self._line(self._pixels(points), self._edge, width)

    def cord(self, points: Points, colour: Colour, width: float) -> None:
        """Draw a line that is part of the garment: straps, laces."""
        pixels = self._pixels(points)
        self._line(pixels, colour, width)
        self._mask.line(pixels, 255, self._width(width), joint="curve")

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Draw a round thing with a rim: buttons, buckles."""
        (x, y) = self._pixels([centre])[0]
        r = max(1.6, radius * self._pose.scale * self._size)
        box = (x - r, y - r, x + r, y + r)
        self._draw.ellipse(box, colour, shaded(colour, 0.55))
        self._mask.ellipse(box, 255)

    def _pixels(self, points: Points) -> list[Point]:
        return self._pose(points, self._size)

    def _line(self, pixels: list[Point], colour: Colour, width: float) -> None:
        self._draw.line(pixels, colour, self._width(width), joint="curve")

    def _width(self, width: float) -> int:
        return max(1, round(width * self._pose.scale * self._size))


@cache
def _table(shade: float) -> NDArray[np.uint8]:
    """Return the byte that each byte of a picture becomes under a shade, (256,)."""
    table: NDArray[np.uint8] = np.minimum(np.arange(256) * shade, 255).astype(np.uint8)
    return table


def _frame(outline: list[Point], size: int) -> tuple[int, int, int, int]:
    """Return the part of the canvas that holds an outline, in whole pixels; never empty."""
    xs, ys = zip(*outline, strict=True)
    left, top = (min(max(int(min(each)) - 1, 0), size - 1) for each in (xs, ys))
    right, bottom = (
        min(max(int(max(each)) + 2, least + 1), size) for each, least in ((xs, left), (ys, top))
    )
    return left, top, right, bottom

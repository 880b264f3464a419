"""What is sewn onto garments of several kinds: buttons, belts, pockets, collars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.wardrobe.drawing.geometry import box, shaken
from isa_cli.wardrobe.drawing.palette import shaded

if TYPE_CHECKING:
    from isa_cli.wardrobe.drawing.canvas import Canvas


def buttons(canvas: Canvas, top: float, bottom: float, x: float = 0.0) -> None:
    """Sew a row of buttons from ``top`` to ``bottom``, with the edge that they close."""
    rng = canvas.rng
    gap = rng.uniform(0.15, 0.2)
    count = max(2, int((bottom - top) / gap))
    radius = rng.uniform(0.034, 0.042)
    canvas.seam([(x - 0.045, top - 0.04), (x - 0.045, bottom)])
    for i in range(count):
        y = top + (bottom - top) * (i + 0.4) / count
        canvas.disc((x, y), radius, canvas.materials.trim)


def belt(canvas: Canvas, y: float, half: float) -> None:
    """Lay a belt at height ``y`` over a waist of width ``2 half``, with its buckle."""
    rng = canvas.rng
    height = rng.uniform(0.045, 0.06)
    half += 0.02
    leather = canvas.materials.leather
    sag = rng.uniform(0.0, 0.02)
    top = [(-half, y - height), (0.0, y - height + sag), (half, y - height)]
    low = [(half, y + height), (0.0, y + height + sag), (-half, y + height)]
    canvas.fill([*top, *low], leather)
    wide, tall = 0.07, height + 0.022
    metal = (214, 190, 120) if sum(leather) < 500 else (90, 80, 70)  # noqa: PLR2004
    canvas.fill(box(-wide, y - tall + sag, wide, y + tall + sag), metal)
    canvas.fill(box(-wide * 0.5, y - tall * 0.5 + sag, wide * 0.5, y + tall * 0.5 + sag), leather)


def pocket(canvas: Canvas, x: float, y: float, half: float) -> None:
    """Sew a patch pocket, ``x``, ``y`` the middle of its opening."""
    rng = canvas.rng
    deep = half * rng.uniform(1.7, 2.1)
    tip = rng.choice((0.0, half * 0.35))
    outline = [
        (x - half, y),
        (x + half, y),
        (x + half * 0.95, y + deep),
        (x, y + deep + tip),
        (x - half * 0.95, y + deep),
    ]
    canvas.sew(shaken(outline, rng, 0.004), shade=0.86)
    canvas.seam([(x - half, y + 0.045), (x + half, y + 0.045)], width=0.02)
    canvas.seam([*outline, outline[0]], width=0.02)


def collar(canvas: Canvas, neck: float, y: float, drop: float, inner: float) -> None:
    """Sew the two flaps of a collar beside a neck of width ``2 neck`` at height ``y``.

    Each flap ends ``drop`` lower, ``inner`` away from the middle.
    """
    rng = canvas.rng
    reach = neck + rng.uniform(0.11, 0.15)
    point = drop + rng.uniform(0.08, 0.13)
    shade = rng.choice((0.8, 1.2))
    for side in (-1, 1):
        flap = [
            (side * neck * 0.95, y - 0.05),
            (side * reach, y + 0.03),
            (side * (reach * 0.9), y + point),
            (side * inner, y + drop),
        ]
        canvas.sew(shaken(flap, rng, 0.006), shade=shade)


def lining(canvas: Canvas) -> tuple[int, int, int]:
    """Return the colour of the cloth's inside."""
    return shaded(canvas.materials.colour, 0.55)

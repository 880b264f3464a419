"""Shoes, bags and hats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.wardrobe.drawing.geometry import arc, shaken, smooth
from isa_cli.wardrobe.drawing.palette import edge, mixed, shaded
from isa_cli.wardrobe.drawing.trimmings import lining, pocket

if TYPE_CHECKING:
    from isa_cli.wardrobe.drawing.canvas import Canvas
    from isa_cli.wardrobe.drawing.geometry import Point
    from isa_cli.wardrobe.garments import Garment


def shoes(canvas: Canvas, garment: Garment) -> None:
    """Draw a pair of shoes from the side, one behind the other."""
    rng = canvas.rng
    lift = rng.uniform(0.3, 0.38) if garment.heel == "high" else rng.uniform(0.0, 0.03)
    shaft = rng.uniform(0.0, 0.1)
    gap = rng.uniform(0.34, 0.44)
    for shift, scale in (((0.12, -gap), 0.92), ((-0.06, gap * 0.5), 1.0)):
        _shoe(canvas, garment, lift, shaft, shift, scale)


def _shoe(
    canvas: Canvas, garment: Garment, lift: float, shaft: float, shift: Point, scale: float
) -> None:
    rng = canvas.rng

    def at(points: list[Point]) -> list[Point]:
        return [(shift[0] + scale * x, shift[1] + scale * y) for x, y in points]

    heel_y, sole = 0.3 - lift, shaded(canvas.materials.leather, 0.8)
    if lift > 0.1:  # noqa: PLR2004 - a high heel
        canvas.fill(at([(0.66, heel_y), (0.48, heel_y), (0.56, 0.34), (0.64, 0.34)]), sole)
    under = smooth([(-0.72, 0.3), (-0.3, 0.3), (0.2, 0.3 - lift * 0.6), (0.66, heel_y)])
    canvas.fill(at([*under, *((x, y + 0.055) for x, y in reversed(under))]), sole)
    top_y = heel_y - 0.34 - shaft
    instep = (-0.08, 0.3 - lift * 0.45 - 0.3)
    upper = smooth(
        [(-0.72, 0.28), (-0.62, 0.12), (-0.36, 0.08), instep, (0.14, top_y + 0.06)], steps=4
    )
    back: list[Point] = [(0.22, top_y), (0.62, top_y - 0.02), (0.68, heel_y - 0.1), (0.66, heel_y)]
    canvas.sew(at(shaken([*upper, *back, *reversed(under)], rng, 0.004)))
    canvas.fill(at(arc((0.41, top_y), 0.22, 0.06, 0, 360)), lining(canvas))
    if garment.has("laces"):
        for i in range(4):
            share = i / 3.6
            x = -0.34 + share * 0.44
            y = 0.06 + share * (top_y + 0.1 - 0.06) * 0.95
            canvas.cord(
                at([(x - 0.07, y + 0.0), (x + 0.13, y + 0.1)]), canvas.materials.trim, 0.045
            )
    else:
        canvas.seam(at([(-0.5, 0.28), (-0.36, 0.09)]))


def bag(canvas: Canvas, garment: Garment) -> None:
    """Draw a bag with its strap, and its buttons and pocket if it has them."""
    rng = canvas.rng
    half, slant = rng.uniform(0.46, 0.58), rng.uniform(-0.06, 0.1)
    top, bottom = rng.uniform(-0.12, -0.02), rng.uniform(0.6, 0.72)
    strap = canvas.materials.leather
    if garment.strap == "long":
        lean = rng.gauss(0, 0.08)
        loop = smooth(
            [(-half + 0.06, top), (-half * 0.62 + lean, -0.62), (lean, -0.92),
             (half * 0.62 + lean, -0.62), (half - 0.06, top)]
        )  # fmt: skip
        canvas.cord(loop, strap, 0.06)
    else:
        for tall in (0.3, 0.24):
            grip = arc((0.0, top + 0.02), half * 0.42, tall, 180, 360)
            canvas.cord(grip, strap, 0.07)
    side = [(half, top), (half + slant, bottom - 0.1), (half + slant - 0.08, bottom)]
    outline = [*side, *((-x, y) for x, y in reversed(side))]
    canvas.sew(shaken(outline, rng, 0.01))
    flap = top + (bottom - top) * rng.uniform(0.3, 0.4)
    canvas.sew(
        [(-half, top), (half, top), (half * 0.94, flap), (0.0, flap + 0.05), (-half * 0.94, flap)],
        shade=0.92,
    )
    if garment.has("pockets"):
        pocket(canvas, 0.0, flap + 0.1, 0.17)
    if garment.has("buttons"):
        for x in (-0.5, 0.5):
            canvas.disc((x * half, flap - 0.06), 0.06, canvas.materials.trim)


def hat(canvas: Canvas, garment: Garment) -> None:
    """Draw a hat: crown and brim, seen from a little above."""
    rng = canvas.rng
    wide = garment.brim == "wide"
    crown = rng.uniform(0.32, 0.38)
    reach = crown + (rng.uniform(0.42, 0.5) if wide else rng.uniform(0.08, 0.13))
    tall = rng.uniform(0.5, 0.62)
    base = rng.uniform(0.18, 0.28)
    thick = rng.uniform(0.13, 0.17) * (1.15 if wide else 0.9)
    sag = rng.uniform(-0.03, 0.05)
    brim = arc((0.0, base + 0.04), reach, thick, 0, 360)
    canvas.sew([(x, y + sag * abs(x)) for x, y in brim], shade=0.9)
    dent = rng.choice((0.0, 0.08))
    dome = smooth(
        [(-crown, base), (-crown * 0.94, base - tall * 0.6), (-crown * 0.55, base - tall),
         (0.0, base - tall + dent), (crown * 0.55, base - tall), (crown * 0.94, base - tall * 0.6),
         (crown, base)]
    )  # fmt: skip
    foot = arc((0.0, base), crown, thick * 0.55, 0, 180)
    canvas.sew([*dome, *foot])
    if garment.has("ribbon"):
        _ribbon(canvas, crown, base, thick * 0.55)


def _ribbon(canvas: Canvas, crown: float, base: float, thick: float) -> None:
    rng = canvas.rng
    colour = mixed(canvas.materials.leather, canvas.materials.trim, rng.choice((0.0, 1.0)))
    height = rng.uniform(0.11, 0.14)
    low = arc((0.0, base - 0.02), crown * 1.01, thick, 0, 180)
    high = [(x * 0.985, y - height) for x, y in reversed(low)]
    canvas.fill([*low, *high], colour)
    x = rng.choice((-1, 1)) * crown * 0.55
    y = base - height * 0.5 + thick * 0.7
    for side in (-1, 1):
        canvas.fill([(x, y), (x + side * 0.14, y - 0.08), (x + side * 0.14, y + 0.08)],
                    shaded(colour, 0.85))  # fmt: skip
    canvas.disc((x, y), 0.035, edge(colour))

"""Garments that hang from the waist: skirts and trousers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.wardrobe.drawing.geometry import box, mirrored, shaken, smooth
from isa_cli.wardrobe.drawing.trimmings import belt, buttons, pocket

if TYPE_CHECKING:
    from isa_cli.wardrobe.drawing.canvas import Canvas
    from isa_cli.wardrobe.garments import Garment

SKIRT_HEM = {"short": 0.0, "knee-length": 0.36, "long": 0.8}
TROUSERS_HEM = {"short": -0.04, "knee-length": 0.3, "long": 0.86}
WAIST_Y = -0.62


def skirt(canvas: Canvas, garment: Garment) -> None:
    """Draw a skirt: a waistband, and flared or straight below, with pleats."""
    rng = canvas.rng
    waist = rng.uniform(0.27, 0.34)
    hem_y = SKIRT_HEM[garment.length] + rng.uniform(-0.05, 0.05)
    hem = waist + 0.1 + rng.uniform(0.05, 0.3) * (hem_y - WAIST_Y)
    hip_y = WAIST_Y + 0.25
    side = smooth(
        shaken(
            [(waist, WAIST_Y), (waist + 0.4 * (hem - waist) + 0.03, hip_y), (hem, hem_y)], rng, 0.01
        )
    )
    wave = rng.uniform(0.0, 0.04)
    hemline = [(hem * 0.66, hem_y + 0.04 + wave), (hem * 0.33, hem_y + 0.04 - wave / 2)]
    canvas.sew(mirrored([(0.0, WAIST_Y), *side, *hemline, (0.0, hem_y + 0.04 + wave / 2)]))
    for _ in range(rng.randint(2, 5)):
        x = rng.uniform(-0.75, 0.75)
        canvas.seam([(x * waist, WAIST_Y + 0.2), (x * hem, hem_y + 0.02)])
    canvas.sew(box(-waist, WAIST_Y - 0.06, waist, WAIST_Y + 0.06), shade=0.88)
    if garment.has("pockets"):
        for x in (-1, 1):
            pocket(canvas, x * waist * 0.62, WAIST_Y + 0.16, 0.1)
    if garment.has("buttons"):
        buttons(canvas, WAIST_Y + 0.13, hem_y - 0.04)
    if garment.has("belt"):
        belt(canvas, WAIST_Y, waist)


def trousers(canvas: Canvas, garment: Garment) -> None:
    """Draw trousers: two legs, slim or wide."""
    rng = canvas.rng
    waist = rng.uniform(0.27, 0.33)
    hip = waist + rng.uniform(0.05, 0.1)
    hem_y = TROUSERS_HEM[garment.length] + rng.uniform(-0.05, 0.05)
    crotch = rng.uniform(-0.26, -0.2)
    stance = rng.uniform(0.04, 0.14)
    far = (hem_y - crotch) / 1.1
    ankle = hip * rng.uniform(0.36, 0.46) * (1 - 0.25 * far) + 0.03
    for side in (-1, 1):
        middle = hip * 0.54 + 0.05 + stance * far
        leg = [
            (0.0, WAIST_Y),
            (waist, WAIST_Y),
            (hip, WAIST_Y + 0.26),
            (middle + ankle, hem_y),
            (middle - ankle, hem_y + rng.uniform(-0.015, 0.015)),
            (0.015, crotch + 0.03),
            (0.0, crotch),
        ]
        canvas.sew([(side * x, y) for x, y in shaken(leg, rng, 0.008)], shade=0.97)
        crease = [(side * hip * 0.55, WAIST_Y + 0.3), (side * middle, hem_y)]
        canvas.seam(crease)
    canvas.seam([(0.0, WAIST_Y), (0.0, crotch)], width=0.02)
    canvas.sew(box(-waist, WAIST_Y - 0.055, waist, WAIST_Y + 0.055), shade=0.88)
    if garment.has("pockets"):
        for x in (-1, 1):
            pocket(canvas, x * waist * 0.6, WAIST_Y + 0.15, 0.1)
    if garment.has("belt"):
        belt(canvas, WAIST_Y, waist)

"""Garments that hang from the shoulders: dresses, shirts and coats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.wardrobe.drawing.geometry import arc, mirrored, shaken, smooth
from isa_cli.wardrobe.drawing.trimmings import belt, buttons, collar, lining, pocket

if TYPE_CHECKING:
    from random import Random

    from isa_cli.wardrobe.drawing.canvas import Canvas
    from isa_cli.wardrobe.drawing.geometry import Point
    from isa_cli.wardrobe.garments import Garment

NECK_Y = -0.84
DRESS_HEM = {"short": 0.2, "knee-length": 0.54, "long": 0.93}
COAT_HEM = {"short": 0.12, "knee-length": 0.52, "long": 0.92}


@dataclass(frozen=True, slots=True)
class Cut:
    """A tailor's measures, in units of the frame, halves of widths.

    Attributes:
        neck, shoulder, chest, waist, hem: half widths.
        waist_y, hem_y: heights.
    """

    neck: float
    shoulder: float
    chest: float
    waist: float
    hem: float
    waist_y: float
    hem_y: float


def dress(canvas: Canvas, garment: Garment) -> None:
    """Draw a dress: fitted to the waist, flared below."""
    rng = canvas.rng
    hem_y = DRESS_HEM[garment.length] + rng.uniform(-0.04, 0.04)
    waist_y = rng.uniform(-0.26, -0.16)
    flare = rng.uniform(0.16, 0.34) * (0.5 + 0.5 * (hem_y - waist_y))
    waist = rng.uniform(0.2, 0.26)
    bare = garment.sleeves == "sleeveless"
    cut = Cut(
        neck=rng.uniform(0.13, 0.18) + 0.04 * bare,
        shoulder=rng.uniform(0.28, 0.33) - 0.05 * bare,
        chest=rng.uniform(0.27, 0.32),
        waist=waist,
        hem=waist + 0.1 + flare,
        waist_y=waist_y,
        hem_y=hem_y,
    )
    _sleeves(canvas, garment.sleeves, cut)
    dip = _body(canvas, garment, cut, hem_wave=rng.uniform(0.0, 0.03))
    canvas.seam([(-cut.waist, waist_y), (cut.waist, waist_y)])
    if garment.has("pockets"):
        _pair_of_pockets(canvas, cut.waist + 0.04, waist_y + 0.14, 0.09)
    if garment.has("buttons"):
        buttons(canvas, dip + 0.06, waist_y + 0.25)
    if garment.has("belt"):
        belt(canvas, waist_y, cut.waist)


def shirt(canvas: Canvas, garment: Garment) -> None:
    """Draw a shirt: straight, down to the hips."""
    rng = canvas.rng
    width = rng.uniform(0.34, 0.42)
    bare = garment.sleeves == "sleeveless"
    cut = Cut(
        neck=rng.uniform(0.14, 0.19) + 0.04 * bare,
        shoulder=width + 0.02 - 0.07 * bare,
        chest=width - 0.01,
        waist=width - rng.uniform(0.0, 0.05),
        hem=width + rng.uniform(-0.02, 0.04),
        waist_y=rng.uniform(-0.1, 0.0),
        hem_y=rng.uniform(0.3, 0.42),
    )
    _sleeves(canvas, garment.sleeves, cut)
    dip = _body(canvas, garment, cut, hem_wave=rng.choice((0.0, 0.05)))
    if garment.has("pockets"):
        pocket(canvas, rng.uniform(0.17, 0.2), rng.uniform(-0.42, -0.36), 0.085)
    if garment.has("buttons"):
        buttons(canvas, dip + 0.06, cut.hem_y - 0.04)
    if garment.has("collar"):
        collar(canvas, cut.neck, NECK_Y, rng.uniform(0.08, 0.11), cut.neck * 0.8)


def coat(canvas: Canvas, garment: Garment) -> None:
    """Draw a coat: wide, open down the front, its lining showing."""
    rng = canvas.rng
    hem_y = COAT_HEM[garment.length] + rng.uniform(-0.03, 0.04)
    width = rng.uniform(0.38, 0.45)
    cut = Cut(
        neck=rng.uniform(0.14, 0.18),
        shoulder=width,
        chest=width - 0.02,
        waist=width - rng.uniform(0.03, 0.08),
        hem=width + rng.uniform(0.02, 0.12),
        waist_y=rng.uniform(-0.16, -0.06),
        hem_y=hem_y,
    )
    _sleeves(canvas, garment.sleeves, cut, roomy=0.04)
    canvas.sew(_outline(cut, [(0.0, NECK_Y)], rng, 0.0))
    dip = rng.uniform(-0.5, -0.42)
    slit = rng.uniform(0.05, 0.14)
    front = [(-cut.neck, NECK_Y - 0.02), (cut.neck, NECK_Y - 0.02), (0.03, dip)]
    canvas.fill([*front, (slit, hem_y + 0.005), (-slit * 0.6, hem_y + 0.005), (-0.02, dip)],
                lining(canvas))  # fmt: skip
    if garment.has("pockets"):
        _pair_of_pockets(canvas, cut.waist - 0.04, cut.waist_y + 0.1, 0.1)
    if garment.has("buttons"):
        buttons(canvas, dip + 0.07, min(hem_y - 0.08, dip + 0.8), x=0.14)
    if garment.has("belt"):
        belt(canvas, cut.waist_y, cut.waist)
    if garment.has("collar"):
        collar(canvas, cut.neck + 0.02, NECK_Y, dip - NECK_Y, 0.02)


def _body(canvas: Canvas, garment: Garment, cut: Cut, hem_wave: float) -> float:
    """Draw front and inside of the body; return how low the neckline goes."""
    rng = canvas.rng
    deep = {"round": 0.13, "V-shaped": 0.3, "square": 0.19}[garment.neckline]
    deep *= rng.uniform(0.9, 1.15)
    back = [(-cut.neck, NECK_Y), *arc((0, NECK_Y), cut.neck, 0.05, 180, 0), (cut.neck, NECK_Y)]
    canvas.fill([*back, (cut.neck * 0.9, NECK_Y + deep), (-cut.neck * 0.9, NECK_Y + deep)],
                lining(canvas))  # fmt: skip
    if garment.neckline == "round":
        edge = arc((0, NECK_Y), cut.neck, deep, 90, 0)
    elif garment.neckline == "square":
        edge = [(0.0, NECK_Y + deep), (cut.neck * 0.95, NECK_Y + deep), (cut.neck, NECK_Y)]
    else:
        edge = [(0.0, NECK_Y + deep), (cut.neck, NECK_Y)]
    outline = _outline(cut, edge, rng, hem_wave)
    canvas.sew(outline)
    rim = [*((-x, y) for x, y in reversed(edge)), *edge]
    canvas.seam(rim, width=0.03)
    return NECK_Y + deep


def _outline(cut: Cut, neckline: list[Point], rng: Random, hem_wave: float) -> list[Point]:
    """Return the body's outline; ``neckline`` runs from the middle to the right shoulder."""
    arm_y = -0.48
    side = smooth(
        shaken(
            [
                (cut.shoulder, -0.76),
                (min(cut.shoulder, cut.chest) * 0.93, -0.6),
                (cut.chest, arm_y),
                (cut.waist, cut.waist_y),
                ((cut.waist + 0.6 * (cut.hem - cut.waist)), (cut.waist_y + cut.hem_y) / 2),
                (cut.hem, cut.hem_y),
            ],
            rng,
            0.008,
        )
    )
    bow = [(cut.hem * 0.5, cut.hem_y + 0.03 + hem_wave), (0.0, cut.hem_y + 0.03 - hem_wave)]
    return mirrored([*neckline, *side, *bow])


def _sleeves(canvas: Canvas, kind: str, cut: Cut, roomy: float = 0.0) -> None:
    """Draw both sleeves, which the body will partly cover."""
    if kind == "sleeveless":
        return
    rng = canvas.rng
    spread = rng.uniform(0.2, 0.75)
    long = kind == "long"
    length = rng.uniform(0.9, 1.02) if long else rng.uniform(0.34, 0.42)
    cuff = (rng.uniform(0.075, 0.095) if long else rng.uniform(0.12, 0.145)) + roomy
    bend = rng.gauss(0.0, 0.12)
    for side in (-1, 1):
        angle = spread + rng.gauss(0, 0.06)
        out, down = math.sin(angle), math.cos(angle)
        top: Point = (cut.shoulder - 0.02, -0.76)
        pit: Point = (cut.chest * 0.9, -0.46)
        end = (cut.shoulder - 0.06 + length * out, -0.64 + length * down)
        outer = (end[0] + cuff * down, end[1] - cuff * out)
        inner = (end[0] - cuff * down, end[1] + cuff * out)
        elbow = bend * 0.2 if long else 0.0
        outline = [
            (cut.neck, NECK_Y),
            top,
            ((top[0] + outer[0]) / 2 + 0.03 + elbow, (top[1] + outer[1]) / 2),
            outer,
            inner,
            ((pit[0] + inner[0]) / 2 + elbow, (pit[1] + inner[1]) / 2),
            pit,
        ]
        placed = [(side * x, y) for x, y in shaken(outline, rng, 0.006)]
        canvas.sew(placed, shade=0.9)
        if long:
            canvas.seam(placed[3:5], width=0.03)


def _pair_of_pockets(canvas: Canvas, x: float, y: float, half: float) -> None:
    for side in (-1, 1):
        pocket(canvas, side * (x - half * 0.55), y, half)

"""From a scene to its picture: cloth is cut, sewn, lit, and set before a wall."""

from __future__ import annotations

import math
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from isa_cli.wardrobe.drawing import accessories, bottoms, tops
from isa_cli.wardrobe.drawing.canvas import Canvas, Materials
from isa_cli.wardrobe.drawing.cloth import cloth
from isa_cli.wardrobe.drawing.geometry import any_pose
from isa_cli.wardrobe.drawing.palette import against, dyed, paler

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isa_cli.wardrobe.drawing.geometry import Pose
    from isa_cli.wardrobe.garments import Garment
    from isa_cli.wardrobe.scenes import Scene

    Layer = NDArray[np.float32]  # (S, S) or (S, S, 3)

SIZE = 128
"""Pixels on a side, by default."""

FINER = 2
"""How much finer than the picture things are drawn, against jagged edges."""

TAILORS: dict[str, Callable[[Canvas, Garment], None]] = {
    "dress": tops.dress,
    "shirt": tops.shirt,
    "coat": tops.coat,
    "skirt": bottoms.skirt,
    "trousers": bottoms.trousers,
    "shoes": accessories.shoes,
    "bag": accessories.bag,
    "hat": accessories.hat,
}

EXTENTS: dict[str, tuple[float, float | dict[str, float]]] = {
    "dress": (tops.NECK_Y, tops.DRESS_HEM),
    "shirt": (tops.NECK_Y, 0.4),
    "coat": (tops.NECK_Y, tops.COAT_HEM),
    "skirt": (bottoms.WAIST_Y, bottoms.SKIRT_HEM),
    "trousers": (bottoms.WAIST_Y, bottoms.TROUSERS_HEM),
    "shoes": (-0.85, 0.75),
    "bag": (-0.9, 0.75),
    "hat": (-0.8, 0.8),
}
"""Where each garment begins and ends in its frame; for some that depends on its length."""

LIGHTS: dict[str, tuple[float, float, float]] = {
    "soft": (1.0, 1.0, 1.0),
    "bright": (1.13, 1.12, 1.1),
    "dim": (0.74, 0.75, 0.78),
    "warm": (1.06, 0.98, 0.84),
    "cool": (0.87, 0.97, 1.08),
}
"""What each light does to red, green and blue."""

TRIMS = [(245, 242, 232), (30, 28, 32), (205, 170, 80)]
LEATHERS = [(60, 38, 24), (28, 26, 28), (150, 98, 52), (222, 214, 200)]


def render(scene: Scene, size: int = SIZE) -> Image.Image:
    """Return the picture of a scene, RGB, ``size`` pixels square; the same every time."""
    rng = Random(scene.seed)  # noqa: S311 - reproducible, not secret
    noise = np.random.default_rng(scene.seed)
    pose = any_pose(rng, *_extent(scene.garment))
    canvas = _sewn(scene.garment, pose, size * FINER, rng)
    image = np.array(canvas.image.reduce(FINER), np.float32)
    mask_image = canvas.mask.reduce(FINER)
    mask = np.asarray(mask_image, np.float32)[..., None] / 255
    image *= _folds(size, noise, rng)[..., None]
    wall = _wall(scene.background, mask_image, noise, rng)
    image -= wall
    image *= mask
    image += wall
    image *= np.array(LIGHTS[scene.light], np.float32) * np.float32(rng.uniform(0.95, 1.05))
    image += np.float32(rng.uniform(2.0, 7.0)) * _grain(size, rng)
    return Image.fromarray(np.clip(image, 0, 255, out=image).astype(np.uint8))


def _extent(garment: Garment) -> tuple[float, float]:
    """Return where the garment begins and ends in its frame."""
    top, bottom = EXTENTS[garment.category]
    return top, bottom if isinstance(bottom, float) else bottom[garment.length]


def _sewn(garment: Garment, pose: Pose, size: int, rng: Random) -> Canvas:
    """Return a canvas with the garment on it."""
    colour = dyed(garment.colour, rng)
    second = dyed(garment.second or garment.colour, rng)
    angle = math.atan2(pose.yx, pose.xx)
    materials = Materials(
        cloth=cloth(size, garment.pattern, colour, second, angle, rng),
        colour=colour,
        trim=against(colour, TRIMS, rng),
        leather=against(colour, LEATHERS, rng),
    )
    canvas = Canvas(size, pose, materials, rng)
    TAILORS[garment.category](canvas, garment)
    return canvas


def _folds(size: int, noise: np.random.Generator, rng: Random) -> Layer:
    """Return how light falls on the cloth (S, S), around 1: long folds and a brighter side."""
    folds = _clouds(size, (3, rng.randint(7, 11)), noise) + 0.5 * _clouds(size, (7, 7), noise)
    strength = rng.uniform(0.04, 0.1)
    tilt = rng.uniform(-0.16, 0.16) * np.linspace(-1, 1, size, dtype=np.float32)
    shade: Layer = np.clip(1 + strength * folds + tilt[None, :], 0.6, 1.25)
    return shade


def _wall(name: str, mask: Image.Image, noise: np.random.Generator, rng: Random) -> Layer:
    """Return the background (S, S, 3): a wall, sometimes with a floor, and the garment's shadow."""
    size = mask.width
    colour = np.array(paler(dyed(name, rng), rng), np.float32)
    down = np.linspace(-1, 1, size, dtype=np.float32)
    shade = 1 + rng.uniform(-0.12, 0.12) * down[:, None] + 0.05 * _clouds(size, (4, 4), noise)
    if rng.random() < 0.4:  # noqa: PLR2004
        shade[int(size * rng.uniform(0.72, 0.9)) :] *= rng.uniform(0.78, 0.92)
    shade *= _shadow(mask, rng)
    wall: Layer = shade[..., None] * colour
    return wall


def _shadow(mask: Image.Image, rng: Random) -> Layer:
    """Return how much light the garment leaves to the wall behind it (S, S), 0 to 1."""
    size = mask.width
    soft = mask.filter(ImageFilter.BoxBlur(size * rng.uniform(0.015, 0.04)))
    dark = np.asarray(soft, np.float32) * np.float32(rng.uniform(0.15, 0.4) / 255)
    across, down = rng.randint(-size // 24, size // 24), rng.randint(0, size // 20)
    shadow: Layer = 1 - np.roll(dark, (down, across), (0, 1))
    return shadow


def _clouds(size: int, cells: tuple[int, int], noise: np.random.Generator) -> Layer:
    """Return smooth noise (S, S) with about one bump per cell, deviation about 1."""
    coarse = Image.fromarray(noise.standard_normal(cells, np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def _grain(size: int, rng: Random) -> Layer:
    """Return a camera's noise (S, S, 3), deviation 1: a window of one big sheet of it."""
    sheet = _sheet(size)
    left, top = rng.randrange(size), rng.randrange(size)
    return sheet[top : top + size, left : left + size]


@cache
def _sheet(size: int) -> Layer:
    return np.random.default_rng(size).standard_normal((2 * size, 2 * size, 3), np.float32)

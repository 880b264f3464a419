"""A scene: a garment before a background, in some light; the seed decides everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from isa_cli.wardrobe.garments import Garment

BACKGROUNDS = ("white", "grey", "black", "beige", "blue", "green", "pink")
LIGHTS = ("soft", "bright", "dim", "warm", "cool")

SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class Scene:
    """What one picture shows.

    Attributes:
        garment: what it is about.
        background: one of ``BACKGROUNDS``.
        light: one of ``LIGHTS``.
        seed: of cut, pose, folds, shading, noise and framing; 0 to 2**32 - 1.
    """

    garment: Garment
    background: str
    light: str
    seed: int


def place(garment: Garment, rng: Random) -> Scene:
    """Return a scene by chance that shows this garment."""
    return Scene(garment, rng.choice(BACKGROUNDS), rng.choice(LIGHTS), rng.randrange(SEEDS))

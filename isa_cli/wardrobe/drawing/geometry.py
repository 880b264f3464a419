"""Points and curves in the garment's own frame, and the pose that lays them on a canvas.

The frame: x to the right, y down, both from -1 to 1 across the picture when the pose is neutral;
the garment hangs from y = -0.85.  Everything is drawn for the right-hand side and mirrored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

Point: TypeAlias = tuple[float, float]
Points: TypeAlias = "Sequence[Point]"


@dataclass(frozen=True, slots=True)
class Pose:
    """An affine map from the garment's frame to unit picture coordinates (0 to 1).

    Attributes:
        xx, xy, yx, yy: the linear part; x, y: where the frame's middle goes.
    """

    xx: float
    xy: float
    yx: float
    yy: float
    x: float
    y: float

    def __call__(self, points: Points, size: int) -> list[Point]:
        """Return points of the frame in pixels of a square canvas."""
        return [
            (
                (self.x + self.xx * px + self.xy * py) * size,
                (self.y + self.yx * px + self.yy * py) * size,
            )
            for px, py in points
        ]

    @property
    def scale(self) -> float:
        """How many picture widths one unit of the frame is, on average."""
        return math.sqrt(abs(self.xx * self.yy - self.xy * self.yx))


def any_pose(rng: Random, top: float, bottom: float) -> Pose:
    """Return a pose by chance: turned, leaning, mirrored, nearer or further, off the middle.

    Args:
        rng: chance.
        top: where the garment begins in its frame.
        bottom: where it ends; it fills the picture more or less whatever its length, as things
            do that people photograph.
    """
    turn = rng.gauss(0, 0.1)
    lean = rng.gauss(0, 0.06)
    wide = rng.uniform(0.38, 0.49) * min(1.25, 1.75 / (bottom - top))
    tall = wide * rng.uniform(0.94, 1.06)
    middle = (top + bottom) / 2
    mirror = rng.choice((-1, 1))
    cos, sin = math.cos(turn), math.sin(turn)
    return Pose(
        xx=mirror * wide * cos,
        xy=tall * (lean - sin),
        yx=mirror * wide * sin,
        yy=tall * cos,
        x=0.5 + rng.uniform(-0.06, 0.06) - tall * (lean - sin) * middle,
        y=0.5 + rng.uniform(-0.05, 0.05) - tall * cos * middle,
    )


def mirrored(right: Points) -> list[Point]:
    """Return the closed outline whose right half is given from top to bottom."""
    return [*right, *((-x, y) for x, y in reversed(right))]


def shaken(points: Points, rng: Random, amount: float = 0.012) -> list[Point]:
    """Return the points, each moved a little."""
    return [(x + rng.gauss(0, amount), y + rng.gauss(0, amount)) for x, y in points]


def smooth(points: Points, steps: int = 4, *, closed: bool = False) -> list[Point]:
    """Return a Catmull-Rom curve through the points, ``steps`` pieces between each two."""
    count = len(points)
    spans = count if closed else count - 1
    curve = []
    for i in range(spans):
        before, here, there, after = (
            points[(i + k) % count if closed else min(max(i + k, 0), count - 1)]
            for k in (-1, 0, 1, 2)
        )
        for step in range(steps):
            t = step / steps
            curve.append(
                (
                    _spline(before[0], here[0], there[0], after[0], t),
                    _spline(before[1], here[1], there[1], after[1], t),
                )
            )
    if not closed:
        curve.append(points[-1])
    return curve


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def arc(centre: Point, wide: float, tall: float, start: float, end: float) -> list[Point]:
    """Return an elliptic arc; degrees, 0 to the right, 90 down."""
    steps = max(4, int(abs(end - start) / 15))
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(centre[0] + wide * math.cos(a), centre[1] + tall * math.sin(a)) for a in angles]


def box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """Return a rectangle's corners."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]

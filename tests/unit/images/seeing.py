"""How the tests look at a picture: colours within a few levels, and its four quarters."""

from __future__ import annotations

import numpy as np

from tests.bad_inputs import BLUE, GREEN, RED

WHITE = (255, 255, 255)

UPRIGHT = {
    1: "RGBW",
    2: "GRWB",
    3: "WBGR",
    4: "BWRG",
    5: "RBGW",
    6: "BRWG",
    7: "WGBR",
    8: "GWRB",
}
NAMED = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}


def close(found, wanted, within=6):
    return np.abs(np.subtract(found, wanted, dtype=int)).max() <= within


def corners(image):
    """Return the colours of the four quarters, row by row."""
    width, height = image.size
    return [image.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]

"""Pixels of any mode and orientation made RGB and upright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

if TYPE_CHECKING:
    from collections.abc import Mapping

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_WHITES: Final = (1, 255, 32_767, 65_535)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the image turned as EXIF asks, without metadata that could turn it once more."""
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    image.info.clear()
    return image


def rgb(image: Image.Image) -> Image.Image:
    """Return a loaded image as a plain RGB one; what shows through becomes white."""
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode == "La":  # Pillow takes this one in two steps
        image = image.convert("LA")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a deep grey image (16 or 32 bits, or float) with its whole range kept, mode L.

    Pillow would clip at 255 and show white.  16 bits know their white.  32-bit and float pixels
    do not: it is the first of ``_WHITES`` that no pixel exceeds, else the brightest one (ours).
    """
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    pixels = np.asarray(image).astype(np.float32)
    if image.mode.startswith("I;16"):
        bits = tags.get(Base.BitsPerSample, (16,))[0]  # scanners write 12
        low, high = 0.0, float((1 << bits) - 1)
    else:
        finite = pixels[np.isfinite(pixels)]
        low, high = min(0.0, finite.min(initial=0.0)), finite.max(initial=0.0)
        high = next((white for white in _WHITES if high <= white), high)
        pixels = np.nan_to_num(pixels, nan=low, posinf=high, neginf=low)
    grey = ((pixels - low) * (255 / (high - low))).round().clip(0, 255)
    if tags.get(Base.PhotometricInterpretation) == 0:  # white is zero
        grey = 255 - grey
    return Image.fromarray(grey.astype(np.uint8))

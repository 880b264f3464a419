"""An encoder's own resize and crop for pictures of any shape, at a cost that does not follow it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from torchvision.transforms.functional import pil_modes_mapping

from isa_cli.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from PIL.Image import Image

    from isa_cli.types import Pixels

    Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom

EXTREME: Final = 32
"""Long side over short side above which a picture takes the other way (ours).

Panoramas stay below it.  Resized for an encoder of 224 pixels, such a picture still takes 6 MB.
"""

_MARGIN: Final = 3
"""Pixels of the coarser side that a resampling filter sees beyond its own: Lanczos has the most."""

_GAP: Final = 32
"""How much larger than the encoder's input a side stays once blocks have been averaged.

Pillow calls three indistinguishable from one step in most cases; without a first step its table
of weights grows with the side, to gigabytes.
"""


class Geometry:
    """A library's steps from a picture to an encoder's pixels; safe in many threads.

    Libraries resize the whole picture before they cut its centre out, so that one of 150,000 x 1
    pixels becomes 33 million x 224.  An extreme picture is cut first, with the margin that the
    filter looks at; any other one takes the library's steps as they are, bit for bit.

    Args:
        steps: of open_clip or timm, up to, not including, the conversion to a tensor.
    """

    def __init__(self, steps: Sequence[Any]) -> None:
        at = next(n for n, step in enumerate(steps) if hasattr(step, "interpolation"))
        self._before, self._resize, self._after = steps[:at], steps[at], steps[at + 1 :]

    def __call__(self, image: Image) -> Pixels:
        """Return the pixels, (H, W, C) uint8.

        Raises:
            ImageError: they do not fit into memory, or the library can't make them.
        """
        try:
            return np.array(self._taken(image))
        except MemoryError as error:
            raise ImageError("needs more memory than there is") from error
        except Exception as error:  # the border: whatever is wrong, it is this picture's
            text = " ".join(str(error).split())[:120]
            raise ImageError(f"can't be resized for the encoder: {text}") from error

    def _taken(self, image: Image) -> Image:
        for step in self._before:
            image = step(image)
        size = _resized(self._resize, image)
        if max(image.size) > EXTREME * min(image.size) or min(size) < 1:
            image = self._cut_and_resized(image, size)
        else:
            image = self._resize(image)
        for step in self._after:  # the crop also pads what is smaller
            image = step(image)
        return image

    def _cut_and_resized(self, image: Image, size: tuple[int, int]) -> Image:
        """Return the picture resized to (width, height), as far as the crop will keep it."""
        size = max(1, size[0]), max(1, size[1])  # a line would be resized to nothing
        crop = next((step for step in self._after if _is_crop(step)), None)
        kept = size if crop is None else crop.size[::-1]
        (left, width), (top, height) = map(_window, size, kept)
        x, y = image.width / size[0], image.height / size[1]
        box = left * x, top * y, (left + width) * x, (top + height) * y
        part, box = _around(image, box, _MARGIN * max(1, x), _MARGIN * max(1, y))
        return part.resize((width, height), _filter(self._resize), box=box, reducing_gap=_GAP)


def _resized(step: Any, image: Image) -> tuple[int, int]:
    """Return the (width, height) that a library's resize gives a picture; a side may be 0."""
    if hasattr(step, "get_params"):  # open_clip's and timm's, which keep the ratio
        height, width = step.get_params(image, step.size, step.longest)
        return width, height
    if not isinstance(step.size, int) and len(step.size) > 1:
        return step.size[1], step.size[0]
    short = step.size if isinstance(step.size, int) else step.size[0]
    long = int(short * max(image.size) / min(image.size))
    return (short, long) if image.width <= image.height else (long, short)


def _is_crop(step: Any) -> bool:
    return type(step).__name__.startswith("CenterCrop")


def _window(side: int, kept: int) -> tuple[int, int]:
    """Return where the centre crop of ``kept`` pixels begins on a side, and how many are there."""
    return (round((side - kept) / 2), kept) if side > kept else (0, side)


def _filter(step: Any) -> Any:
    """Return Pillow's filter for a library's interpolation; of timm's random ones the first."""
    mode = step.interpolation
    return pil_modes_mapping[mode[0] if isinstance(mode, tuple) else mode]


def _around(image: Image, box: Box, across: float, down: float) -> tuple[Image, Box]:
    """Return the part of an image that holds a box and a margin, and where in it the box is.

    Pillow takes boxes in 32-bit floats, too coarse for few pixels in the middle of millions.  Most
    of a picture is not worth a copy.
    """
    left, top = max(0, math.floor(box[0] - across)), max(0, math.floor(box[1] - down))
    right = min(image.width, math.ceil(box[2] + across))
    bottom = min(image.height, math.ceil(box[3] + down))
    if 2 * (right - left) * (bottom - top) > image.width * image.height:
        return image, box
    part = image.crop((left, top, right, bottom))
    return part, (box[0] - left, box[1] - top, box[2] - left, box[3] - top)

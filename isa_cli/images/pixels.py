"""Pixels of any mode and orientation made RGB and upright, a block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from isa_cli.images.depth import black_and_white, to_eight_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from numpy.typing import NDArray

    Convert: TypeAlias = Callable[[Image.Image], Image.Image]

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_BLOCK: Final = 1 << 22
"""Pixels that are converted at once; a large picture is never there three times."""


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the image turned as EXIF asks, without metadata that could turn it once more."""
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    image.info.clear()
    return image


def rgb(image: Image.Image, factor: int = 1) -> Image.Image:
    """Return a loaded image as a plain RGB one; what shows through becomes white.

    Args:
        image: of any mode.
        factor: by how much both sides are divided, rounding up, averaging blocks of pixels.
    """
    convert = _conversion(image)
    if image.width * image.height <= _BLOCK and factor == 1:
        return convert(image)
    small = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for (left, top), block in _blocks(image, factor):
        small.paste(convert(block).reduce(factor), (left // factor, top // factor))
    return small


def _blocks(image: Image.Image, factor: int = 1) -> Iterator[tuple[tuple[int, int], Image.Image]]:
    """Yield the image in blocks, each with its place; all places are multiples of the factor."""
    across = min(image.width, max(1, _BLOCK // factor) * factor)
    down = max(1, _BLOCK // across // factor) * factor
    for top in range(0, image.height, down):
        for left in range(0, image.width, across):
            right, bottom = min(left + across, image.width), min(top + down, image.height)
            yield (left, top), image.crop((left, top, right, bottom))


def _conversion(image: Image.Image) -> Convert:
    """Return how any part of the image becomes RGB, as the whole of it asks."""
    if image.mode.startswith(("I", "F")):
        return _depth(image).converted
    if image.has_transparency_data and _alpha_speaks(image):
        return _on_white
    return _opaque


def _opaque(image: Image.Image) -> Image.Image:
    return _plain(image).convert("RGB")


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in a mode that Pillow converts to any other in one step."""
    return image.convert(f"{image.mode[:-1]}A") if image.mode in {"La", "RGBa"} else image


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(_plain(image).convert("RGBA"))
    return white.convert("RGB")


def _alpha_speaks(image: Image.Image) -> bool:
    """Return whether alpha means something; 0 everywhere over a picture, it does not (ours).

    Programs that do not know alpha leave it like that.  Where nothing is under it, it is right.
    """
    for _, block in _blocks(image):
        if _plain(block).convert("RGBA").getchannel("A").getbbox():  # of what is not 0
            return True
    ranges = np.array([_opaque(block).getextrema() for _, block in _blocks(image)])
    return bool((ranges.min(axis=(0, 2)) == ranges.max(axis=(0, 2))).all())


class _Depth(NamedTuple):
    """What a deep grey image (16 or 32 bits, or float) means by its numbers."""

    black: float
    white: float
    inverted: bool
    unsigned: bool
    clear: Any

    def numbers(self, image: Image.Image) -> NDArray[Any]:
        pixels = np.asarray(image)
        return pixels.view(np.uint32) if self.unsigned else pixels

    def converted(self, image: Image.Image) -> Image.Image:
        """Return RGB with the whole range kept; Pillow would clip at 255 and show white."""
        pixels = self.numbers(image)
        grey = to_eight_bits(pixels, self.black, self.white)
        if self.inverted:
            grey = 255 - grey
        if self.clear is not None:
            grey[pixels == self.clear] = 255
        return Image.fromarray(grey).convert("RGB")


def _depth(image: Image.Image) -> _Depth:
    """Return the picture in 8 bits: 16 bits know their white, the range of others is looked at."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    inverted = tags.get(Base.PhotometricInterpretation) == 0  # white is zero
    clear = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        bits = tags.get(Base.BitsPerSample, (16,))[0]  # scanners write 12
        return _Depth(0.0, float((1 << bits) - 1), inverted, unsigned=False, clear=clear)
    unsigned = image.mode == "I" and tags.get(Base.BitsPerSample) == (32,)
    unsigned = unsigned and tags.get(_SAMPLE_FORMAT, (1,)) == (1,)
    depth = _Depth(0.0, 1.0, inverted, unsigned, clear)
    parts = (depth.numbers(block) for _, block in _blocks(image))
    black, white = black_and_white(parts, image.width * image.height)
    return depth._replace(black=black, white=white)


_SAMPLE_FORMAT: Final = 339

"""TIFFs that Pillow does not read, as photo programs write them, through the extra ``tiff``.

tifffile takes the file apart and imagecodecs unpacks it; what the numbers mean is said here, so
that a picture looks as the same picture in eight bits does.  Strips and tiles are made eight bits
deep one by one: of the deep pixels there is never more than one of them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from isa_cli.errors import ImageError
from isa_cli.images.depth import black_and_white, to_eight_bits
from isa_cli.images.tiff_kinds import COLOURS, LAB, TiffKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_HINT: Final = 'pip install "isa-cli[tiff]"'
_XMP: Final = 700  # the tag
_INVERTED, _CMYK, _YCBCR, _ICC_LAB = 0, 5, 6, 9
_JPEG: Final = 7
_FLOAT: Final = 3

_MOST_BYTES: Final = 1 << 30
"""Of one strip or tile, unpacked; programs write them of a few megabytes."""


class DeepTiff(ImageFile):
    """Pillow's view of a TIFF's first page, read by tifffile; its mode is known once it is loaded.

    Raises:
        ImageError: this kind is not read here either, or the extra is missing.
    """

    format = "TIFF"

    def _open(self) -> None:
        stream: Any = self.fp
        data = stream.getvalue()
        kind = TiffKind.of(data)
        if kind is None:
            raise SyntaxError("a TIFF without a directory")
        self._kind = kind
        self._page = _first_page(stream, kind)
        self._size = self._page.imagewidth, self._page.imagelength
        self._mode = "RGB"
        self.info["exif"] = data  # whose first directory it is
        if isinstance(xmp := self._page.tags.valueof(_XMP), bytes):
            self.info["xmp"] = xmp

    def load(self) -> Any:
        """Decode the page, once."""
        if self._page is not None:
            image = _image(self._page, self._kind)
            self.im, self._mode, self._page = image.im, image.mode, None
        return super().load()


def _first_page(stream: Any, kind: TiffKind) -> Any:
    """Return tifffile's page, if it is of a kind that can be read."""
    if not kind.readable:
        raise ImageError(f"{kind}, which isa can't read")
    try:
        import imagecodecs  # noqa: F401, PLC0415 - an optional part, as the next
        import tifffile  # noqa: PLC0415
    except ImportError as error:
        raise ImageError(f"{kind}, which needs: {_HINT}", _HINT, needs="tiff") from error
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it speaks on stderr
    page: Any = tifffile.TiffFile(stream).pages[0]
    unpacked = int(np.prod(page.chunks, dtype=np.int64)) * page.dtype.itemsize
    if page.imagedepth != 1 or unpacked > _MOST_BYTES:
        raise ImageError(f"too large: {kind} in pieces of {unpacked:,} bytes")
    return page


def _image(page: Any, kind: TiffKind) -> Image.Image:
    """Return the page as L, RGB or LAB, or with its alpha channel as LA, La, RGBA, RGBa."""
    pixels = np.empty((page.imagelength, page.imagewidth, len(kind.wanted)), np.uint8)
    scales = _scales(page, kind)
    for values, top, left, sample in _parts(page, kind):
        height, width = values.shape
        number = kind.wanted.index(sample)
        pixels[top : top + height, left : left + width, number] = scales.to_bytes(values, sample)
    if kind.photometric == _INVERTED:
        pixels[..., 0] = 255 - pixels[..., 0]
    return _coloured(pixels, page, kind)


def _parts(page: Any, kind: TiffKind) -> Iterator[tuple[NDArray[Any], int, int, int]]:
    """Yield one sample of one strip or tile after the other, (H, W), with its place and number."""
    wanted = set(kind.wanted)
    for segment, (plane, _, top, left, _), shape in page.segments(maxworkers=1):
        part = np.zeros(shape, page.dtype) if segment is None else segment  # never written
        part = part[0, : page.imagelength - top, : page.imagewidth - left]
        for number in range(part.shape[2]):
            if plane + number in wanted:
                yield part[..., number], top, left, plane + number


class _Scales(NamedTuple):
    """What black and white are, among the colours and in the alpha channel."""

    kind: TiffKind
    colours: tuple[float, float]
    alpha: tuple[float, float]

    def to_bytes(self, values: NDArray[Any], sample: int) -> NDArray[np.uint8]:
        """Return a sample's values as bytes."""
        if sample >= COLOURS[self.kind.photometric]:
            return to_eight_bits(values, *self.alpha)
        if self.kind.photometric in LAB:
            return _lab(values, self.kind, sample)
        return to_eight_bits(values, *self.colours)


def _scales(page: Any, kind: TiffKind) -> _Scales:
    whole = np.issubdtype(page.dtype, np.integer)
    white = float((1 << kind.bits) - 1) if whole else 1.0
    if (kind.sample_format == 1 and kind.bits <= 16) or kind.photometric in LAB:  # noqa: PLR2004
        return _Scales(kind, (0.0, white), (0.0, white))
    colours = COLOURS[kind.photometric]
    seen = (values for values, _, _, sample in _parts(page, kind) if sample < colours)
    found = black_and_white(seen, page.imagelength * page.imagewidth * colours)
    return _Scales(kind, found, (0.0, white))


def _lab(values: NDArray[Any], kind: TiffKind, sample: int) -> NDArray[np.uint8]:
    """Return L*, a* or b* as a TIFF of eight bits has them: from 0 to 255, and signed."""
    numbers: NDArray[Any] = values.astype(np.float32)
    steps = 1 << max(0, kind.bits - 8)
    if kind.sample_format == _FLOAT:  # up to 100, and as they are
        numbers *= 2.55 if sample == 0 else 1
    elif sample == 0:
        numbers *= 255 / (255 * steps if kind.photometric == _ICC_LAB else (1 << kind.bits) - 1)
    elif kind.photometric == _ICC_LAB:
        numbers = numbers / steps - 128
    else:
        numbers = values.view(f"i{values.itemsize}").astype(np.float32) / steps
    low, high = (0, 255) if sample == 0 else (-128, 127)
    result: NDArray[np.int16] = np.nan_to_num(numbers).round().clip(low, high).astype(np.int16)
    return result.astype(np.uint8)


def _coloured(pixels: NDArray[np.uint8], page: Any, kind: TiffKind) -> Image.Image:
    """Return bytes (H, W, samples) as an image whose mode says what they mean."""
    height, width, samples = pixels.shape
    colours = COLOURS[kind.photometric]
    if kind.photometric in LAB or kind.photometric == _CMYK:
        mode = "LAB" if kind.photometric in LAB else "CMYK"
    elif kind.photometric == _YCBCR and page.compression != _JPEG:  # whose decoder makes it RGB
        mode = "YCbCr"
    else:
        mode = "L" if colours == 1 else "RGB"
        if samples > colours:  # as it is, multiplied or not
            mode += "a" if kind.alpha == 1 else "A"
            return Image.frombytes(mode, (width, height), pixels.tobytes())
    image = Image.frombytes(mode, (width, height), pixels[..., :colours].tobytes())
    if samples == colours:
        return image
    image = image.convert("RGB")
    image.putalpha(Image.fromarray(np.ascontiguousarray(pixels[..., colours])))
    return image

"""One picture decoded: the formats we allow, our limit on their size, drafts of big JPEGs."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from isa_cli.errors import ImageError, UsageError
from isa_cli.images.exif import describe, find_orientation, read_exif
from isa_cli.images.pixels import rgb, upright
from isa_cli.types import PhotoInfo

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

MAX_PIXELS: Final = 250_000_000
"""Above any phone's sensor (200 million), below what a few threads can hold (750 MB each)."""

DRAFT_MARGIN: Final = 2
"""How much larger than the encoder's input a draft stays, on both axes.

A draft averages blocks of pixels while the JPEG is decoded (a box filter in the DCT domain), which
is fast but coarse; the encoder's own resize keeps a factor of two to do properly.
"""


def decode(
    data: bytes, kind: str, at_least: tuple[int, int] | None, unsaid: int = 1
) -> tuple[Image.Image, PhotoInfo]:
    """Return picture and description of anything but RAW; ``unsaid``: orientation if it has none.

    Plugins are called one by one rather than through ``Image.open``.  That is the list of formats
    we allow, and it keeps our limit ours: ``Image.open`` obeys ``Image.MAX_IMAGE_PIXELS``, which
    belongs to the whole process.  GIF, TIFF and WebP look there themselves, so these stop at
    Pillow's own 179 million pixels, whatever ours is.
    """
    image = _plugin(kind, BytesIO(data))
    _check_size(*image.size)
    exif = read_exif(image)
    orientation, described = find_orientation(exif) or unsaid, describe(exif)
    if kind == "JPEG":
        size = image.size  # before the draft
        if at_least:
            height, width = at_least if orientation < 5 else at_least[::-1]  # noqa: PLR2004
            image.draft(None, (DRAFT_MARGIN * width, DRAFT_MARGIN * height))
        image.load()
    else:
        image.load()
        size = image.size  # libheif knows it for certain only now
    # Pillow turns TIFFs while loading them and then drops the tag, so the tag is read again.
    turn = find_orientation(read_exif(image)) or unsaid
    width, height = size if turn < 5 else size[::-1]  # noqa: PLR2004
    info = PhotoInfo(kind, width, height, orientation, **described)
    return upright(rgb(image), turn), info


def _plugin(kind: str, stream: BytesIO) -> ImageFile:
    if kind == "HEIF":
        from pillow_heif import HeifImageFile  # noqa: PLC0415 - not everyone has such photos

        heif: type[ImageFile] = HeifImageFile
        return heif(stream, "")
    return _PLUGINS[kind](stream, "")


_PLUGINS: Final[dict[str, type[ImageFile]]] = {
    "AVIF": AvifImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "JPEG": JpegImageFile,  # of an MPO, that is the first picture
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
}


def max_pixels() -> int:
    """Return how large a picture may be.

    Raises:
        UsageError: ``ISA_MAX_PIXELS`` is not a number.
    """
    setting = os.environ.get("ISA_MAX_PIXELS") or str(MAX_PIXELS)
    if not setting.isdecimal():
        raise UsageError(f"ISA_MAX_PIXELS is {setting!r}, which is not a number of pixels")
    return int(setting)


def _check_size(width: int, height: int) -> None:
    limit = max_pixels()
    if width * height > limit:
        raise ImageError(
            f"too large: {width:,} x {height:,} is {width * height:,} pixels, "
            f"the limit is {limit:,} pixels (ISA_MAX_PIXELS)",
            "set ISA_MAX_PIXELS to a higher number if you trust this file",
            needs=f"pixels {width * height}",
        )

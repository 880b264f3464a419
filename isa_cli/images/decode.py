"""One picture decoded: the formats we allow, our limit on their size, drafts of big JPEGs."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import DecompressionBombError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from isa_cli.errors import ImageError, UsageError
from isa_cli.images import gif, jpeg, png, tiff, webp
from isa_cli.images.exif import describe, read_exif
from isa_cli.images.orientation import Turn, which_way
from isa_cli.images.pixels import rgb, upright
from isa_cli.images.reasons import truncated
from isa_cli.types import PhotoInfo

if TYPE_CHECKING:
    from collections.abc import Callable

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

    A file over which a plugin stumbles is tried once more without what lies beside its pixels.
    """
    if kind in _CLEAN:
        data = _CLEAN[kind](data)
    try:
        return _decoded(data, kind, at_least, unsaid)
    except (ImageError, UsageError, MemoryError, DecompressionBombError):
        raise
    except Exception as error:  # noqa: BLE001 - plugins raise nearly anything
        first = error.with_traceback(None)  # whose frames hold the picture
    mended = _MENDED[kind](data) if kind in _MENDED else None
    if mended is None:
        raise first
    try:
        return _decoded(mended, kind, at_least, unsaid)
    except ImageError:
        raise
    except Exception:  # noqa: BLE001 - what was wrong first is what is wrong
        raise first from None


def _ended(data: bytes) -> bytes:
    """Return a JPEG with an end marker; one without it is proved to have all its pixels."""
    _check_size(*jpeg.declared_size(data))
    if jpeg.has_end(data):
        return data
    whole = jpeg.mended(data)
    if whole is None:
        raise truncated(data)
    return whole


_CLEAN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "JPEG": _ended,
    "PNG": png.pixels_and_notes,
    "TIFF": tiff.picture,
}
_MENDED: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "GIF": gif.mended,
    "JPEG": jpeg.mended,
    "TIFF": tiff.mended,
    "WEBP": webp.mended,
}


def _decoded(
    data: bytes, kind: str, at_least: tuple[int, int] | None, unsaid: int
) -> tuple[Image.Image, PhotoInfo]:
    image = _plugin(kind, BytesIO(data))
    size = image.size  # before the draft
    _check_size(*size)
    turn, described = which_way(image, kind, data, unsaid), describe(read_exif(image))
    if kind == "JPEG" and at_least:
        height, width = _turned(at_least, turn)
        image.draft(None, (DRAFT_MARGIN * width, DRAFT_MARGIN * height))
    image.load()
    if kind != "JPEG":
        size = image.size  # libheif knows it for certain only now
    width, height = _turned(size, turn)
    info = PhotoInfo(kind, width, height, turn.said, **described)
    return upright(rgb(image), turn.to_do), info


def _turned(sides: tuple[int, int], turn: Turn) -> tuple[int, int]:
    return sides if turn.to_do < 5 else sides[::-1]  # noqa: PLR2004


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


def _check_size(width: int, height: int) -> None:
    setting = os.environ.get("ISA_MAX_PIXELS") or str(MAX_PIXELS)
    if not setting.isdecimal():
        raise UsageError(f"ISA_MAX_PIXELS is {setting!r}, which is not a number of pixels")
    if width * height > int(setting):
        raise ImageError(
            f"too large: {width:,} x {height:,} is {width * height:,} pixels, "
            f"the limit is {int(setting):,} pixels (ISA_MAX_PIXELS)",
            "set ISA_MAX_PIXELS to a higher number if you trust this file",
        )

"""One picture decoded: the formats we allow, our limit on their size, drafts of big ones."""

from __future__ import annotations

import os
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import DecompressionBombError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from isa_cli.errors import ImageError, UsageError
from isa_cli.images import boxes, gif, jpeg, png, tiff, tiff_kinds, webp
from isa_cli.images.evidence import describe
from isa_cli.images.exif import read_exif
from isa_cli.images.orientation import Turn, which_way
from isa_cli.images.pixels import rgb, upright
from isa_cli.images.reasons import truncated
from isa_cli.images.room import Room
from isa_cli.types import PhotoInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from PIL import Image
    from PIL.ImageFile import ImageFile

    Decoded: TypeAlias = tuple[Image.Image, PhotoInfo]

MAX_PIXELS: Final = 250_000_000
"""Above any phone's sensor (200 million); all threads together hold no more of large pictures."""

DRAFT_MARGIN: Final = 2
"""How much larger than the encoder's input a draft stays, on both axes.

A draft averages blocks of pixels while the JPEG is decoded (a box filter in the DCT domain), which
is fast but coarse; the encoder's own resize keeps a factor of two to do properly.
"""

LARGE: Final = 64_000_000
"""Pixels above which a picture of another format than JPEG is averaged in blocks, too."""

_ROOM: Final = Room(MAX_PIXELS)


def decode(data: bytes, kind: str, at_least: tuple[int, int] | None, unsaid: int = 1) -> Decoded:
    """Return picture and description of anything but RAW; ``unsaid``: orientation if it has none.

    Plugins are called one by one rather than through ``Image.open``.  That is the list of formats
    we allow, and it keeps our limit ours: ``Image.open`` obeys ``Image.MAX_IMAGE_PIXELS``, which
    belongs to the whole process.  GIF, TIFF and WebP look there themselves, so these stop at
    Pillow's own 179 million pixels, whatever ours is.

    A file over which a plugin stumbles is tried once more without what lies beside its pixels, and
    a TIFF of a kind that Pillow does not read through the extra ``tiff``.
    """
    clean = _CLEAN[kind](data)
    plain = partial(_decoded, whole=data, kind=kind, at_least=at_least, unsaid=unsaid)
    if kind == "TIFF" and tiff_kinds.is_misread(clean):
        return plain(tiff.mended(clean) or clean, plugin=_deep_tiff)
    try:
        return plain(clean)
    except (ImageError, UsageError, MemoryError, DecompressionBombError):
        raise
    except Exception as error:  # noqa: BLE001 - plugins raise nearly anything
        first = error.with_traceback(None)  # whose frames hold the picture
    mended = _MENDED[kind](clean)
    if mended is None:
        raise first
    try:
        return plain(mended)
    except ImageError:
        raise
    except Exception:  # noqa: BLE001 - what was wrong first is what is wrong
        if kind != "TIFF":
            raise first from None
    return _last_resort(mended, plain, first)


def _last_resort(data: bytes, plain: Callable[..., Decoded], first: Exception) -> Decoded:
    """Return a TIFF that Pillow does not read as tifffile does, or raise what is wrong with it."""
    try:
        TiffImageFile(BytesIO(data), "")
        is_pillows = True
    except Exception:  # noqa: BLE001 - whatever it says of a kind that it does not know
        is_pillows = False
    try:
        return plain(data, plugin=_deep_tiff)
    except Exception:
        if is_pillows:  # then it is damaged
            raise first from None
        raise


def _ended(data: bytes) -> bytes:
    """Return a JPEG with an end marker; one without it is proved to have all its pixels."""
    _check_size(*jpeg.declared_size(data))
    if jpeg.has_end(data):
        return data
    whole = _mended_jpeg(data)
    if whole is None:
        raise truncated(data)
    return whole


def _mended_jpeg(data: bytes) -> bytes | None:
    width, height = jpeg.declared_size(data)
    with _ROOM.taken(width * height):
        return jpeg.mended(data)


def _of_fair_size(data: bytes) -> bytes:
    """Return a HEIF or AVIF whose declared size is none that its library has other words for."""
    _check_size(*boxes.declared_size(data))
    return data


_CLEAN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "AVIF": _of_fair_size,
    "BMP": bytes,  # as it is
    "GIF": gif.coming_to_a_picture,
    "HEIF": _of_fair_size,
    "JPEG": _ended,
    "PNG": png.pixels_and_notes,
    "TIFF": tiff.picture,
    "WEBP": bytes,
}


def _nothing(_: bytes) -> None:
    """Stand for formats that have no notes worth leaving out."""


_MENDED: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "AVIF": boxes.mended,
    "BMP": _nothing,
    "GIF": gif.mended,
    "HEIF": boxes.mended,
    "JPEG": _mended_jpeg,
    "PNG": _nothing,  # they are left out already
    "TIFF": tiff.mended,
    "WEBP": webp.mended,
}


def _decoded(
    data: bytes,
    whole: bytes,
    kind: str,
    at_least: tuple[int, int] | None,
    unsaid: int,
    plugin: Callable[[str, BytesIO], ImageFile] | None = None,
) -> Decoded:
    """Picture and description; ``whole`` is the file as it was, with all that is said in it."""
    image = (plugin or _plugin)(kind, BytesIO(data))
    size = image.size  # before the draft
    held = _checked(image)
    if kind == "JPEG":
        turn = which_way(image, kind, data, unsaid)
        if at_least:
            height, width = _turned(at_least, turn)
            image.draft(None, (DRAFT_MARGIN * width, DRAFT_MARGIN * height))
        if not image.info.get("progressive"):  # those keep all coefficients, whatever the draft
            held = image.width * image.height
    with _ROOM.taken(held):
        turn = which_way(image, kind, data, unsaid)  # a PNG is loaded to see its EXIF
        described = describe(read_exif(image), kind, whole, image.info)
        image.load()
        if kind != "JPEG":
            size = image.size  # libheif knows it for certain only now
        plain = rgb(image, _factor(image, at_least, turn))
        del image
        plain = upright(plain, turn.to_do)
    width, height = _turned(size, turn)
    return plain, PhotoInfo(kind, width, height, turn.said, **described)


def _turned(sides: tuple[int, int], turn: Turn) -> tuple[int, int]:
    return sides if turn.to_do < 5 else sides[::-1]  # noqa: PLR2004


def _factor(image: Image.Image, at_least: tuple[int, int] | None, turn: Turn) -> int:
    """Return by how much a large picture's sides may be divided for a caller who resizes it."""
    if not at_least or image.width * image.height <= LARGE:
        return 1
    height, width = _turned(at_least, turn)
    across, down = image.width // (DRAFT_MARGIN * width), image.height // (DRAFT_MARGIN * height)
    return max(1, min(across, down))


def _plugin(kind: str, stream: BytesIO) -> ImageFile:
    if kind == "HEIF":
        from pillow_heif import HeifImageFile  # noqa: PLC0415 - not everyone has such photos

        heif: type[ImageFile] = HeifImageFile
        return heif(stream, "")
    return _PLUGINS[kind](stream, "")


def _deep_tiff(_: str, stream: BytesIO) -> ImageFile:
    from isa_cli.images.deep_tiff import DeepTiff  # noqa: PLC0415 - few have such pictures

    return DeepTiff(stream, "")


_PLUGINS: Final[dict[str, type[ImageFile]]] = {
    "AVIF": AvifImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "JPEG": JpegImageFile,  # of an MPO, that is the first picture
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
}


def _checked(image: Image.Image) -> int:
    """Return how many pixels have to be held to decode this, or raise: of a TIFF a whole tile."""
    tags: dict[int, Any] = getattr(image, "tag_v2", {})
    sides = tags.get(Base.TileWidth), tags.get(Base.TileLength)
    sizes = [image.size]
    if isinstance(sides[0], int) and isinstance(sides[1], int):
        sizes.append((sides[0], sides[1]))
    for width, height in sizes:
        _check_size(width, height)
    return max(width * height for width, height in sizes)


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

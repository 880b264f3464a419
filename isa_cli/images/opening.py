"""The front door: bytes in, a picture or an ``ImageError`` out, whatever a decoder raises."""

from __future__ import annotations

import logging
import os
import re
import warnings
from typing import TYPE_CHECKING, Final

from PIL import Image

from isa_cli.errors import ImageError, IsaError
from isa_cli.images.decode import decode
from isa_cli.images.files import read_file
from isa_cli.images.raw import open_raw
from isa_cli.images.sniff import resemblance, sniff

if TYPE_CHECKING:
    from isa_cli.types import PhotoInfo


def open_image(
    data: bytes, *, at_least: tuple[int, int] | None = None
) -> tuple[Image.Image, PhotoInfo]:
    """Return the picture in ``data``, mode RGB and upright, and what its bytes say about it.

    Args:
        data: a whole file.
        at_least: (height, width) that the caller is going to resize to.  A hint: a JPEG may then
            come back smaller than it is, but at least ``DRAFT_MARGIN`` times this on both axes
            where it is that large.  ``PhotoInfo`` always tells the full size.

    Raises:
        ImageError: no picture, not a whole one, or one over the limit.
        UsageError: ``ISA_MAX_PIXELS`` is not a number.
    """
    _hush_pillow()
    kind = sniff(data)
    if not kind:
        raise ImageError(f"not a picture isa knows{resemblance(data)}")
    try:
        if kind == "RAW":
            return open_raw(data, at_least)
        return decode(data, kind, at_least)
    except IsaError:
        raise
    except Exception as error:  # the border: plugins raise nearly anything
        raise ImageError(_reason(kind, data, error)) from error


def open_file(path: bytes, at_least: tuple[int, int] | None = None) -> Image.Image:
    """Return the picture in a file, mode RGB and upright.

    Args:
        path: of the file (``os.fsencode``).
        at_least: as ``open_image``.

    Raises:
        ImageError: as ``open_image``, with the path before the reason.
    """
    try:
        return open_image(read_file(path), at_least=at_least)[0]
    except ImageError as error:
        raise ImageError(f"{os.fsdecode(path)}: {error.reason}", error.hint) from error


def thumbnail(data: bytes, size: int) -> Image.Image:
    """Return the picture in ``data`` small enough for a square of ``size`` pixels, mode RGB.

    Raises:
        ImageError: as ``open_image``.
    """
    image, _ = open_image(data, at_least=(size, size))
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return image


def _hush_pillow() -> None:
    """Keep Pillow's remarks about odd metadata off the terminal.

    ``warnings.catch_warnings`` is not for threads, so one narrow entry goes in front of the
    filters and stays there; taking it out again would reset every other module's 'once' too.
    """
    if warnings.filters[:1] != [_HUSH]:
        warnings.filterwarnings("ignore", module=r"PIL\.")


_HUSH: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors reach stderr


def _reason(kind: str, data: bytes, error: Exception) -> str:
    """The words for a person about an exception out of a decoder."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large: {text}"
    if isinstance(error, EOFError) or _CUT_SHORT.search(text):
        return f"truncated after {len(data):,} bytes, or damaged"
    detail = "" if isinstance(error, KeyError) else text[:120]  # a bare number tells nobody
    return f"{kind} data that can't be decoded: {detail}".removesuffix(": ")


_CUT_SHORT: Final = re.compile(  # as each decoder puts it: the last three are TIFF, WebP and AVIF
    r"truncat|end of file|not enough|requires a buffer"
    r"|missing dimensions|could not create decoder|BMFF parsing failed",
    re.IGNORECASE,
)

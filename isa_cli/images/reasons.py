"""What a person is told about a file that can't be decoded."""

from __future__ import annotations

import re
from typing import Final

from PIL import Image

from isa_cli.errors import ImageError

NO_MEMORY: Final = "needs more memory than there is"


def truncated(data: bytes) -> ImageError:
    """Return the error about a file whose pixels are not all there."""
    return ImageError(f"truncated after {len(data):,} bytes, or damaged")


def undecodable(kind: str, data: bytes, error: Exception) -> ImageError:
    """Return the error about a file over which a decoder raised another one."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return ImageError(NO_MEMORY, passing=True)
    if isinstance(error, Image.DecompressionBombError):
        return ImageError(f"too large: {text}")
    if isinstance(error, EOFError) or _CUT_SHORT.search(text):
        return truncated(data)
    detail = "" if isinstance(error, KeyError) else text[:120]  # a bare number tells nobody
    reason = f"{kind} data that can't be decoded: {detail}".removesuffix(": ")
    return ImageError(reason, passing=_is_passing(error))


def _is_passing(error: Exception) -> bool:
    """Return whether it lies in the machine; only an error of the system has a number."""
    return isinstance(error, ImportError) or (
        isinstance(error, OSError) and error.errno is not None
    )


_CUT_SHORT: Final = re.compile(  # as each decoder puts it: the last three are TIFF, WebP and AVIF
    r"truncat|end of file|not enough|requires a buffer"
    r"|missing dimensions|could not create decoder|BMFF parsing failed",
    re.IGNORECASE,
)

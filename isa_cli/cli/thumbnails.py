"""Small pictures of files, for the contact sheet and the terminal."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, QUALITY = 320, 80
"""Pixels on the long side, and JPEG quality; about 20 KB each."""


def small(path: bytes) -> Image:
    """Return a file's picture, mode RGB, at most ``SIDE`` pixels wide and high.

    Raises:
        ImageError: it cannot be opened.
    """
    from isa_cli.images import read_file, thumbnail

    return thumbnail(read_file(path), SIDE)


def jpeg(path: bytes) -> bytes:
    """Return the same as the bytes of a JPEG file.

    Raises:
        ImageError: it cannot be opened.
    """
    stream = BytesIO()
    small(path).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()

"""Small pictures of files, for pages and the terminal."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL.Image import Resampling

from isa_cli.images import read_file, thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, QUALITY = 320, 80
"""Pixels on the long side, and JPEG quality; about 20 KB each."""


def small(path: bytes, side: int = SIDE) -> Image:
    """A file's picture, mode RGB, at most ``side`` pixels wide and high.

    Raises:
        ImageError: it cannot be opened.
    """
    return thumbnail(read_file(path), side)


def jpeg(path: bytes, side: int = SIDE, quality: int = QUALITY) -> bytes:
    """The same as the bytes of a JPEG file.

    Raises:
        ImageError: it cannot be opened.
    """
    return jpeg_of(small(path, side), side, quality)


def jpeg_of(picture: Image, side: int = SIDE, quality: int = QUALITY) -> bytes:
    """A picture, mode RGB, as a small JPEG file."""
    stream = BytesIO()
    picture.thumbnail((side, side), Resampling.LANCZOS)
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()

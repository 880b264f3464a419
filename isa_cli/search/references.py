"""The pictures of a question: read, named by what their bytes are, opened when somebody looks."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import ImageError
from isa_cli.images import digest, limits, open_image, read_file
from isa_cli.paths import catalogued

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from isa_cli.search.request import Reference


@dataclass(frozen=True, slots=True)
class ReferencePicture:
    """A picture of a question, read but not yet opened.

    Attributes:
        name: of its file, for messages; '' where there is none.
        digest: of its bytes, by which the gallery may know it; ``None`` for a picture in memory.
        source: its file's bytes, or the picture itself.
        path: of its file, as the catalogue writes it; b'' where there is none.
    """

    name: str
    digest: bytes | None
    source: bytes | Image
    path: bytes = b""

    def open(self, at_least: tuple[int, int] | None = None) -> Image:
        """The picture, mode RGB and upright.

        Args:
            at_least: (height, width) that it is going to be resized to, see ``open_image``.

        Raises:
            ImageError: it can't be opened.
        """
        with _named(self.name):
            if isinstance(self.source, bytes):
                data = self.source
                opened = lambda: open_image(data, at_least=at_least)[0]  # noqa: E731
                return limits.within(limits.max_seconds(), opened, passing=False)
            return _plain(self.source)


def read_reference(reference: Reference) -> ReferencePicture:
    """Reads a picture of a question.

    Args:
        reference: a path, a file's bytes, or a picture of Pillow's.

    Raises:
        ImageError: the file can't be read.
    """
    if isinstance(reference, bytes):
        return ReferencePicture("", digest(reference), reference)
    if not isinstance(reference, os.PathLike):
        return ReferencePicture("", None, reference)
    with _named(str(reference)):
        path = catalogued(str(reference))
        data = limits.within(limits.max_seconds(), lambda: read_file(path), passing=True)
    return ReferencePicture(str(reference), digest(data), data, path)


def _plain(picture: Image) -> Image:
    """A picture in memory as an opened file would be: upright, RGB, white behind what is clear."""
    from PIL import ImageOps  # noqa: PLC0415 - most references are files

    from isa_cli.images.pixels import rgb  # noqa: PLC0415

    return rgb(ImageOps.exif_transpose(picture))


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put a picture's name before what is wrong with it."""
    try:
        yield
    except ImageError as error:
        raise error.of(name or "the reference") from error

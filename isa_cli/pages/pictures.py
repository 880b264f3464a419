"""Pictures that are in the page themselves, or the reason why one is not."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import IsaError
from isa_cli.pages.markup import name_of, named
from isa_cli.pages.thumbnails import jpeg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Loader = Callable[[bytes], bytes]

LOADERS = 4
"""Thumbnails made at once; decoding leaves Python's lock."""


@dataclass(frozen=True, slots=True)
class InlinedPicture:
    """A file's picture, ready to be shown.

    Attributes:
        path: of the file.
        source: the picture as a ``data:`` URI; '' where it can't be opened.
        reason: then why, in words; else ''.
    """

    path: bytes
    source: str
    reason: str = ""

    def __str__(self) -> str:
        """The markup: an image, or the reason in its place."""
        return image(self.source, name_of(self.path)) if self.source else lost(self.reason)


def inlined(paths: Iterable[bytes], load: Loader = jpeg) -> list[InlinedPicture]:
    """The pictures of files, in their order.

    Args:
        paths: of the files.
        load: returns the JPEG thumbnail of a file, and is called from several threads; an
            ``IsaError`` or ``OSError`` of it is shown in the picture's place.
    """

    def made(path: bytes) -> InlinedPicture:
        try:
            return InlinedPicture(path, data_uri(load(path), "jpeg"))
        except (IsaError, OSError) as error:
            told = getattr(error, "reason", None) or getattr(error, "strerror", None)
            return InlinedPicture(path, "", told or str(error))

    with ThreadPoolExecutor(LOADERS) as pool:
        return list(pool.map(made, paths))


def data_uri(data: bytes, kind: str) -> str:
    """A picture's file as a URI that holds all of it.

    Args:
        data: the file's bytes.
        kind: ``jpeg`` or ``png``.
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def image(source: str, alt: str) -> str:
    """The markup of a picture; ``alt``, which is markup, says what it shows."""
    return f'<img src="{source}" alt="{alt}" decoding="async">'


def lost(reason: str) -> str:
    """The markup of what stands where a picture would be."""
    return f'<span class="lost">{named(reason)}</span>'

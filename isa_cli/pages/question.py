"""A question as a sum: picture + "words" - "what must not show" = what came of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.pages.markup import link, words
from isa_cli.pages.pictures import inlined
from isa_cli.pages.thumbnails import SIDE, jpeg_of
from isa_cli.search.references import read_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from PIL.Image import Image

    from isa_cli.pages.pictures import InlinedPicture, Loader
    from isa_cli.search.request import Reference

STYLE = "question.css"

IN_MEMORY = "a picture in memory"
"""What a picture without a file is called."""


@dataclass(frozen=True, slots=True)
class AskedPicture:
    """A picture of the question.

    Attributes:
        path: of its file (``os.fsencode``); empty where it has none.
        avoided: its like is unwanted (``--not-image``).
        content: the picture itself, where it has no file: a file's bytes, or one of Pillow's.
    """

    path: bytes
    avoided: bool = False
    content: bytes | Image | None = None

    def inlined(self, load: Loader) -> InlinedPicture:
        """The picture to be shown; ``load`` as in ``pictures.inlined``."""
        if self.content is None:
            return inlined([self.path], load)[0]
        content = self.content
        return inlined([b""], lambda _: jpeg_of(read_reference(content).open((SIDE, SIDE))))[0]

    def __str__(self) -> str:
        """The markup of its name."""
        return link(self.path) if self.path else IN_MEMORY


def asked_pictures(references: Iterable[Reference], *, avoided: bool = False) -> list[AskedPicture]:
    """The pictures of a request, to be shown."""
    return [
        AskedPicture(os.fsencode(each.absolute()), avoided)
        if isinstance(each, Path)
        else AskedPicture(b"", avoided, each)
        for each in references
    ]


def equation(
    asked: Sequence[AskedPicture],
    pictures: Sequence[InlinedPicture],
    modifier: str,
    outcome: str,
    avoid: Sequence[str] = (),
) -> str:
    """The question as markup; what is wanted comes first.

    Args:
        asked: its pictures.
        pictures: the same, to be shown.
        modifier: its words, or ''.
        outcome: markup of what came of it.
        avoid: words for what is unwanted.
    """
    terms = [
        (one.avoided, f"<figure>{picture}<figcaption>{one}</figcaption></figure>")
        for one, picture in zip(asked, pictures, strict=True)
    ]
    terms += [(False, _quoted(modifier))] if modifier else []
    terms += [(True, _quoted(unwanted)) for unwanted in avoid]
    terms.sort(key=lambda term: term[0])
    return f'<div class="equation">{" ".join(_signed(terms, outcome))}</div>'


def _quoted(text: str) -> str:
    return f'<q dir="auto">{words(text)}</q>'


def _signed(terms: Sequence[tuple[bool, str]], outcome: str) -> Iterator[str]:
    for number, (avoided, term) in enumerate(terms):
        if avoided:
            yield f'<div class="term less"><span class="sign">\u2212</span>{term}</div>'
        elif number:
            yield f'<div class="term"><span class="sign">+</span>{term}</div>'
        else:
            yield f'<div class="term">{term}</div>'
    yield f'<div class="term"><span class="sign">=</span><span class="sum">{outcome}</span></div>'

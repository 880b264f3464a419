"""A question as a sum: picture + "words" - "what must not show" = what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.pages.markup import link, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from isa_cli.pages.pictures import InlinedPicture

STYLE = "question.css"


@dataclass(frozen=True, slots=True)
class AskedPicture:
    """A picture of the question, and whether its like is unwanted (``--not-image``)."""

    path: bytes
    avoided: bool = False


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
        (one.avoided, f"<figure>{picture}<figcaption>{link(one.path)}</figcaption></figure>")
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

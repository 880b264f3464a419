"""A query explained: its picture once for each token, lit where it looks, and the answers."""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from isa_cli.pages import cards, page, question
from isa_cli.pages.cards import card, length, pair
from isa_cli.pages.markup import name_of, to_file, words
from isa_cli.pages.pictures import data_uri, image, inlined, lost
from isa_cli.pages.question import asked_pictures, equation
from isa_cli.pages.thumbnails import jpeg
from isa_cli.query.explain import MEANING, NO_MAP, QUERY
from isa_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from isa_cli.pages.pictures import InlinedPicture
    from isa_cli.query.explain import Explanation, Score, Split, Token
    from isa_cli.search.request import Answer, Request
    from isa_cli.types import Hit, Pixels

SIDE = 256
"""Pixels of a lit picture's longer side."""

SHADE = 0.16
"""What is left of the light where a token does not look at all."""

TOKENS = (
    "The picture as the encoder gets it, once for each word that isa makes of it, lit where that "
    "word looks, brightest where it holds most. Holds: its share of the picture. Moves (the bar): "
    "how far the query would be, 1 - cosine, with no word in particular in its place."
)
PARTS = "Cosine of the query with what each part would have asked for by itself."
ANSWERS = (
    "Each photo's score by every part alone and by the query: cosine, and z, how far it stands "
    "above the gallery's mean for that part in standard deviations. The gain is z of the query "
    "above the better of picture and words alone."
)


def explanation_page(
    request: Request, answer: Answer, explanation: Explanation, splits: Sequence[Split]
) -> str:
    """An explained query as the text of a page.

    Args:
        request: one reference and words.
        answer: what was found.
        explanation: the query, taken apart.
        splits: how the score of each hit comes about.
    """
    (reference,) = asked_pictures(request.references)
    asked, found = reference.inlined(jpeg), inlined([hit.photo.paths[0] for hit in answer])
    sections = [
        _section("What each word looks at", TOKENS, _tokens(explanation)),
        _section("What the query is made of", PARTS, _parts(explanation)),
    ]
    if answer.hits:
        each = cards.cards(map(_answer, answer.hits, found, splits))
        sections.append(_section("How the answers' scores split", ANSWERS, each))
    outcome = counted(len(explanation.tokens), "word") + " of isa's own, and yours"
    return page.whole(
        title="A query explained by isa",
        top=equation([reference], [asked], request.modifier, escape(outcome)),
        body="".join(sections),
        facts=dict(_facts(answer, explanation)),
        style=page.resource(question.STYLE, cards.STYLE, "explanation.css"),
    )


def _section(title: str, note: str, body: str) -> str:
    return f'<section><h2>{escape(title)}</h2><p class="note">{escape(note)}</p>{body}</section>'


def _facts(answer: Answer, explanation: Explanation) -> Iterator[tuple[str, str]]:
    yield "method", answer.method
    if answer.alpha is not None:
        yield "alpha", f"{answer.alpha:g}"
    yield "compared with", counted(answer.considered, "photo")
    yield "nearest of", counted(explanation.vocabulary, "word")


# --- tokens --------------------------------------------------------------------------------------


def _tokens(explanation: Explanation) -> str:
    most = max(token.loss for token in explanation.tokens)
    each = (
        _token(number, token, explanation.seen, most)
        for number, token in enumerate(explanation.tokens, 1)
    )
    return cards.cards(each, "tokens")


def _token(number: int, token: Token, seen: Pixels, most: float) -> str:
    near = ", ".join(f"<b>{words(n.word)}</b> {n.cosine:.2f}" for n in token.nearest)
    lines = [
        pair("<span>moves</span>", f"<b>{token.loss:.4f}</b>"),
        f'<p class="near">near {near or "nothing"}</p>',
    ]
    if token.attention is None:
        picture = lost(NO_MAP)
    else:
        picture = image(data_uri(lit(seen, token.attention), "png"), f"where word {number} looks")
        lines.insert(0, pair("<span>holds</span>", f"<b>{token.share:.0%}</b>"))
    return card(picture, number, "\n".join(lines), bar=token.loss / most if most else 0.0)


def lit(seen: Pixels, attention: NDArray[np.float32]) -> bytes:
    """A picture as a PNG file, dark and grey but where a token looks.

    Args:
        seen: (H, W, 3) pixels.
        attention: (h, w) over the same view.  Zero is dark and its highest value is full light:
            what looks everywhere alike is lit everywhere.
    """
    picture = Image.fromarray(seen)
    scale = SIDE / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    colour = picture.resize(size, Image.Resampling.BICUBIC)
    light = np.rint(255 * attention / max(float(attention.max()), 1e-9)).astype(np.uint8)
    mask = Image.fromarray(light).resize(size, Image.Resampling.BICUBIC)
    dark = colour.convert("L").point(lambda value: round(value * SHADE)).convert("RGB")
    stream = BytesIO()
    Image.composite(colour, dark, mask).save(stream, "PNG", optimize=True)
    return stream.getvalue()


# --- parts ---------------------------------------------------------------------------------------


def _parts(explanation: Explanation) -> str:
    rows = "".join(
        f'<dt>{MEANING[name]}</dt><dd>{cosine:.3f}</dd><dd class="meter">{length(cosine)}</dd>'
        for name, cosine in explanation.cosines().items()
    )
    return f"<dl>{rows}</dl>"


def _answer(hit: Hit, picture: InlinedPicture, split: Split) -> str:
    rows = "".join(_score(name, score) for name, score in split.scores.items())
    path = hit.photo.paths[0]
    name = f'<a class="name" {to_file(path)}>{name_of(path)}</a>\n'
    lines = [
        pair(name, f"<span>gain <b>{split.gain:+.2f}</b></span>"),
        f"<table><tr><th></th><th>cosine</th><th>z</th></tr>{rows}</table>",
    ]
    return card(str(picture), hit.rank, "\n".join(lines), to=to_file(path))


def _score(name: str, score: Score) -> str:
    whole = ' class="whole"' if name == QUERY else ""
    return f"<tr{whole}><td>{name}</td><td>{score.cosine:.3f}</td><td>{score.z:+.1f}</td></tr>"

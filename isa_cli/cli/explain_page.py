"""``isa explain``'s page: the picture once for each token, lit where it looks, and the answers.

It is made as the contact sheet is and looks like it: one file that fetches nothing.
"""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from html import escape
from importlib import resources
from io import BytesIO
from string import Template
from typing import TYPE_CHECKING

from isa_cli.cli.explain_report import MEANING, no_map
from isa_cli.cli.sheet import LOADERS, SheetImage, equation, inlined, link, put_page
from isa_cli.cli.thumbnails import jpeg
from isa_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from isa_cli.library.explained import Explained
    from isa_cli.query.explain import Explanation, Score, Split, Token
    from isa_cli.types import Hit, Pixels

SIDE = 256
"""Pixels of a lit picture's longer side."""

SHADE = 0.16
"""What is left of the light where a token does not look at all."""

STYLE = """
  section + section { margin-top: 2.75rem }
  h2 { margin: 0 0 .35rem; font-size: 1.05rem; font-weight: 600 }
  .note { margin: 0 0 1.1rem; max-width: 75ch; color: var(--soft); font-size: .88rem }
  .tokens { grid-template-columns: repeat(auto-fill, minmax(min(10rem, 100%), 1fr)) }
  .words .near { white-space: normal }
  table { width: 100%; border-spacing: 0; font-variant-numeric: tabular-nums }
  td, th { padding: .12rem 0; text-align: right; font-weight: 400; color: var(--soft) }
  td:first-child, th:first-child { text-align: left }
  tr.whole td { padding-bottom: .3rem; font-weight: 600; color: var(--ink) }
  .parts { width: auto }
  .parts td { padding: .15rem 1.2rem .15rem 0; color: var(--ink) }
  .parts td + td { text-align: left }
  .parts .meter { display: block; width: 14rem; height: 6px; background: var(--line) }
  .parts .meter i { display: block; height: 100%; background: var(--accent) }
"""

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


def write(path: Path, explained: Explained) -> None:
    """Write the page; the file appears whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    explanation, hits = explained.explanation, explained.answer.hits
    reference = SheetImage(os.fsencode(explained.request.references[0].absolute()))
    shown = [reference.path, *(hit.photo.paths[0] for hit in hits)]
    with ThreadPoolExecutor(LOADERS) as pool:
        asked, *found = pool.map(lambda file: inlined(file, jpeg), shown)
    cards = map(_answer, hits, found, explained.splits)
    sections = [
        _section("What each word looks at", TOKENS, _tokens(explanation)),
        _section("What the query is made of", PARTS, _parts(explanation)),
        _section("How the answers' scores split", ANSWERS, f"<ol>{''.join(cards)}</ol>"),
    ]
    template = resources.files(__package__).joinpath("sheet.html").read_text("utf-8")
    page = Template(template.replace("</style>", f"{STYLE}</style>", 1))
    outcome = counted(len(explanation.tokens), "word") + " of isa's own, and yours"
    words = explained.request.modifier
    text = page.substitute(
        title="A query explained by isa",
        equation=" ".join(equation([reference], [asked], words, [], escape(outcome))),
        hits="".join(sections if hits else sections[:2]),
        meta="".join(f"<span>{name} <b>{value}</b></span>" for name, value in _meta(explained)),
        script="",
        script_hash="none",
    )
    put_page(path, text)


def _section(title: str, note: str, body: str) -> str:
    return f'<section><h2>{escape(title)}</h2><p class="note">{escape(note)}</p>{body}</section>'


def _meta(explained: Explained) -> Iterator[tuple[str, str]]:
    answer = explained.answer
    yield "method", answer.method
    if answer.alpha is not None:
        yield "alpha", f"{answer.alpha:g}"
    yield "compared with", counted(answer.considered, "photo")
    yield "nearest of", counted(explained.explanation.vocabulary, "word")


# --- tokens --------------------------------------------------------------------------------------


def _tokens(explanation: Explanation) -> str:
    most = max(token.loss for token in explanation.tokens)
    cards = (
        _token(number, token, explanation.seen, most)
        for number, token in enumerate(explanation.tokens, 1)
    )
    return f'<ol class="tokens">{"".join(cards)}</ol>'


def _token(number: int, token: Token, seen: Pixels, most: float) -> str:
    if token.attention is None:
        picture, held = f'<span class="lost">{no_map()}</span>', ""
    else:
        data = base64.b64encode(lit(seen, token.attention)).decode()
        picture = f'<img src="data:image/png;base64,{data}" alt="where word {number} looks">'
        held = f'<p class="pair"><span>holds</span><b>{token.share:.0%}</b></p>'
    near = ", ".join(f"<b>{escape(n.word)}</b> {n.cosine:.2f}" for n in token.nearest)
    width = 100 * token.loss / most if most else 0
    return f"""
<li>
<div class="mat">{picture}<span class="rank">{number}</span></div>
<div class="bar"><i style="width:{width:.0f}%"></i></div>
<div class="words">{held}
<p class="pair"><span>moves</span><b>{token.loss:.4f}</b></p>
<p class="near">near {near or "nothing"}</p>
</div>
</li>"""


def lit(seen: Pixels, attention: NDArray[np.float32]) -> bytes:
    """Return a picture as a PNG file, dark and grey but where a token looks.

    Args:
        seen: (H, W, 3) pixels.
        attention: (h, w) over the same view.  Zero is dark and its highest value is full light:
            what looks everywhere alike is lit everywhere.
    """
    import numpy as np
    from PIL import Image

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
        f'<tr><td>{MEANING[name]}</td><td><b>{cosine:.3f}</b></td><td><span class="meter">'
        f'<i style="width:{100 * max(0.0, cosine):.0f}%"></i></span></td></tr>'
        for name, cosine in explanation.cosines().items()
    )
    return f'<table class="parts">{rows}</table>'


def _answer(hit: Hit, picture: str, split: Split) -> str:
    rows = "".join(_score(name, score) for name, score in split.scores.items())
    return f"""
<li>
<div class="mat">{picture}<span class="rank">{hit.rank}</span></div>
<div class="words">
<p class="pair"><span class="name">{link(hit.photo.paths[0])}</span>
<span>gain <b>{split.gain:+.2f}</b></span></p>
<table><tr><th></th><th>cosine</th><th>z</th></tr>{rows}</table>
</div>
</li>"""


def _score(name: str, score: Score) -> str:
    whole = ' class="whole"' if name == "query" else ""
    return f"<tr{whole}><td>{name}</td><td>{score.cosine:.3f}</td><td>{score.z:+.1f}</td></tr>"

"""The contact sheet: the question, the answers and every thumbnail."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from isa_cli.pages import cards, page, question
from isa_cli.pages.cards import card, mark, pair
from isa_cli.pages.markup import copied, link, name_of, named, to_file
from isa_cli.pages.pictures import inlined
from isa_cli.pages.question import asked_pictures, equation
from isa_cli.pages.thumbnails import jpeg
from isa_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isa_cli.pages.pictures import InlinedPicture, Loader
    from isa_cli.pages.question import AskedPicture
    from isa_cli.search.request import Answer, Request
    from isa_cli.types import Hit

SCORE = "cosine, and how far above this gallery's mean it stands, in standard deviations"


def answer_sheet(answer: Answer, request: Request) -> str:
    """The contact sheet of a search."""
    facts = {"method": answer.method, "compared with": counted(answer.considered, "photo")}
    if answer.alpha is not None:
        facts["alpha"] = f"{answer.alpha:g}"
    asked = asked_pictures(request.references)
    asked += asked_pictures(request.avoid_images, avoided=True)
    return contact_sheet(
        title="Photos found by isa",
        asked=asked,
        modifier=request.modifier,
        avoid=request.avoid_texts,
        hits=answer.hits,
        facts=facts,
    )


def contact_sheet(
    *,
    title: str,
    asked: Sequence[AskedPicture],
    modifier: str,
    hits: Sequence[Hit],
    facts: Mapping[str, str],
    avoid: Sequence[str] = (),
    right: Sequence[bool] | None = None,
    load: Loader = jpeg,
) -> str:
    """A contact sheet as the text of a page.

    Args:
        title: a heading.
        asked: the pictures of the question.
        modifier: its words, or ''.
        hits: the answers, best first; one whose file cannot be opened shows the reason instead.
        facts: for the foot of the page.
        avoid: words for what is unwanted.
        right: for each hit whether it is right, where that is known; marked and counted.
        load: see ``pictures.inlined``.
    """
    pictures = [one.inlined(load) for one in asked]
    pictures += inlined([hit.photo.paths[0] for hit in hits], load)
    best = max((hit.z for hit in hits if math.isfinite(hit.z)), default=0.0)
    marks = [""] * len(hits) if right is None else list(map(mark, right))
    each = map(_card, hits, pictures[len(asked) :], marks, [best] * len(hits))
    outcome = counted(len(hits), "photo")
    if right is not None:
        outcome += f", <b>{sum(right)} right</b>"
    return page.whole(
        title=title,
        top=equation(asked, pictures[: len(asked)], modifier, outcome, avoid),
        body=cards.cards(each) if hits else '<p class="nothing">Nothing was found.</p>',
        facts=facts,
        style=page.resource(question.STYLE, cards.STYLE, "contact_sheet.css"),
        script=page.resource("contact_sheet.js"),
    )


def _card(hit: Hit, picture: InlinedPicture, marked: str, best: float) -> str:
    photo, info = hit.photo, hit.photo.info
    path = photo.paths[0]
    z = f"{hit.z:+.1f} σ" if math.isfinite(hit.z) else ""  # noqa: RUF001 - sigma is meant
    size = f"{info.width} × {info.height}"  # noqa: RUF001 - a times sign is meant
    copy = f'<button type="button" title="copy the path" data-copy="{copied(path)}">copy</button>'
    score = f'<span title="{SCORE}"><b>{hit.score:.3f}</b> {z}</span>'
    lines = [
        pair(f'<a class="name" {to_file(path)}>{name_of(path)}</a>\n', copy),
        pair(score, f"<span>{size}</span>"),
        _line(_date(info.taken_at)) + _line(named(info.camera or "")),
        _more("+" + counted(len(photo.paths) - 1, "copy", "copies"), photo.paths[1:]),
        _more(
            "+" + counted(len(hit.companions), "companion"), [p.paths[0] for p in hit.companions]
        ),
        _more("+" + counted(len(hit.similar), "similar photo"), [p.paths[0] for p in hit.similar]),
    ]
    share = hit.z / best if z and best > 0 else 0.0
    return card(
        str(picture),
        hit.rank,
        "\n".join(filter(None, lines)),
        bar=share,
        to=to_file(path),
        mark=marked,
    )


def _more(label: str, paths: Sequence[bytes]) -> str:
    if not paths:
        return ""
    links = "".join(link(path) for path in paths)
    return f"<details><summary>{label}</summary>{links}</details>"


def _line(markup: str) -> str:
    return f"<p>{markup}</p>" if markup else ""


def _date(taken_at: str | None) -> str:
    try:
        moment = datetime.fromisoformat(taken_at or "")
    except ValueError:
        return named(taken_at or "")
    return f'<time datetime="{named(taken_at or "")}">{moment.day} {moment:%b %Y, %H:%M}</time>'

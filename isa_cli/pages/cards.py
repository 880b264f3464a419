"""Cards side by side: a picture with its number, a bar, and lines of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STYLE = "cards.css"


def cards(each: Iterable[str], kind: str = "") -> str:
    """The markup of cards, in their order; ``kind`` is a class for the page's own rules."""
    return f'<ol class="{kind}">{"".join(each)}</ol>' if kind else f"<ol>{''.join(each)}</ol>"


def card(
    picture: str, number: int, lines: str, *, bar: float | None = None, to: str = "", mark: str = ""
) -> str:
    """The markup of one card.

    Args:
        picture: markup.
        number: which one it is, from 1.
        lines: markup of what is told of it.
        bar: how long the bar under the picture is, 0 to 1; ``None``: there is none.
        to: attributes of the link that the picture is, if it is one.
        mark: see ``mark``.
    """
    tag, attributes = ("a", f" {to}") if to else ("div", "")
    below = "" if bar is None else f'<div class="bar">{length(bar)}</div>\n'
    return f"""
<li>
<{tag} class="mat"{attributes}>{picture}{rank(number)}{mark}</{tag}>
{below}<div class="words">
{lines}
</div>
</li>"""


def length(share: float) -> str:
    """The markup of a bar's filled part, 0 to 1 of it."""
    return f'<i style="width:{100 * max(0.0, min(1.0, share)):.0f}%"></i>'


def pair(left: str, right: str) -> str:
    """The markup of a line with something at either end."""
    return f'<p class="pair">{left}{right}</p>'


def rank(number: int) -> str:
    """The markup of a number in a picture's corner."""
    return f'<span class="rank">{number}</span>'


def mark(right: bool) -> str:  # noqa: FBT001 - it is what is marked
    """The markup of a mark in the other corner."""
    if right:
        return '<span class="mark right" title="a right answer">✓</span>'
    return '<span class="mark" title="not what was asked for">✗</span>'

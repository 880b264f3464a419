"""What ``isa explain`` says: a map and three lines for each token, then what each part gave."""

from __future__ import annotations

import json
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import console, results

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from isa_cli.library.explained import Explained
    from isa_cli.query.explain import Split, Token
    from isa_cli.types import Hit

SHADES = " ░▒▓█"
PLAIN_SHADES = " .:*#"
"""For a terminal that can't write the others."""

ROWS = 10
"""Lines that a map may take; larger ones are shown in blocks."""

MEANING = {
    "reference": "the picture's sentence, read without the words",
    "words": "the words, read without the picture",
    "learned": "both, as learned",
    "slerp": "both, mixed by slerp",
}
"""What the parts of a query are."""


def show(explained: Explained, *, as_json: bool) -> None:
    """Print it on stdout: one JSON document, or text for people."""
    if as_json:
        console.put(json.dumps(document(explained)))
        return
    for line in _lines(explained):
        console.put(line.rstrip())


def no_map() -> str:
    """Return why there are no maps, where there are none."""
    return "no map: it is made from the picture as a whole"


# --- JSON ----------------------------------------------------------------------------------------


def document(explained: Explained) -> dict[str, Any]:
    """Return everything that is known, as JSON has it."""
    explanation = explained.explanation
    return {
        "reference": str(explained.request.references[0]),
        "modifier": explained.request.modifier,
        "method": explained.answer.method,
        "alpha": explained.answer.alpha,
        "words_compared_with": explanation.vocabulary,
        "tokens": [_token(number, each) for number, each in enumerate(explanation.tokens, 1)],
        "parts": {name: round(value, 6) for name, value in explanation.cosines().items()},
        "answers": [
            results.record(hit) | _split(split)
            for hit, split in zip(explained.answer.hits, explained.splits, strict=True)
        ],
    }


def _token(number: int, token: Token) -> dict[str, Any]:
    attention = token.attention
    return {
        "token": number,
        "share": None if token.share is None else round(token.share, 6),
        "attention": None if attention is None else attention.astype(float).round(6).tolist(),
        "nearest": [{"word": n.word, "cosine": round(n.cosine, 6)} for n in token.nearest],
        "loss": round(token.loss, 6),
    }


def _split(split: Split) -> dict[str, Any]:
    scores = {
        name: {"cosine": round(score.cosine, 6), "z": round(score.z, 3)}
        for name, score in split.scores.items()
    }
    return {"parts": scores, "gain": round(split.gain, 3)}


# --- text ----------------------------------------------------------------------------------------


def _lines(explained: Explained) -> Iterator[str]:
    tokens = explained.explanation.tokens
    name = wording.printable(str(explained.request.references[0]))
    yield f"{name}, read as {wording.counted(len(tokens), 'word')} of isa's own"
    yield ""
    for number, token in enumerate(tokens, 1):
        yield from _beside(_drawn(token.attention), list(_facts(number, token)))
        yield ""
    yield f'the query, {name} + "{wording.printable(explained.request.modifier)}"'
    yield "  cosine with"
    for part, cosine in explained.explanation.cosines().items():
        yield f"  {cosine:6.3f}  {part + ':':<10} {MEANING[part]}"
    if explained.answer.hits:
        yield ""
        yield from _answers(explained)


def _facts(number: int, token: Token) -> Iterator[str]:
    held = no_map() if token.share is None else f"holds {token.share:.0%} of the picture"
    yield f"word {number}: {held}"
    near = ", ".join(f"{n.word} {n.cosine:.2f}" for n in token.nearest)
    yield f"nearest real words: {near or 'none'}"
    yield f"without it the query moves by {token.loss:.4f} (1 - cosine)"


def _beside(drawn: list[str], facts: list[str]) -> Iterator[str]:
    """Yield the lines of a map with the facts to its right."""
    width = max(map(len, drawn), default=0)
    for left, right in zip_longest(drawn, facts, fillvalue=""):
        yield f"  {left:<{width}}  {right}" if drawn else f"  {right}"


def _drawn(attention: NDArray[np.float32] | None) -> list[str]:
    """Return a map as text, two characters a place; full where the token holds most."""
    if attention is None:
        return []
    shades = SHADES if _can_write(SHADES) else PLAIN_SHADES
    coarse = _coarse(attention)
    levels = (coarse / max(float(coarse.max()), 1e-9) * len(shades)).clip(0, len(shades) - 1)
    return ["".join(2 * shades[level] for level in row) for row in levels.astype(int)]


def _coarse(attention: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map (H, W) averaged over blocks, if it has too many rows."""
    side = min(-(-len(attention) // ROWS), attention.shape[1])
    height, width = (length // side * side for length in attention.shape)
    blocks = attention[:height, :width].reshape(height // side, side, width // side, side)
    coarse: NDArray[np.float32] = blocks.mean(axis=(1, 3))
    return coarse


def _can_write(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _answers(explained: Explained) -> Iterator[str]:
    """Yield the table of the answers, with every part's own score."""
    names = list(explained.splits[0].scores)
    yield "the answers: cosine, and z: how far above the gallery's mean for that part"
    yield "  #" + "".join(f"{name:>16}" for name in names) + "    gain  photo"
    for hit, split in zip(explained.answer.hits, explained.splits, strict=True):
        yield _row(hit, split)
    yield f"  gain: z of the query above the better of reference and words; {_method(explained)}"


def _row(hit: Hit, split: Split) -> str:
    cells = "".join(f"{score.cosine:9.3f} {score.z:+6.2f}" for score in split.scores.values())
    photo = wording.shortest(hit.photo.paths[0])
    return f"{hit.rank:>3}{cells}  {split.gain:+6.2f}  {photo}"


def _method(explained: Explained) -> str:
    answer = explained.answer
    alpha = "" if answer.alpha in {None, 1.0} else f", alpha {answer.alpha:g}"
    return f"method {answer.method}{alpha}"

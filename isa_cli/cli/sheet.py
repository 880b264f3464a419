"""The contact sheet: one HTML file that holds the question, the answers and every thumbnail.

It fetches nothing and runs nothing but its own few lines (its Content-Security-Policy says so to
the browser), so it may be kept, mailed and opened years later.  Names come from file systems and
may be hostile: all of them go through ``wording.printable`` and ``html.escape``.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from isa_cli.atomic import write_text
from isa_cli.cli.thumbnails import jpeg
from isa_cli.errors import IsaError, UsageError
from isa_cli.wording import counted, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from isa_cli.search.request import Answer, Request
    from isa_cli.types import Hit

    Loader = Callable[[bytes], bytes]

LOADERS = 4
"""Thumbnails made at once; decoding leaves Python's lock."""

SCORE = "cosine, and how far above this gallery's mean it stands, in standard deviations"

SCRIPT = """
for (const button of document.querySelectorAll("button")) button.onclick = async () => {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy" }, 1500);
};
"""


@dataclass(frozen=True, slots=True)
class SheetImage:
    """A picture of the question, and whether its like is unwanted (``--not-image``)."""

    path: bytes
    avoided: bool = False


def write_answer(path: Path, answer: Answer, request: Request) -> None:
    """Write the contact sheet of a search.

    Raises:
        UsageError: the file cannot be written.
    """
    meta = {"method": answer.method, "compared with": counted(answer.considered, "photo")}
    if answer.alpha is not None:
        meta["alpha"] = f"{answer.alpha:g}"
    images = [SheetImage(_absolute(p)) for p in request.references]
    images += [SheetImage(_absolute(p), avoided=True) for p in request.avoid_images]
    write_sheet(
        path,
        title="Photos found by isa",
        references=images,
        modifier=request.modifier,
        avoid=request.avoid_texts,
        hits=answer.hits,
        meta=meta,
    )


def write_sheet(
    path: Path,
    *,
    title: str,
    references: Sequence[SheetImage],
    modifier: str,
    hits: Sequence[Hit],
    meta: Mapping[str, str],
    avoid: Sequence[str] = (),
    right: Sequence[bool] | None = None,
    load: Loader = jpeg,
) -> None:
    """Write a self-contained contact sheet; the file appears whole or not at all.

    Args:
        path: replaced if it is there.
        title: a heading.
        references: the pictures of the question.
        modifier: its words, or ''.
        hits: the answers, best first; one whose file cannot be opened shows the reason instead.
        meta: facts for the foot of the page.
        avoid: words for what is unwanted.
        right: for each hit whether it is right, where that is known; marked and counted.
        load: returns the JPEG thumbnail of a file, and is called from several threads; an
            ``IsaError`` or ``OSError`` of it is shown in the picture's place.

    Raises:
        UsageError: the file cannot be written.
    """
    with ThreadPoolExecutor(LOADERS) as pool:
        shown = [image.path for image in references] + [hit.photo.paths[0] for hit in hits]
        pictures = list(pool.map(lambda file: inlined(file, load), shown))
    asked, found = pictures[: len(references)], pictures[len(references) :]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    best = max((hit.z for hit in hits if math.isfinite(hit.z)), default=0.0)
    marks = [None] * len(hits) if right is None else right
    cards = "".join(
        _card(hit, picture, best, mark)
        for hit, picture, mark in zip(hits, found, marks, strict=True)
    )
    outcome = counted(len(hits), "photo")
    if right is not None:
        outcome += f", <b>{sum(right)} right</b>"
    page = Template(resources.files(__package__).joinpath("sheet.html").read_text("utf-8"))
    text = page.substitute(
        title=spoken(title),
        equation=" ".join(equation(references, asked, modifier, avoid, outcome)),
        hits=f"<ol>{cards}</ol>" if hits else '<p class="nothing">Nothing was found.</p>',
        meta="".join(f"<span>{spoken(k)} <b>{spoken(v)}</b></span>" for k, v in meta.items()),
        script=SCRIPT,
        script_hash=f"sha256-{digest}",
    )
    put_page(path, text)


# --- parts of the page ---------------------------------------------------------------------------


def equation(
    references: Sequence[SheetImage],
    pictures: Sequence[str],
    modifier: str,
    avoid: Sequence[str],
    outcome: str,
) -> Iterator[str]:
    """Yield the question as a sum: picture + "words" - "what must not show" = so many photos."""
    terms = [
        (image.avoided, f"<figure>{picture}<figcaption>{link(image.path)}</figcaption></figure>")
        for image, picture in zip(references, pictures, strict=True)
    ]
    terms += [(False, f"<q>{spoken(modifier)}</q>")] if modifier else []
    terms += [(True, f"<q>{spoken(words)}</q>") for words in avoid]
    terms.sort(key=lambda term: term[0])  # what is wanted comes first
    for number, (avoided, term) in enumerate(terms):
        if avoided:
            yield f'<div class="term less"><span class="sign">\u2212</span>{term}</div>'
        elif number:
            yield f'<div class="term"><span class="sign">+</span>{term}</div>'
        else:
            yield f'<div class="term">{term}</div>'
    yield f'<div class="term"><span class="sign">=</span><span class="sum">{outcome}</span></div>'


def _card(hit: Hit, picture: str, best: float, right: bool | None) -> str:
    photo, info = hit.photo, hit.photo.info
    path = photo.paths[0]
    to_file = f'href="{uri_of(path)}" title="{escaped(path)}"'
    z = f"{hit.z:+.1f} σ" if math.isfinite(hit.z) else ""  # noqa: RUF001 - sigma is meant
    width = 100 * max(0.0, min(1.0, hit.z / best)) if z and best > 0 else 0
    size = f"{info.width} × {info.height}"  # noqa: RUF001 - a times sign is meant
    return f"""
<li>
<a class="mat" {to_file}>{picture}<span class="rank">{hit.rank}</span>{_MARKS[right]}</a>
<div class="bar"><i style="width:{width:.0f}%"></i></div>
<div class="words">
<p class="pair"><a class="name" {to_file}>{name_of(path)}</a>
<button type="button" title="copy the path" data-copy="{_copied(path)}">copy</button></p>
<p class="pair"><span title="{SCORE}"><b>{hit.score:.3f}</b> {z}</span><span>{size}</span></p>
{_line(_date(info.taken_at))}{_line(escaped(info.camera or ""))}
{_more("+" + counted(len(photo.paths) - 1, "copy", "copies"), photo.paths[1:])}
{_more("+" + counted(len(hit.similar), "similar photo"), [p.paths[0] for p in hit.similar])}
</div>
</li>"""


_MARKS = {
    None: "",
    True: '<span class="mark right" title="a right answer">✓</span>',
    False: '<span class="mark" title="not what was asked for">✗</span>',
}


def _more(label: str, paths: Sequence[bytes]) -> str:
    if not paths:
        return ""
    links = "".join(link(path) for path in paths)
    return f"<details><summary>{label}</summary>{links}</details>"


def _line(markup: str) -> str:
    return f"<p>{markup}</p>" if markup else ""


def link(path: bytes) -> str:
    """Return a link to a photo, by its name."""
    return f'<a href="{uri_of(path)}" title="{escaped(path)}">{name_of(path)}</a>'


def inlined(path: bytes, load: Loader) -> str:
    """Return a picture that needs no file beside the page, or words where it can't be opened."""
    try:
        data = base64.b64encode(load(path)).decode()
    except (IsaError, OSError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        return f'<span class="lost">{escaped(reason)}</span>'
    return f'<img src="data:image/jpeg;base64,{data}" alt="{name_of(path)}" decoding="async">'


# --- words ---------------------------------------------------------------------------------------


def spoken(text: str) -> str:
    """Return a person's words as markup."""
    return escape(text.encode("utf-8", "replace").decode())


def escaped(name: str | bytes) -> str:
    """Return a name from a file system, or text from a file, as markup."""
    return escape(printable(name))


def name_of(path: bytes) -> str:
    """Return a file's name as markup."""
    return escaped(Path(os.fsdecode(path)).name)


def uri_of(path: bytes) -> str:
    """Return what a link to a file leads to."""
    return escape(Path(os.fsdecode(path)).as_uri())


def _copied(path: bytes) -> str:
    """Return what 'copy path' copies: the path, or its URI where it is no plain text."""
    text = os.fsdecode(path)
    return escape(text) if text.isprintable() else uri_of(path)


def _date(taken_at: str | None) -> str:
    try:
        moment = datetime.fromisoformat(taken_at or "")
    except ValueError:
        return escaped(taken_at or "")
    return f'<time datetime="{escaped(taken_at or "")}">{moment.day} {moment:%b %Y, %H:%M}</time>'


# --- files ---------------------------------------------------------------------------------------


def _absolute(path: Path) -> bytes:
    return os.fsencode(path.absolute())


def put_page(path: Path, text: str) -> None:
    """Write a file whole or not at all; a device is written to, a link stays a link."""
    path = path.resolve()
    is_device = path.exists() and not path.is_file()
    write = Path.write_text if is_device else write_text
    try:
        write(path, text)
    except OSError as error:
        raise UsageError(
            f"the page {printable(os.fsencode(path))} can't be written: {error.strerror}",
            "name a file in a folder that exists and is yours",
        ) from error

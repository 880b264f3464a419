"""``isa eval --html``: questions with their right answers and the given ones, worst first.

It is made as the contact sheet is and looks like it: one file that fetches nothing.  A picture
that answers many questions is in it once, as a style.
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

from isa_cli.cli.sheet import LOADERS, escaped, name_of, put_page, spoken, uri_of
from isa_cli.errors import IsaError
from isa_cli.evaluation.report import protocol_line
from isa_cli.wording import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking
    from isa_cli.evaluation.measure import Evaluated

ANSWERS = 8
"""Answers that are shown of each question."""

TARGETS = 4
"""Right answers that are shown of each question."""

SIDE, QUALITY = 160, 75
"""Pixels on a thumbnail's long side, and JPEG quality; about 5 KB each."""

STYLE = """
  section { padding: 1.1rem 0 1.3rem; border-bottom: 1px solid var(--line);
            break-inside: avoid }
  h2 { margin: 0 0 .2rem; font: italic 1.25rem/1.3 Georgia, "Times New Roman", serif;
       max-width: 70ch; overflow-wrap: anywhere }
  .facts { margin: 0 0 .8rem; font-size: .8rem; color: var(--soft);
           font-variant-numeric: tabular-nums }
  .facts b { color: var(--ink); font-weight: 600 }
  .strip { display: flex; flex-wrap: wrap; gap: .6rem 1.6rem }
  .part { display: grid; gap: .35rem }
  .part > span { font-size: .72rem; letter-spacing: .05em; color: var(--soft) }
  .row { display: flex; flex-wrap: wrap; gap: .45rem }
  .row a { position: relative; display: block; width: 6.6rem; height: 6.6rem; border-radius: 6px;
           background: var(--mat) center / contain no-repeat; box-shadow: 0 0 0 1px var(--line);
           overflow: hidden }
  .row a.yes { box-shadow: 0 0 0 3px #17803d }
  .row .lost { height: 100%; padding: .4rem; font-size: .7rem }
  .row .rank { top: .25rem; left: .25rem; font-size: .68rem; min-width: 1.3rem; padding: 0 .3rem }
  .row .mark { top: .25rem; right: .25rem; width: 1.3rem; font-size: .75rem }
  .note { max-width: 75ch; color: var(--soft); font-size: .88rem; margin: 0 }
"""


def write_page(path: Path, done: Evaluated, most: int, number: int = 0) -> None:
    """Write the page of one method; the file appears whole or not at all.

    Args:
        path: replaced if it is there.
        done: with rankings.
        most: questions, at most.
        number: which of the methods.

    Raises:
        UsageError: it can't be written.
    """
    result, benchmark = done.results[number], done.benchmark
    assert result.rankings is not None
    order = worst_first(benchmark.cases, result.rankings)[:most]
    asked = [(benchmark.cases[at], result.rankings[at]) for at in order]
    pictures = _Pictures(benchmark, asked)
    template = resources.files(__package__).joinpath("sheet.html").read_text("utf-8")
    page = Template(template.replace("</style>", "$style</style>", 1))
    shown = "the answers are hidden" if not benchmark.metrics else "worst first"
    text = page.substitute(
        title=f"{spoken(benchmark.name)}, {spoken(benchmark.split)}: {spoken(result.method)}",
        equation=f'<p class="note">{counted(len(asked), "question")} of '
        f"{len(benchmark.cases):,}, {shown}. {_summary(done, number)}</p>",
        hits="".join(_section(case, ranking, pictures) for case, ranking in asked),
        meta=f"<span>{spoken(protocol_line(done.document['protocol']))}</span>",
        style=STYLE + pictures.style(),
        script="",
        script_hash="none",
    )
    put_page(path, text)


def worst_first(cases: Sequence[Case], rankings: Sequence[Ranking]) -> list[int]:
    """Return the cases' positions by the rank of their best right answer, not found first."""
    ranks = [best_rank(case, ranking) for case, ranking in zip(cases, rankings, strict=True)]
    return sorted(range(len(cases)), key=lambda at: -(ranks[at] or len(rankings[at].top) + 1))


def best_rank(case: Case, ranking: Ranking) -> int | None:
    """Return the rank, from 1, of the best right answer; ``None``: none of them was ranked."""
    right = frozenset(case.targets)
    return next((rank for rank, at in enumerate(ranking.top, 1) if at in right), None)


def _summary(done: Evaluated, number: int) -> str:
    """Return the numbers of the method that is shown."""
    metrics = done.document["results"][number]["metrics"]
    return ", ".join(f"{escape(name)} {100 * value:.1f} %" for name, value in metrics.items())


def _section(case: Case, ranking: Ranking, pictures: _Pictures) -> str:
    words = " / ".join(f"“{spoken(words)}”" for words in case.modifiers)
    given = [
        pictures.shown(at, rank, right=at in case.targets if case.targets else None)
        for rank, at in enumerate(ranking.top[:ANSWERS], 1)
    ]
    parts = [
        _part("reference", [pictures.shown(at) for at in case.references]),
        _part("right", [pictures.shown(at) for at in case.targets[:TARGETS]]),
        _part("answers", given),
    ]
    return f"""
<section>
<h2>{words}</h2>
<p class="facts">{_outcome(case, ranking)} · {spoken(case.id)}{_groups(case)}</p>
<div class="strip">{"".join(parts)}</div>
</section>"""


def _outcome(case: Case, ranking: Ranking) -> str:
    if not case.targets:
        return "answer hidden"
    rank = best_rank(case, ranking)
    if rank is None:
        return f"<b>not among the first {len(ranking.top)}</b>"
    more = len(case.targets) - 1
    return f"right answer at rank <b>{rank}</b>" + (f", {more} more right" if more else "")


def _groups(case: Case) -> str:
    return f" · {spoken(', '.join(case.groups))}" if case.groups else ""


def _part(label: str, pictures: Sequence[str]) -> str:
    if not pictures:
        return ""
    return f'<div class="part"><span>{label}</span><div class="row">{"".join(pictures)}</div></div>'


class _Pictures:
    """The thumbnails of a page, each in it once.

    Args:
        benchmark: has their files.
        asked: what is going to be shown.
    """

    def __init__(self, benchmark: Benchmark, asked: Iterable[tuple[Case, Ranking]]) -> None:
        wanted: set[int] = set()
        for case, ranking in asked:
            wanted.update(case.references, case.targets[:TARGETS], ranking.top[:ANSWERS])
        self._files = {at: os.fsencode(benchmark.images[at].absolute()) for at in sorted(wanted)}
        with ThreadPoolExecutor(LOADERS) as pool:
            made = pool.map(_thumbnail, self._files.values())
            self._made = dict(zip(self._files, made, strict=True))

    def style(self) -> str:
        """Return a rule for each picture."""
        return "".join(
            f"  .row .p{at} {{ background-image: url(data:image/jpeg;base64,{data}) }}\n"
            for at, (data, _) in self._made.items()
            if data
        )

    def shown(self, at: int, rank: int | None = None, *, right: bool | None = None) -> str:
        """Return a picture as a link to its file, with its rank and whether it is right."""
        file = self._files[at]
        _, reason = self._made[at]
        inside = f'<span class="lost">{escaped(reason)}</span>' if reason else ""
        inside += f'<span class="rank">{rank}</span>' if rank is not None else ""
        inside += '<span class="mark right" title="a right answer">✓</span>' if right else ""
        kind = f"p{at} yes" if right else f"p{at}"
        return (
            f'<a class="{kind}" href="{uri_of(file)}" title="{escaped(file)}" '
            f'aria-label="{name_of(file)}">{inside}</a>'
        )


def _thumbnail(path: bytes) -> tuple[str, str]:
    """Return a picture as base64, or '' and why there is none."""
    from isa_cli.images import read_file, thumbnail

    stream = BytesIO()
    try:
        thumbnail(read_file(path), SIDE).save(stream, "JPEG", quality=QUALITY)
    except (IsaError, OSError) as error:
        return "", printable(getattr(error, "reason", None) or str(error))
    return base64.b64encode(stream.getvalue()).decode(), ""

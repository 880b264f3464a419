"""The failures of an evaluation: questions, their right answers and the given ones, worst first.

A picture that answers many questions is in the page once, as a style.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from isa_cli.evaluation.report import told
from isa_cli.pages import cards, page
from isa_cli.pages.markup import name_of, to_file, words
from isa_cli.pages.pictures import inlined, lost
from isa_cli.pages.thumbnails import jpeg
from isa_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking
    from isa_cli.evaluation.measure import Evaluated

ANSWERS = 8
"""Answers that are shown of each question."""

TARGETS = 4
"""Right answers that are shown of each question."""

SIDE, QUALITY = 160, 75
"""Pixels on a thumbnail's long side, and JPEG quality; about 5 KB each."""


def failures_page(done: Evaluated, most: int, number: int = 0) -> str:
    """The questions of one method as the text of a page.

    Args:
        done: with rankings.
        most: questions, at most.
        number: which of the methods.
    """
    result, benchmark = done.results[number], done.benchmark
    assert result.rankings is not None
    order = worst_first(benchmark.cases, result.rankings)[:most]
    asked = [(benchmark.cases[at], result.rankings[at]) for at in order]
    pictures = _Pictures(benchmark, asked)
    shown = "worst first" if benchmark.metrics else "the answers are hidden"
    count = f"{counted(len(asked), 'question')} of {len(benchmark.cases):,}"
    return page.whole(
        title=f"{benchmark.name}, {benchmark.split}: {result.method}",
        top=f'<p class="note">{count}, {shown}. {_summary(done, number)}</p>',
        body="".join(_section(case, ranking, pictures) for case, ranking in asked),
        facts=told(done.document["protocol"]),
        style=page.resource("failures.css") + pictures.style(),
    )


def worst_first(cases: Sequence[Case], rankings: Sequence[Ranking]) -> list[int]:
    """The cases' positions by the rank of their best right answer, not found first."""
    ranks = [best_rank(case, ranking) for case, ranking in zip(cases, rankings, strict=True)]
    return sorted(range(len(cases)), key=lambda at: -(ranks[at] or len(rankings[at].top) + 1))


def best_rank(case: Case, ranking: Ranking) -> int | None:
    """The rank, from 1, of the best right answer; ``None``: none of them was ranked."""
    right = frozenset(case.targets)
    return next((rank for rank, at in enumerate(ranking.top, 1) if at in right), None)


def _summary(done: Evaluated, number: int) -> str:
    """The numbers of the method that is shown."""
    metrics = done.document["results"][number]["metrics"]
    return ", ".join(f"{words(name)} {100 * value:.1f} %" for name, value in metrics.items())


def _section(case: Case, ranking: Ranking, pictures: _Pictures) -> str:
    asked = " / ".join(f"<bdi>“{words(text)}”</bdi>" for text in case.modifiers)
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
<h2>{asked}</h2>
<p class="facts">{_outcome(case, ranking)} · {words(case.id)}{_groups(case)}</p>
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
    return f" · {words(', '.join(case.groups))}" if case.groups else ""


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
        files = [os.fsencode(benchmark.images[at].absolute()) for at in sorted(wanted)]
        made = inlined(files, partial(jpeg, side=SIDE, quality=QUALITY))
        self._made = dict(zip(sorted(wanted), made, strict=True))

    def style(self) -> str:
        """A rule for each picture."""
        return "".join(
            f".row .p{at} {{ background-image: url({picture.source}) }}\n"
            for at, picture in self._made.items()
            if picture.source
        )

    def shown(self, at: int, number: int | None = None, *, right: bool | None = None) -> str:
        """A picture as a link to its file, with its rank and whether it is right."""
        picture = self._made[at]
        inside = "" if picture.source else lost(picture.reason)
        inside += cards.rank(number) if number is not None else ""
        inside += cards.mark(right) if right else ""
        kind = f"p{at} yes" if right else f"p{at}"
        label = name_of(picture.path)
        return f'<a class="{kind}" {to_file(picture.path)} aria-label="{label}">{inside}</a>'

"""A benchmark: pictures, cases with known answers, and how the answers are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Case:
    """One question and its right answers.

    Attributes:
        id: names the case, in this benchmark.
        reference: position of the picture to start from, in the benchmark's images; ``None``
            where words are all that is asked.
        modifier: the words that change it.
        targets: positions of the right answers, at least one.
        groups: which of the report's breakdowns count it.
    """

    id: str
    reference: int | None
    modifier: str
    targets: tuple[int, ...]
    groups: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[int, ...]:
        """The reference's position, if there is one."""
        return () if self.reference is None else (self.reference,)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a composer answered to one case.

    Attributes:
        top: gallery positions, best first; the benchmark's ``depth`` says how many.
    """

    top: tuple[int, ...]


Metric: TypeAlias = "Callable[[Ranking, Case], float]"
"""Judges one case, 0 to 1; a benchmark's number is its mean over the cases.

It is given the whole case and the whole ranking, so that a benchmark which judges a second list
(CIRR's subset) or another field of its cases is one more function and nothing else changes.
"""


def at(metric: Callable[[Sequence[int], Collection[int], int], float], k: int) -> Metric:
    """Return one of ``evaluation.metrics`` at a cut-off, as a benchmark judges a case by it."""

    def judge(ranking: Ranking, case: Case) -> float:
        return metric(ranking.top, case.targets, k)

    return judge


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Search with known answers.

    Attributes:
        name, split: what the report calls it.
        images: the gallery; a case names its pictures by their positions here.
        cases: the questions.
        metrics: how a ranking is judged, by the name that the report gives the number.
        depth: how many answers the metrics look at.
        keep_reference: whether the reference may be an answer to its own question.
        groups: the breakdowns of the report, in its order; a case may count in several.
        protocol: what else somebody who compares numbers has to know, such as a seed.
    """

    name: str
    split: str
    images: Sequence[Path]
    cases: Sequence[Case]
    metrics: Mapping[str, Metric]
    depth: int
    keep_reference: bool
    groups: tuple[str, ...] = ()
    protocol: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every case points into the gallery and can be answered.

        Raises:
            ValueError: one does not, or there is none.
        """
        if not self.cases:
            raise ValueError(f"the benchmark {self.name} has no case")
        for case in self.cases:
            if not all(0 <= one < len(self.images) for one in (*case.references, *case.targets)):
                raise ValueError(f"case {case.id} points outside the gallery")
            if not self.keep_reference and case.reference in case.targets:
                raise ValueError(f"case {case.id} wants its own reference, which is removed")

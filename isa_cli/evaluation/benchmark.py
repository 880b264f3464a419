"""A benchmark: pictures, cases with known answers, and how the answers are judged.

One of your own is a function that returns a ``Benchmark``, and nothing has to be registered: the
pictures' files, questions that name them by their positions, and metrics by the names that the
report gives them.  A metric is any function of a ``Ranking`` and a ``Case``; ``at`` and ``within``
make one of those in ``evaluation.metrics``.  ``evaluate`` embeds the pictures, asks and judges.

Examples:
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from isa_cli.evaluation import Benchmark, Case, EvalConfig, at, evaluate
    >>> from isa_cli.evaluation.metrics import recall_at
    >>> def squares():
    ...     images = [Path(f"{colour}.png") for colour in ("red", "green", "blue")]
    ...     for path in images:
    ...         Image.new("RGB", (64, 64), path.stem).save(path)
    ...     return Benchmark(
    ...         name="squares",
    ...         split="all",
    ...         images=images,
    ...         cases=[
    ...             Case("a", reference=0, modifier="in blue", targets=(2,)),
    ...             Case("b", reference=2, modifier="in red", targets=(0,)),
    ...         ],
    ...         metrics={f"R@{k}": at(recall_at, k) for k in (1, 2)},
    ...         depth=2,
    ...         keep_reference=False,
    ...     )
    >>> done = evaluate(squares, EvalConfig("isa-mini", methods=("image", "slerp")))
    >>> [result.method for result in done.results]
    ['image', 'slerp']
    >>> done.results[1].values["R@2"]  # a number for each case; without the reference two are left
    array([1., 1.])
    >>> done.document["protocol"]["reference"]  # the document is all that isa eval --json prints
    'removed'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One question and its right answers.

    Attributes:
        id: names the case, in this benchmark.
        reference: position of the picture to start from, in the benchmark's images; ``None``
            where words are all that is asked.
        modifier: the words that change it.
        targets: positions of the right answers; none where they are hidden.
        groups: which of the report's breakdowns count it.
        wordings: the same change in other words; the vectors of all wordings are averaged.
        subset: positions that are ranked once more among themselves (CIRR's group of five).
        gallery: (M,) rising positions that may be answers; ``None``: all of the benchmark's
            images.  Cases with one gallery share one array.
    """

    id: str
    reference: int | None
    modifier: str
    targets: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    wordings: tuple[str, ...] = ()
    subset: tuple[int, ...] = ()
    gallery: NDArray[np.int64] | None = None

    @property
    def references(self) -> tuple[int, ...]:
        """The reference's position, if there is one."""
        return () if self.reference is None else (self.reference,)

    @property
    def modifiers(self) -> tuple[str, ...]:
        """All wordings, the first being ``modifier``."""
        return (self.modifier, *self.wordings)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a composer answered to one case.

    Attributes:
        top: gallery positions, best first; the benchmark's ``depth`` says how many.
        subset: the case's ``subset``, best first.
    """

    top: tuple[int, ...]
    subset: tuple[int, ...] = ()


Metric: TypeAlias = "Callable[[Ranking, Case], float]"
"""Judges one case, 0 to 1; a benchmark's number is its mean over the cases.

It is given the whole case and the whole ranking, so that a benchmark which judges a second list
(CIRR's subset) or another field of its cases is one more function and nothing else changes.
"""


def at(metric: Callable[[Sequence[int], Collection[int], int], float], k: int) -> Metric:
    """Return a metric of a benchmark: one of ``evaluation.metrics`` at a cut-off.

    Args:
        metric: of the ranking, the right answers and k.
        k: so many answers are looked at; a benchmark's ``depth`` is at least that.
    """

    def judge(ranking: Ranking, case: Case) -> float:
        return metric(ranking.top, case.targets, k)

    return judge


def within(metric: Callable[[Sequence[int], Collection[int], int], float], k: int) -> Metric:
    """Return the same over the case's ``subset`` alone."""

    def judge(ranking: Ranking, case: Case) -> float:
        return metric(ranking.subset, case.targets, k)

    return judge


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Search with known answers, or with hidden ones.

    Attributes:
        name, split: what the report calls it.
        images: every picture; a case names its pictures by their positions here.
        cases: the questions.
        metrics: how a ranking is judged, by the name that the report gives the number; none where
            the answers are hidden.
        depth: how many answers the metrics look at.
        keep_reference: whether the reference may be an answer to its own question.
        groups: the breakdowns of the report, in its order; a case may count in several.
        macro: the groups whose means are averaged to the benchmark's own numbers (FashionIQ's
            categories, GeneCIS' tasks); none: the mean is over the cases.
        names: what submissions and reports call the images; ``()``: their paths.
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
    macro: tuple[str, ...] = ()
    names: Sequence[str] = ()
    protocol: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every case points into the gallery and can be answered.

        Raises:
            ValueError: one does not, or there is none.
        """
        if not self.cases:
            raise ValueError(f"the benchmark {self.name} has no case")
        if self.names and len(self.names) != len(self.images):
            raise ValueError(f"{len(self.names)} names for {len(self.images)} images")
        for case in self.cases:
            named = (*case.references, *case.targets, *case.subset)
            if not all(0 <= one < len(self.images) for one in named):
                raise ValueError(f"case {case.id} points outside the gallery")
            if not self.keep_reference and case.reference in case.targets:
                raise ValueError(f"case {case.id} wants its own reference, which is removed")
            if self.metrics and not case.targets:
                raise ValueError(f"case {case.id} has no right answer")

"""Every case through every composer, ranked exactly and judged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.evaluation.benchmark import Ranking
from isa_cli.images import open_file
from isa_cli.types import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.evaluation.benchmark import Benchmark, Case
    from isa_cli.protocols import Composer
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors

BATCH = 256
"""Cases composed and scored together: 120,000 scores of each take 120 MB."""

CHUNK = 8_192
"""Gallery vectors multiplied at once."""


@dataclass(frozen=True, slots=True, eq=False)
class MethodResult:
    """What one composer made of a benchmark.

    Attributes:
        method: the composer's name.
        values: (Q,) float64 per metric, one number per case, in the benchmark's order.
        rankings: what it answered to each case, in their order; ``None`` where nobody kept them.
    """

    method: str
    values: dict[str, NDArray[np.float64]]
    rankings: list[Ranking] | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference picture, for the composers that look at it; equal ones are one file.

    Attributes:
        path: of the file.
    """

    path: Path

    def __call__(self, at_least: tuple[int, int] | None = None) -> Image:
        """Return the picture, opened.

        Args:
            at_least: (height, width) that it is going to be resized to.

        Raises:
            ImageError: it can't be opened.
        """
        return open_file(os.fsencode(self.path), at_least)


def run(
    benchmark: Benchmark,
    vectors: Vectors,
    composers: Sequence[Composer],
    reporter: Reporter,
    *,
    batch: int = BATCH,
    keep_rankings: bool = False,
) -> list[MethodResult]:
    """Ask each composer all questions; the results come in the composers' order.

    Args:
        benchmark: the questions.
        vectors: (N, D) unit rows of its images, in their order.
        composers: of the vectors' space; several should share one ``CachingTextEncoder``.
        reporter: shows progress.
        batch: cases at a time.
        keep_rankings: whether the answers are wanted as well as the numbers, as for a submission.

    Raises:
        ValueError: the vectors are not those of the benchmark's images.
    """
    if len(vectors) != len(benchmark.images):
        raise ValueError(f"{len(vectors)} vectors for {len(benchmark.images)} images")
    total = len(composers) * len(benchmark.cases)
    results = []
    with reporter.progress("evaluating", total, "case") as progress:
        for composer in composers:
            values: dict[str, list[float]] = {name: [] for name in benchmark.metrics}
            kept: list[Ranking] = []
            for cases in _batches(benchmark.cases, batch):
                rankings = _answer(cases, benchmark, vectors, composer)
                for name, metric in benchmark.metrics.items():
                    values[name] += map(metric, rankings, cases)
                kept += rankings if keep_rankings else []
                progress.advance(len(cases))
            arrays = {name: np.array(each, np.float64) for name, each in values.items()}
            results.append(MethodResult(composer.name, arrays, kept if keep_rankings else None))
    return results


def _batches(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


def _answer(
    cases: Sequence[Case], benchmark: Benchmark, vectors: Vectors, composer: Composer
) -> list[Ranking]:
    """Return a composer's ranking for each case."""
    composed = _composed(cases, benchmark, vectors, composer)
    rankings: dict[int, Ranking] = {}
    for rows in _sharing(cases):
        gallery = cases[rows[0]].gallery
        scores = _scores(composed[rows], vectors, gallery)
        for row, line in zip(rows, scores, strict=True):
            rankings[row] = _ranked(line, cases[row], benchmark)
    return [rankings[row] for row in range(len(cases))]


def _composed(
    cases: Sequence[Case], benchmark: Benchmark, vectors: Vectors, composer: Composer
) -> Vectors:
    """Return each case's vector, (Q, D): the mean of its wordings' vectors, a unit row again."""
    queries = [
        Query(
            references=vectors[list(case.references)],
            modifier=modifier,
            images=tuple(Reference(benchmark.images[at]) for at in case.references),
        )
        for case in cases
        for modifier in case.modifiers
    ]
    composed = composer.compose(queries)
    if len(queries) == len(cases):
        return composed
    ends = np.cumsum([len(case.modifiers) for case in cases])
    means = [part.mean(axis=0, dtype=np.float64) for part in np.split(composed, ends[:-1])]
    return np.array([_unit(mean) for mean in means], np.float32)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a vector's direction; wordings that cancel out leave none, and score 0 everywhere."""
    norm = float(np.linalg.norm(vector))
    return vector / norm if norm else vector


def _sharing(cases: Sequence[Case]) -> list[list[int]]:
    """Return the cases' numbers, those with one gallery together."""
    groups: dict[int, list[int]] = {}
    for number, case in enumerate(cases):
        groups.setdefault(id(case.gallery), []).append(number)
    return list(groups.values())


def _scores(
    queries: Vectors, vectors: Vectors, gallery: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """Return the cosines with the gallery's vectors (``None``: with all), (Q, M) float32.

    Multiplied in float64: a product's last bits depend on where in the matrix a vector stands and
    on the machine, and two equal pictures have to score the same wherever they stand.
    """
    count = len(vectors) if gallery is None else len(gallery)
    scores = np.empty((len(queries), count), np.float32)
    wanted = queries.astype(np.float64)
    for start in range(0, count, CHUNK):
        here = slice(start, start + CHUNK)
        chunk = vectors[here] if gallery is None else vectors[gallery[here]]
        scores[:, here] = wanted @ chunk.astype(np.float64).T
    return scores


def _ranked(scores: NDArray[np.float32], case: Case, benchmark: Benchmark) -> Ranking:
    """Return the ranking that a case's scores make; they are overwritten."""
    if not benchmark.keep_reference:
        scores[_places(case, case.references)] = -np.inf
    top = best(scores, benchmark.depth)
    subset = _places(case, sorted(case.subset))
    among = subset[list(best(scores[subset], len(subset)))] if len(subset) else subset
    return Ranking(_positions(case, top), _positions(case, among))


def _places(case: Case, positions: Sequence[int]) -> NDArray[np.intp]:
    """Return where a case's scores hold these positions; those outside its gallery are left out."""
    wanted = np.array(positions, np.intp)
    if case.gallery is None:
        return wanted
    return np.flatnonzero(np.isin(case.gallery, wanted))


def _positions(case: Case, places: Sequence[int] | NDArray[np.intp]) -> tuple[int, ...]:
    """Return the benchmark's positions for places among a case's scores."""
    at = np.asarray(places, np.intp)
    return tuple((at if case.gallery is None else case.gallery[at]).tolist())


def best(scores: NDArray[np.float32], k: int) -> tuple[int, ...]:
    """Return the positions of the k best scores, falling; equal ones by rising position.

    Args:
        scores: (N,); minus infinity is no answer, so that fewer than k may come back.
        k: at least 1.
    """
    least = -np.inf
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]  # the k-th best
    candidates = np.flatnonzero((scores >= least) & (scores > -np.inf))
    order = np.argsort(-scores[candidates], kind="stable")[:k]
    return tuple(candidates[order].tolist())

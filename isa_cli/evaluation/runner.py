"""Every case through every composer, ranked exactly and judged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import ImageError
from isa_cli.evaluation.benchmark import Ranking
from isa_cli.images import open_image, read_file
from isa_cli.types import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.evaluation.benchmark import Benchmark, Case
    from isa_cli.types import Composer, Reporter, Vectors

BATCH = 256
"""Cases composed and scored together: 120,000 scores of each take 120 MB."""

CHUNK = 8_192
"""Gallery vectors multiplied at once."""


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What one composer made of a benchmark.

    Attributes:
        method: the composer's name.
        values: (Q,) float64 per metric, one number per case, in the benchmark's order.
    """

    method: str
    values: dict[str, NDArray[np.float64]]


def run(
    benchmark: Benchmark,
    vectors: Vectors,
    composers: Sequence[Composer],
    reporter: Reporter,
    *,
    batch: int = BATCH,
) -> list[MethodResult]:
    """Return what each composer made of the benchmark, in their order.

    Args:
        benchmark: the questions.
        vectors: (N, D) unit rows of its images, in their order.
        composers: of the vectors' space; texts that several need should be ``Remembered``.
        reporter: shows progress.
        batch: cases at a time.

    Raises:
        ValueError: the vectors are not those of the benchmark's images.
    """
    if len(vectors) != len(benchmark.images):
        raise ValueError(f"{len(vectors)} vectors for {len(benchmark.images)} images")
    total = len(composers) * len(benchmark.cases)
    with reporter.progress("evaluating", total, "case") as progress:
        results = []
        for composer in composers:
            values: dict[str, list[float]] = {name: [] for name in benchmark.metrics}
            for cases in _batches(benchmark.cases, batch):
                rankings = _answer(cases, benchmark, vectors, composer)
                for name, metric in benchmark.metrics.items():
                    values[name] += map(metric, rankings, cases)
                progress.advance(len(cases))
            arrays = {name: np.array(each, np.float64) for name, each in values.items()}
            results.append(MethodResult(composer.name, arrays))
    return results


def _batches(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


def _answer(
    cases: Sequence[Case], benchmark: Benchmark, vectors: Vectors, composer: Composer
) -> list[Ranking]:
    """Return a composer's ranking of the gallery for each case."""
    queries = [
        Query(
            references=vectors[list(case.references)],
            modifier=case.modifier,
            images=tuple(partial(_opened, benchmark.images[at]) for at in case.references),
        )
        for case in cases
    ]
    scores = _scores(composer.compose(queries), vectors)
    if not benchmark.keep_reference:
        for row, case in zip(scores, cases, strict=True):
            row[list(case.references)] = -np.inf
    return [Ranking(best(row, benchmark.depth)) for row in scores]


def _scores(queries: Vectors, vectors: Vectors) -> NDArray[np.float32]:
    """Return the cosines, (Q, N) float32.

    Multiplied in float64: a product's last bits depend on where in the matrix a vector stands and
    on the machine, and two equal pictures have to score the same wherever they stand.
    """
    scores = np.empty((len(queries), len(vectors)), np.float32)
    wanted = queries.astype(np.float64)
    for start in range(0, len(vectors), CHUNK):
        chunk = vectors[start : start + CHUNK].astype(np.float64)
        scores[:, start : start + CHUNK] = wanted @ chunk.T
    return scores


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


def _opened(path: Path) -> Image:
    """Return a reference picture, for the composers that look at it.

    Raises:
        ImageError: it can't be opened.
    """
    try:
        return open_image(read_file(os.fsencode(path)))[0]
    except ImageError as error:
        raise ImageError(f"{path}: {error.reason}", error.hint) from error

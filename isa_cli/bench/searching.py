"""How fast and how right a search is, and how much room a gallery takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.bench.synthetic import unit
from isa_cli.gallery.gallery import Gallery

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.protocols import VectorIndex
    from isa_cli.reporting import Reporter
    from isa_cli.types import Keys, Vectors

K = 10


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """One query at a time in a warm process, in milliseconds, and how right the index is.

    Attributes:
        vectors: N.
        engine: how the gallery compares vectors.
        open_ms: opening the gallery and its index, the checksum included.
        p50_ms, p95_ms: through the gallery's own index.
        exact_p50_ms: by comparing with every vector.
        recall: recall@10 against comparing with every vector.
    """

    vectors: int
    engine: str
    open_ms: float
    p50_ms: float
    p95_ms: float
    exact_p50_ms: float
    recall: float


@dataclass(frozen=True, slots=True)
class ColdTimes:
    """A whole ``isa search`` process, in seconds."""

    by: str
    runs: int
    p50_s: float
    p95_s: float


def bench_search(folder: Path, queries: Vectors) -> SearchTimes:
    """Return search times and recall@10 in a gallery, over (Q, D) queries."""
    with Gallery.open(folder) as gallery:
        len(gallery.index)  # a stale index is mended here, not in what follows
    started = time.perf_counter()
    with Gallery.open(folder) as gallery:
        index = gallery.index
        opened = time.perf_counter() - started
        ours, near = _one_by_one(index, queries, exact=False)
        exact, truth = _one_by_one(index, queries, exact=True)
        found = sum(len(np.intersect1d(*both)) for both in zip(near, truth, strict=True))
        return SearchTimes(
            vectors=len(index),
            engine=gallery.index_report(),
            open_ms=1e3 * opened,
            p50_ms=1e3 * float(np.median(ours)),
            p95_ms=1e3 * float(np.quantile(ours, 0.95)),
            exact_p50_ms=1e3 * float(np.median(exact)),
            recall=found / max(sum(map(len, truth)), 1),
        )


def _one_by_one(
    index: VectorIndex, queries: Vectors, *, exact: bool
) -> tuple[list[float], list[Keys]]:
    """Return the seconds of each search after a first one that warms up, and what was found."""
    index.search(queries[:1], K, exact=exact)
    seconds, keys = [], []
    for query in queries:
        started = time.perf_counter()
        keys.append(index.search(query[None], K, exact=exact).keys[0])
        seconds.append(time.perf_counter() - started)
    return seconds, keys


def bench_cold(
    by: str, arguments: Sequence[str], runs: int, reporter: Reporter
) -> ColdTimes | None:
    """Return the times of a whole ``isa`` process, from start to exit; ``None`` where it fails.

    Args:
        by: what is asked with, for the report.
        arguments: of ``isa``.
        runs: counted ones.
        reporter: told why it fails.
    """
    seconds = []
    for _ in range(runs + 1):  # the first one warms the file cache
        started = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "isa_cli", *arguments], check=False, capture_output=True
        )
        seconds.append(time.perf_counter() - started)
        if done.returncode:
            said = os.fsdecode(done.stderr).strip().partition("\n")[0]
            reporter.warn(f"searching by {by} is left out: {said}")
            return None
    counted = seconds[1:]
    return ColdTimes(by, runs, float(np.median(counted)), float(np.quantile(counted, 0.95)))


def probes(vectors: Vectors, count: int, seed: int = 0) -> Vectors:
    """Return (count, D) unit queries near the gallery's vectors, but none of them.

    Each is a random pair's normalised mean with noise of half its length, seeded: about as far
    from its nearest neighbours as composed queries are (ours).
    """
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, len(vectors), (2, count))
    mixed = unit(vectors[left] + vectors[right])
    noise = unit(rng.standard_normal(mixed.shape))
    return unit(mixed + 0.5 * noise)

"""Measure what the vector index finds, how fast, and in how much space: its defaults' reasons.

    python examples/experiments/recall.py --n 100000 --dim 512

Two kinds of vectors, neither kind to an HNSW graph; real photo collections lie between them and
easier ones:

``clusters``  as CLIP's: a narrow cone, with clusters of very unequal sizes in it.
``decaying``  no clusters; directions at random, variances falling as 1/i.

For each, first bare USearch graphs of several types, then the gallery's own index over a real
catalogue.  Every recall@10 is against comparing with all vectors in float32: ``raw`` as the graph
ranks them, ``re-ranked`` after scoring its first 64 proposals with float16 vectors.  Built by
one thread; takes about 40 minutes at 100,000.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from usearch.index import Index

from isa_cli.bench.synthetic import clusters, decaying, fill
from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.stores.hnsw import quantise
from isa_cli.gallery.stores.hnsw_index import HnswIndex
from isa_cli.gallery.stores.sync import sync
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from isa_cli.types import Vectors

K, RERANKED = 10, 64
EXPANSIONS = (64, 128, 256, 512, 640)
HEAD = ("data", "type", "links", "B/vector", "build/s", "open ms", "expansion", "raw", "re-ranked")


def nearest(vectors: Vectors, queries: Vectors) -> NDArray[np.int64]:
    """Return the rows of the K best vectors of each query, (Q, K), by comparing with all."""
    return np.stack([np.argpartition(-(vectors @ query), K)[:K] for query in queries])


def recall(found: Sequence[NDArray[Any]], right: NDArray[np.int64]) -> float:
    """Return the share of the right rows that was found."""
    hits = [len(np.intersect1d(mine, yours)) for mine, yours in zip(found, right, strict=True)]
    return sum(hits) / right.size


def timed(call: Callable[[NDArray[Any]], Any], queries: NDArray[Any]) -> tuple[list[Any], str]:
    """Return the answers to one query after the other, and 'p50 p95' in milliseconds."""
    answers, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        answers.append(call(query[None]))
        seconds.append(time.perf_counter() - start)
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1e3
    return answers, f"{p50:7.2f} {p95:7.2f}"


def row(*cells: object) -> None:
    """Print cells under ``HEAD`` and what follows it."""
    print("  ".join(f"{cell!s:>9}" for cell in cells), flush=True)


def bare(data: str, variant: str, vectors: Vectors, queries: Vectors, folder: Path) -> None:
    """Print what a USearch graph by itself does; ``i8*`` is quantised as the gallery does it."""
    kind, links = variant.split("/")
    right, halves = nearest(vectors, queries), vectors.astype(np.float16).astype(np.float32)
    own = kind == "i8*"
    stored: NDArray[Any] = quantise(vectors, np.random.default_rng(0)) if own else vectors
    asked: NDArray[Any] = quantise(queries) if own else queries
    graph: Any = Index(
        ndim=vectors.shape[1], metric="cos", dtype=kind.rstrip("*"), connectivity=int(links)
    )
    start = time.perf_counter()
    graph.add(np.arange(len(vectors), dtype=np.uint64), stored, threads=1)
    pace = len(vectors) / (time.perf_counter() - start)
    path = folder / "bare.usearch"
    graph.save(path)
    start = time.perf_counter()
    graph = Index.restore(path, view=True)
    opening = 1e3 * (time.perf_counter() - start)
    for expansion in EXPANSIONS:
        graph.expansion_search = expansion
        answers, times = timed(
            lambda query: graph.search(query[0], RERANKED, threads=1).keys, asked
        )
        best = [
            keys[np.argsort(-(halves[keys] @ query))[:K]]
            for keys, query in zip(answers, queries, strict=True)
        ]
        size = path.stat().st_size / len(vectors)
        row(
            data, kind, links, f"{size:.0f}", f"{pace:.0f}", f"{opening:.0f}", expansion,
            f"{recall([keys[:K] for keys in answers], right):.4f}",
            f"{recall(best, right):.4f}", times,
        )  # fmt: skip


def gallery(data: str, vectors: Vectors, queries: Vectors, folder: Path) -> None:
    """Print what the gallery's own index does, over a catalogue on disk."""
    space = EmbeddingSpace("recall", vectors.shape[1], "0" * 64)
    right = nearest(vectors, queries) + 1  # the catalogue's keys start at 1
    with Catalog.open(folder / f"{data}.db", writable=True) as catalog:
        fill(catalog, space, vectors)
        start = time.perf_counter()
        writer = HnswIndex(folder, space, catalog.vectors, record=catalog.metadata.set_index_file)
        sync(writer, catalog.vectors)
        writer.flush()
        writer.close()
        pace = len(vectors) / (time.perf_counter() - start)
    with Catalog.open(folder / f"{data}.db", writable=False) as catalog:
        start = time.perf_counter()
        index = HnswIndex(folder, space, catalog.vectors, catalog.metadata.index_file())
        opening = 1e3 * (time.perf_counter() - start)
        index.search(queries[:1], K)
        answers, times = timed(lambda query: index.search(query, K).keys[0], queries)
        file = catalog.metadata.index_file()
        assert file is not None
        size = sum(path.stat().st_size for path in folder.glob(f"{data}.db*"))
        exact = index.search(queries, K, exact=True).keys
        print(
            f"gallery, {data}: recall@10 {recall(answers, right):.4f} (comparing with all, in the"
            f" catalogue's float16: {recall(exact, right):.4f}), p50 p95 ms {times}; opened in"
            f" {opening:.0f} ms, made at {pace:.0f}/s; bytes per photo: index"
            f" {file.size / len(vectors):.0f}, catalogue {size / len(vectors):.0f}"
        )
        index.close()  # and with it the memory of the vectors
        _, first = timed(lambda query: index.search(query, K, exact=True), queries[:1])
        _, later = timed(lambda query: index.search(query, K, exact=True), queries[1:20])
        print(f"    comparing with all, ms: first {first.split()[0]}, then {later.split()[0]}")


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=100_000, help="vectors (default: %(default)s)")
    parser.add_argument("--dim", type=int, default=512, help="their length (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=500, help="(default: %(default)s)")
    parser.add_argument(
        "--types",
        default="f32/16,bf16/16,bf16/32,i8/32,i8*/16,i8*/24,i8*/32",
        help="type/links of bare graphs, i8* being scaled by us; '' for none "
        "(default: %(default)s)",
    )
    parser.add_argument("--data", choices=["clusters", "decaying"], help="only one of the two")
    options = parser.parse_args()
    if options.types:
        row(*HEAD, "p50 ms", "p95 ms")
    for make in (clusters, decaying):
        if options.data not in (None, make.__name__):
            continue
        rng = np.random.default_rng(0)
        both = make(options.n + options.queries, options.dim, rng)
        vectors, queries = both[: options.n], both[options.n :]
        with tempfile.TemporaryDirectory() as folder:
            for variant in filter(None, options.types.split(",")):
                bare(make.__name__, variant, vectors, queries, Path(folder))
            gallery(make.__name__, vectors, queries, Path(folder))


if __name__ == "__main__":
    main()

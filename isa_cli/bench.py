"""How fast this machine is at what isa does, measured side by side with its own upper bounds.

A shared machine's absolute times mean little, so every rate comes with the bound measured in the
same round: the pipeline against the bare encoder and the bare decoder, HNSW against exact search.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.config import usable_cores
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import Options, index_folders
from isa_cli.images import open_image, read_file
from isa_cli.types import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isa_cli.types import GalleryEncoder, Pixels, Reporter, VectorIndex, Vectors


@dataclass(frozen=True, slots=True)
class IndexRound:
    """One round of indexing the same photos three ways.

    Attributes:
        photos: how many.
        decode_cores, encode_cores: core-seconds of the bare decoder (read, decode, resize) and of
            the bare encoder on ready pixels.
        decode_wall, encode_wall: their wall seconds, all cores busy with nothing else.
        wall: the pipeline's wall seconds, model loaded, catalogue written.
        on_cpu: whether the encoder shares the cores with the decoder.
        cores: how many.
    """

    photos: int
    decode_cores: float
    encode_cores: float
    decode_wall: float
    encode_wall: float
    wall: float
    on_cpu: bool
    cores: int

    @property
    def bound(self) -> float:
        """Wall seconds that no pipeline on this machine can beat.

        On a CPU all core-seconds spread evenly over the cores; beside a GPU the slower side.
        """
        if self.on_cpu:
            return (self.decode_cores + self.encode_cores) / self.cores
        return max(self.decode_wall, self.encode_wall)

    @property
    def efficiency(self) -> float:
        """How much of what the machine allows the pipeline reaches, 1 is all of it."""
        return self.bound / self.wall


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Search in a warm process, in milliseconds, and how right the index is.

    Attributes:
        vectors: N.
        index_p50, index_p95: one query through the gallery's own index.
        exact_p50: the same by comparing with every vector.
        recall: recall@10 of the index against exact search.
    """

    vectors: int
    index_p50: float
    index_p95: float
    exact_p50: float
    recall: float


def bench_indexing(
    photos: Sequence[Path],
    encoder: GalleryEncoder,
    rounds: int,
    reporter: Reporter,
    *,
    on_cpu: bool,
) -> list[IndexRound]:
    """Return rounds of bare decoder, bare encoder and the whole pipeline on the same photos.

    The first, uncounted round warms the file cache and the encoder.
    """
    paths = [os.fsencode(path.absolute()) for path in photos]
    with reporter.progress("measuring", rounds + 1, "round") as progress:
        measured = []
        for number in range(rounds + 1):
            measured.append(_index_round(paths, encoder, on_cpu=on_cpu, turn=number))
            progress.advance()
    return measured[1:]


def _index_round(
    paths: list[bytes], encoder: GalleryEncoder, *, on_cpu: bool, turn: int
) -> IndexRound:
    """Measure the three in turn; odd rounds run the pipeline first, so that drift cancels."""
    wall = _pipeline(paths, encoder) if turn % 2 else 0.0
    pixels: list[Pixels] = []
    decode = _timed(lambda: pixels.extend(_decode_all(paths, encoder)))
    encode = _timed(lambda: _encode_all(pixels, encoder))
    wall = wall or _pipeline(paths, encoder)
    return IndexRound(
        photos=len(paths),
        decode_cores=decode[1],
        encode_cores=encode[1],
        decode_wall=decode[0],
        encode_wall=encode[0],
        wall=wall,
        on_cpu=on_cpu,
        cores=usable_cores(),
    )


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return (wall, core) seconds of a call, all threads of this process counted."""
    wall, cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cores


def _decode_all(paths: Sequence[bytes], encoder: GalleryEncoder) -> list[Pixels]:
    def decode(path: bytes) -> Pixels:
        return encoder.prepare(open_image(read_file(path), at_least=encoder.input_size)[0])

    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(decode, paths))


def _encode_all(pixels: Sequence[Pixels], encoder: GalleryEncoder) -> None:
    size = encoder.batch_size
    batches = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    with ThreadPoolExecutor(encoder.lanes) as pool:
        list(pool.map(encoder.encode, batches))


def _pipeline(paths: Sequence[bytes], encoder: GalleryEncoder) -> float:
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery.open(Path(folder) / "gallery", writable=True, space=encoder.space)
        with gallery:
            summary = index_folders(
                gallery,
                paths,
                lambda: encoder,
                encoder.input_size,
                Options(),
                Silent(),
                threading.Event(),
            )
    return summary.seconds


def bench_search(index: VectorIndex, queries: Vectors) -> SearchTimes:
    """Return search times and recall@10 over (Q, D) queries, one at a time, warm."""
    index.search(queries[:1], 10)
    index.search(queries[:1], 10, exact=True)
    ours, exact, found = [], [], 0
    total = 0
    for query in queries:
        started = time.perf_counter()
        near = index.search(query[None], 10).keys[0]
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        truth = index.search(query[None], 10, exact=True).keys[0]
        exact.append(time.perf_counter() - started)
        found += len(np.intersect1d(near, truth))
        total += len(truth)
    return SearchTimes(
        vectors=len(index),
        index_p50=1e3 * statistics.median(ours),
        index_p95=1e3 * float(np.quantile(ours, 0.95)),
        exact_p50=1e3 * statistics.median(exact),
        recall=found / max(total, 1),
    )


def probes(vectors: Vectors, count: int, seed: int = 0) -> Vectors:
    """Return (count, D) unit queries near the gallery's vectors, but none of them.

    Each is a random pair's normalised mean with noise of half its length: as far from its nearest
    neighbours as composed queries are, and seeded.
    """
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, len(vectors), (2, count))
    mixed = vectors[left] + vectors[right]
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    noise = rng.standard_normal(mixed.shape).astype(np.float32)
    mixed += 0.5 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    unit: Vectors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return unit


def make_photos(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write seeded JPEGs of 1600 x 1200 pixels that cost as much to decode as photos do."""
    from PIL import Image  # noqa: PLC0415 - only for people without photos at hand

    rng = np.random.default_rng(seed)
    paths = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        smooth = np.asarray(coarse.resize((1600, 1200), Image.Resampling.BICUBIC), np.int16)
        grain = rng.integers(-12, 13, smooth.shape, np.int16)
        path = folder / f"{number:05d}.jpg"
        Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(path, quality=88)
        paths.append(path)
    return paths


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak

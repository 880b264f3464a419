"""How fast photos are indexed, against the bare decoder and the bare encoder in the same round.

A shared machine's absolute times mean little; what counts is how much of its own bound the
pipeline reaches.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from isa_cli.config import usable_cores
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.images import open_image, read_file
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isa_cli.protocols import GalleryEncoder
    from isa_cli.reporting import Reporter
    from isa_cli.types import Pixels


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
class IndexTimes:
    """Rounds summed up by their medians.

    Attributes:
        model: what embedded.
        photos: of one round.
        pipeline, encoder, decoder: photos per second of the whole, and of each side alone.
        efficiency: the median of ``efficiencies``, each round's ``IndexRound.efficiency``.
    """

    model: str
    photos: int
    pipeline: float
    encoder: float
    decoder: float
    efficiency: float
    efficiencies: tuple[float, ...]


def summed_up(rounds: Sequence[IndexRound], model: str) -> IndexTimes:
    """Return the medians of rounds over the same photos."""
    efficiencies = tuple(one.efficiency for one in rounds)
    return IndexTimes(
        model=model,
        photos=rounds[0].photos,
        pipeline=median(one.photos / one.wall for one in rounds),
        encoder=median(one.photos / one.encode_wall for one in rounds),
        decoder=median(one.photos / one.decode_wall for one in rounds),
        efficiency=median(efficiencies),
        efficiencies=efficiencies,
    )


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
                IndexOptions(),
                Silent(),
                threading.Event(),
            )
    return summary.seconds

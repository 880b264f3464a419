"""The whole of ``isa bench`` below the command line: a config in, a report out."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.bench import material
from isa_cli.bench.indexing import IndexTimes, bench_indexing, summed_up
from isa_cli.bench.searching import ColdTimes, SearchTimes, bench_cold, bench_search, probes
from isa_cli.bench.synthetic import make_photos
from isa_cli.config import usable_cores
from isa_cli.encoders.foundation import Foundation
from isa_cli.errors import GalleryMissing, UsageError
from isa_cli.gallery.gallery import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from isa_cli.reporting import Reporter

PACKAGES = ("isa-cli", "torch", "open_clip_torch", "usearch", "numpy", "pillow")
QUERIES = 200
SAMPLE = 2048
"""Vectors of a gallery that the queries are made of."""

GENERATED = 30_000
"""Vectors of the generated galleries of somebody without one: enough for the HNSW index."""

WORDS = "a dog on the beach"


@dataclass(frozen=True, slots=True)
class BenchConfig:
    """What to measure.

    Attributes:
        gallery: the user's, which need not exist and is only read.
        model, device, precision: what indexes.
        photos: a folder; ``None``: the gallery's photos, or generated ones.
        count: photos of a round of indexing.
        rounds: of indexing; 0: none.
        vectors: of generated galleries; ``None``: the user's gallery, or generated ones.
        dim: D of the generated vectors.
        cold: whole search processes of each kind.
        search: whether searching is measured at all.
    """

    gallery: Path
    model: str
    device: str
    precision: str
    photos: Path | None
    count: int
    rounds: int
    vectors: int | None
    dim: int
    cold: int
    search: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured on."""

    cores: int
    device: str
    precision: str
    python: str
    packages: dict[str, str]


@dataclass(frozen=True, slots=True)
class SearchReport:
    """One gallery, searched."""

    gallery: str
    bytes_per_photo: float
    warm: SearchTimes
    cold: tuple[ColdTimes, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured.

    Attributes:
        machine: where.
        index: ``None`` where it was left out.
        search: one per gallery.
        peak_bytes: this process's largest size; ``None`` where the system does not tell.
    """

    machine: Machine
    index: IndexTimes | None
    search: tuple[SearchReport, ...]
    peak_bytes: int | None


def measure(config: BenchConfig, scratch: Path, reporter: Reporter) -> Report:
    """Measure indexing and searching on this machine.

    Args:
        config: what to measure.
        scratch: an empty folder for everything that is written.
        reporter: told before each phase.

    Raises:
        UsageError: there is nothing to measure with.
        ModelError: the model cannot be loaded.
    """
    foundation = Foundation(config.model, config.device, config.precision, reporter)
    place = foundation.place
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    machine = Machine(
        usable_cores(), str(place.device), place.precision, sys.version.split()[0], versions
    )
    return Report(
        machine,
        _index(foundation, config, scratch, reporter) if config.rounds else None,
        tuple(_search(config, scratch, reporter)) if config.search else (),
        _peak_bytes(),
    )


# --- indexing ----------------------------------------------------------------------------------


def _index(
    foundation: Foundation, config: BenchConfig, scratch: Path, reporter: Reporter
) -> IndexTimes:
    photos = _photos(config, scratch, reporter)
    reporter.note(f"indexing {len(photos):,} photos {config.rounds} times")
    encoder = foundation.gallery_encoder()  # says where it computes
    on_cpu = foundation.place.device.type == "cpu"
    rounds = bench_indexing(photos, encoder, config.rounds, reporter, on_cpu=on_cpu)
    foundation.release()  # searching is measured without it
    return summed_up(rounds, foundation.space.name)


def _photos(config: BenchConfig, scratch: Path, reporter: Reporter) -> list[Path]:
    """Return the photos of a round."""
    candidates = (
        material.photos_in(config.photos) if config.photos else _users_photos(config.gallery)
    )
    if candidates:
        reporter.note(f"choosing {min(config.count, len(candidates)):,} photos")
        if photos := material.choose(candidates, config.count):
            return photos
    if config.photos:
        raise UsageError(f"there are no photos in {config.photos}", "choose another --photos DIR")
    reporter.note(f"making {config.count:,} photos, for there are none to read in a gallery")
    folder = scratch / "photos"
    folder.mkdir()
    return make_photos(folder, config.count)


def _users_photos(folder: Path) -> list[Path]:
    try:
        with Gallery.open(folder) as gallery:
            return material.photos_of(gallery)
    except GalleryMissing:
        return []


# --- searching ---------------------------------------------------------------------------------


def _search(config: BenchConfig, scratch: Path, reporter: Reporter) -> Iterator[SearchReport]:
    if config.vectors is None and (users := _users_photos(config.gallery)):
        folder = material.copy_gallery(config.gallery, scratch / "users")
        there = next((photo for photo in users if photo.is_file()), None)
        yield _searched(str(config.gallery), folder, there, config, reporter)
        return
    count = config.vectors or GENERATED
    for kind in material.KINDS:
        reporter.note(f"making a gallery of {count:,} generated vectors: {kind}")
        folder, photo = material.generate_gallery(scratch / kind, kind, count, config.dim, reporter)
        yield _searched(f"generated {kind}", folder, photo, config, reporter)


def _searched(
    name: str, folder: Path, photo: Path | None, config: BenchConfig, reporter: Reporter
) -> SearchReport:
    """Return one gallery's report; the gallery is a copy or a generated one."""
    reporter.note(f"searching {name}")
    with Gallery.open(folder) as gallery:
        queries = probes(gallery.catalog.vectors.sample(SAMPLE), QUERIES)
        model = gallery.catalog.metadata.setting("model")
    warm = bench_search(folder, queries)
    with Gallery.open(folder) as gallery:  # after the index has been mended
        stored = gallery.bytes_on_disk() / gallery.catalog.vectors.count()
    place = ["--device", config.device, "--precision", config.precision, "--gallery", str(folder)]
    cold = []
    if config.cold and photo is not None:
        reporter.note(f"{config.cold} whole processes by a stored photo")
        by_photo = ["search", str(photo), "--include-ref", *place]
        cold.append(bench_cold("a stored photo", by_photo, config.cold, reporter))
    if config.cold and model is not None:
        reporter.note(f"{config.cold} whole processes by words, the model loaded in each")
        by_words = ["search", "--text", WORDS, *place]
        cold.append(bench_cold("words", by_words, config.cold, reporter))
    return SearchReport(name, stored, warm, tuple(times for times in cold if times is not None))


def _peak_bytes() -> int | None:
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, kilobytes elsewhere

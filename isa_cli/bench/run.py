"""The whole of ``isa bench`` below the command line: a plan in, a report out."""

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
from isa_cli.encoders.devices import choose_place
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
class Plan:
    """What to measure.

    Attributes:
        gallery: the user's, which need not exist and is only read.
        model, device, precision: what indexes.
        photos: a folder; ``None``: the gallery's photos, or generated ones.
        count: photos of a round of indexing.
        rounds: of indexing; 0: none.
        vectors: of generated galleries; ``None``: the user's own gallery, or generated ones.
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


def measure(plan: Plan, scratch: Path, reporter: Reporter) -> Report:
    """Return what this machine makes of indexing and searching.

    Args:
        plan: what to measure.
        scratch: an empty folder for everything that is written.
        reporter: told before each phase.

    Raises:
        UsageError: there is nothing to measure with.
        ModelError: the model cannot be loaded.
    """
    place = choose_place(plan.device, plan.precision)
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    machine = Machine(
        usable_cores(), str(place.device), place.precision, sys.version.split()[0], versions
    )
    return Report(
        machine,
        _index(plan, scratch, reporter) if plan.rounds else None,
        tuple(_search(plan, scratch, reporter)) if plan.search else (),
        _peak_bytes(),
    )


# --- indexing ----------------------------------------------------------------------------------


def _index(plan: Plan, scratch: Path, reporter: Reporter) -> IndexTimes:
    from isa_cli.encoders import load_backbone  # noqa: PLC0415 - searching needs no open_clip
    from isa_cli.encoders.gallery_encoder import BackboneEncoder  # noqa: PLC0415

    photos = _photos(plan, scratch, reporter)
    place = {"device": plan.device, "precision": plan.precision}
    backbone = load_backbone(plan.model, parts={"image"}, reporter=reporter, **place)
    reporter.note(f"indexing {len(photos):,} photos {plan.rounds} times: {backbone.describe()}")
    on_cpu = backbone.place.device.type == "cpu"
    encoder = BackboneEncoder(backbone)
    rounds = bench_indexing(photos, encoder, plan.rounds, reporter, on_cpu=on_cpu)
    return summed_up(rounds, backbone.space.name)


def _photos(plan: Plan, scratch: Path, reporter: Reporter) -> list[Path]:
    """Return the photos of a round."""
    candidates = material.photos_in(plan.photos) if plan.photos else _own_photos(plan.gallery)
    if candidates:
        reporter.note(f"choosing {min(plan.count, len(candidates)):,} photos")
        if photos := material.choose(candidates, plan.count):
            return photos
    if plan.photos:
        raise UsageError(f"there are no photos in {plan.photos}", "choose another --photos DIR")
    reporter.note(f"making {plan.count:,} photos, for there are none to read in a gallery")
    folder = scratch / "photos"
    folder.mkdir()
    return make_photos(folder, plan.count)


def _own_photos(folder: Path) -> list[Path]:
    try:
        with Gallery.open(folder) as gallery:
            return material.photos_of(gallery)
    except GalleryMissing:
        return []


# --- searching ---------------------------------------------------------------------------------


def _search(plan: Plan, scratch: Path, reporter: Reporter) -> Iterator[SearchReport]:
    if plan.vectors is None and (own := _own_photos(plan.gallery)):
        folder = material.copy_gallery(plan.gallery, scratch / "own")
        there = next((photo for photo in own if photo.is_file()), None)
        yield _searched(str(plan.gallery), folder, there, plan, reporter)
        return
    count = plan.vectors or GENERATED
    for kind in material.KINDS:
        reporter.note(f"making a gallery of {count:,} generated vectors: {kind}")
        folder, photo = material.generate_gallery(scratch / kind, kind, count, plan.dim, reporter)
        yield _searched(f"generated {kind}", folder, photo, plan, reporter)


def _searched(
    name: str, folder: Path, photo: Path | None, plan: Plan, reporter: Reporter
) -> SearchReport:
    """Return one gallery's report; the gallery is a copy or a generated one."""
    reporter.note(f"searching {name}")
    with Gallery.open(folder) as gallery:
        queries = probes(gallery.catalog.vectors.sample(SAMPLE), QUERIES)
        model = gallery.catalog.metadata.setting("model")
    warm = bench_search(folder, queries)
    with Gallery.open(folder) as gallery:  # after the index has been mended
        stored = gallery.bytes_on_disk() / gallery.catalog.vectors.count()
    place = ["--device", plan.device, "--precision", plan.precision, "--gallery", str(folder)]
    cold = []
    if plan.cold and photo is not None:
        reporter.note(f"{plan.cold} whole processes by a stored photo")
        by_photo = ["search", str(photo), "--include-ref", *place]
        cold.append(bench_cold("a stored photo", by_photo, plan.cold, reporter))
    if plan.cold and model is not None:
        reporter.note(f"{plan.cold} whole processes by words, the model loaded in each")
        by_words = ["search", "--text", WORDS, *place]
        cold.append(bench_cold("words", by_words, plan.cold, reporter))
    return SearchReport(name, stored, warm, tuple(times for times in cold if times is not None))


def _peak_bytes() -> int | None:
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, kilobytes elsewhere

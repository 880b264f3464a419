"""``isa bench``: what this machine makes of indexing and searching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import GalleryMissing, UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.config import Settings


def bench(
    photos: Annotated[
        str | None,
        typer.Option(
            "--photos", metavar="DIR", help="What to index (default: the gallery's photos)."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, metavar="N", help="Photos of one round.")
    ] = 200,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="N", help="Rounds of indexing.")
    ] = 3,
    vectors: Annotated[
        int | None,
        typer.Option(
            "--vectors", min=10, metavar="N", help="Search generated galleries of N vectors."
        ),
    ] = None,
    dim: Annotated[
        int, typer.Option("--dim", min=2, metavar="D", help="Length of the generated vectors.")
    ] = 512,
    cold: Annotated[
        int, typer.Option("--cold", min=0, metavar="N", help="Whole search processes of each kind.")
    ] = 3,
    skip_index: Annotated[
        bool, typer.Option("--skip-index", help="Measure searching only.")
    ] = False,
    skip_search: Annotated[
        bool, typer.Option("--skip-search", help="Measure indexing only.")
    ] = False,
    as_json: options.JsonOption = False,
    gallery: options.GalleryOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
) -> int:
    """Measure indexing and searching against what this machine allows.

    Works on your gallery and its photos, which are only read, or on generated ones where there is
    none.  The efficiency says how much of the bare decoder's and the bare encoder's speed is left
    when they work together.
    """
    settings = options.settings(gallery=gallery, model=model, device=device, precision=precision)
    folder = _folder(photos)

    from pathlib import Path
    from tempfile import TemporaryDirectory

    from isa_cli.bench.run import BenchConfig, measure
    from isa_cli.cli import bench_report

    config = BenchConfig(
        gallery=settings.gallery,
        model=_model(model, settings),
        device=settings.device,
        precision=settings.precision,
        photos=folder,
        count=count,
        rounds=0 if skip_index else rounds,
        vectors=vectors,
        dim=dim,
        cold=cold,
        search=not skip_search,
    )
    with TemporaryDirectory(prefix="isa-bench-") as scratch:
        report = measure(config, Path(scratch), console.ConsoleReporter())
    bench_report.show(report, as_json=as_json)
    return 0


def _folder(photos: str | None) -> Path | None:
    if photos is None:
        return None
    folder = absolute(photos)
    if not photos or not folder.is_dir():
        raise UsageError(f"there is no folder {wording.printable(photos)!r}", "check --photos")
    return folder


def _model(flag: str | None, settings: Settings) -> str:
    """Return the model to measure: the flag's, the gallery's, or the settings'."""
    from isa_cli.gallery.gallery import Gallery

    try:
        with Gallery.open(settings.gallery) as gallery:
            return options.model_for(flag, settings, gallery)
    except GalleryMissing:
        return options.model_for(flag, settings)

"""``isa train compose``: stage II of the two-stage framework, from triplets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isa_cli.cli import console, options
from isa_cli.cli.options import existing_file
from isa_cli.cli.spread import spread
from isa_cli.cli.train_job import (
    FAREWELL,
    STOPPED,
    precision,
    settings_of,
    target,
)
from isa_cli.cli.train_options import ComposeFlags, layers
from isa_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.config import Settings
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.training.compose_job import ComposeJob


@spread(ComposeFlags)
def compose(flags: ComposeFlags) -> int:
    """Learn to read a photo together with words that change it, from triplets: stage II of two.

    \b
      isa train compose --triplets triplets.jsonl
      isa train compose --triplets triplets.jsonl --from query.safetensors --out better.safetensors

    Small adapters in the text tower learn, and all else stays as it is: nothing is indexed again.
    """  # noqa: D301 - typer's mark for lines to keep
    settings = settings_of(flags)
    job = _job(flags, settings)

    from isa_cli.cli.train_report import report_composed
    from isa_cli.training.compose_run import compose as run

    reporter = console.ConsoleReporter(quiet=flags.quiet)
    with console.stop_on_signals(FAREWELL) as stop:
        composed = run(job, reporter, stop)
    if composed is None:
        console.say(STOPPED)
        return ExitCode.INTERRUPTED
    if not flags.quiet:
        report_composed(composed, settings.gallery, job.model)
    return 0


def _job(flags: ComposeFlags, settings: Settings) -> ComposeJob:
    """Return what the flags ask for.

    Raises:
        UsageError: a file that is not there, a number that makes no sense.
        GalleryMissing: there is no gallery.
    """
    triplets = existing_file("--triplets", flags.triplets)
    start = None if flags.start is None else existing_file("--from", flags.start)
    named, out = layers("--adapters", flags.adapters, first=0), target(flags.out)

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.query.lookup import QUERY_MODEL
    from isa_cli.training.compose_job import ComposeJob
    from isa_cli.training.engine.schedule import COMPOSING
    from isa_cli.training.tasks.compose import ComposeSettings

    with Gallery.open(settings.gallery) as gallery:
        model = options.model_for(flags.model, settings, gallery)
        start = start or _start(gallery)
    return ComposeJob(
        gallery=settings.gallery,
        model=model,
        triplets=triplets,
        out=out or settings.gallery / QUERY_MODEL,
        start=start,
        settings=ComposeSettings(
            layers=named,
            bottleneck=flags.bottleneck,
            hard_negatives=flags.hard_negatives,
            memory=flags.memory,
            batch=flags.batch_size,
            seed=flags.seed,
        ),
        schedule=replace(
            COMPOSING, epochs=flags.epochs, lr=flags.lr, precision=precision(settings)
        ),
        device=settings.device,
        at_most=flags.limit,
        fresh=flags.fresh,
    )


def _start(gallery: Gallery) -> Path:
    """Return the query model of a gallery, its own or the bundled one.

    Raises:
        UsageError: there is none.
    """
    from isa_cli.query.lookup import query_file

    found = query_file(gallery.folder, gallery.space)
    if found is None:
        raise UsageError(
            f"the gallery {gallery.folder} has no query model to build on",
            "isa train map makes one, or name one: --from query.safetensors",
        )
    return found.path

"""What a run says about itself: what decided it, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from isa_cli import __version__
from isa_cli.backbones.files import digest_of
from isa_cli.query.header import TWO_STAGE
from isa_cli.query.tuned import without

if TYPE_CHECKING:
    from isa_cli.query.header import Header
    from isa_cli.training.job import Job
    from isa_cli.training.photos import TrainingPhotos
    from isa_cli.training.schedule import Progress
    from isa_cli.types import EmbeddingSpace

ISA, STAGE_I = "isa", "stage I"
"""Where a record keeps that of the query model it was built on: for an injection, for adapters."""


def recipe(job: Job, space: EmbeddingSpace, photos: TrainingPhotos) -> dict[str, Any]:
    """Return everything that decides a run, as JSON can hold it."""
    which = blake2b(photos.contents.tobytes(), digest_size=8).hexdigest()
    return {
        "space": str(space),
        "photos": len(photos.train),
        "photos digest": which,
        "settings": job.settings.as_dict(),
        "schedule": asdict(job.schedule),
        "light preprocessing": dict(job.light_preprocessing),
        "augmentation": asdict(job.augmentation),
    } | _began_with(job)


def _began_with(job: Job) -> dict[str, Any]:
    """Return what was there before the first step."""
    if job.start is not None:
        return {"added to": digest_of(job.start)[:16]}
    return {"light weights": str(job.light_weights or ("timm" if job.pretrained else "none"))}


def results(progress: Progress, photos: TrainingPhotos, images: int) -> dict[str, Any]:
    """Return what came of a run.

    Args:
        progress: at its end.
        photos: it learned from and was measured on.
        images: photos per step.
    """
    speed = progress.step * images / progress.seconds if progress.seconds else 0.0
    return {
        "isa": __version__,
        "held out": len(photos.held_out),
        "epochs run": len(progress.measures),
        "best epoch": progress.best_epoch,
        "measures": progress.measures,
        "seconds": round(progress.seconds, 1),
        "images per second": round(speed, 1),
        "seconds by phase": {name: round(spent, 2) for name, spent in progress.phases.items()},
    }


def earlier(header: Header, name: str) -> dict[str, Any]:
    """Return the record of what a run was built on; what was tuned for other methods stays valid.

    Args:
        header: of the query model that it began with, which may have had the same added before.
        name: ``ISA`` or ``STAGE_I``.
    """
    training, tuned = without(header.training, TWO_STAGE)
    for wrapped in (STAGE_I, name):
        inner = training.get(wrapped)
        training = inner if isinstance(inner, dict) else training
    return {name: training} | tuned

"""What a composing run says about itself: what decided it, what came of it, what came before."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from isa_cli import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.header import AdaptersConfig
    from isa_cli.training.compose_job import ComposeJob
    from isa_cli.training.schedule import Progress
    from isa_cli.training.triplet_photos import TripletPhotos


def recipe(
    job: ComposeJob, model: QueryModel, photos: TripletPhotos, adapters: AdaptersConfig
) -> dict[str, Any]:
    """Return everything that decides a run, as JSON can hold it."""
    return {
        "space": str(model.header.space),
        "built on": _digest_of(model),
        "triplets": len(photos),
        "triplets digest": photos.digest,
        "triplets file digest": blake2b(job.triplets.read_bytes(), digest_size=8).hexdigest(),
        "settings": job.settings.as_dict(),
        "adapters": asdict(adapters) | {"layers": list(adapters.layers)},
        "schedule": asdict(job.schedule),
    }


def results(
    progress: Progress, photos: TripletPhotos, untrained: Mapping[str, float], images: int
) -> dict[str, Any]:
    """Return what came of a run.

    Args:
        progress: at its end.
        photos: it learned from and was measured on.
        untrained: the same measures before it.
        images: triplets per step.
    """
    speed = progress.step * images / progress.seconds if progress.seconds else 0.0
    before = next(iter(untrained.values()))
    return {
        "isa": __version__,
        "held out": len(photos.held_out),
        "held-out pictures": len(photos.keys),
        "untrained": dict(untrained),
        "better than untrained": progress.best > before,
        "reached": progress.measures[progress.best_epoch - 1]
        if progress.best_epoch
        else dict(untrained),
        "epochs run": len(progress.measures),
        "best epoch": progress.best_epoch,
        "measures": progress.measures,
        "seconds": round(progress.seconds, 1),
        "triplets per second": round(speed, 1),
        "seconds by phase": {name: round(spent, 2) for name, spent in progress.phases.items()},
    }


def weakness(record: Mapping[str, Any]) -> str | None:
    """Return what to say of a run that made nothing better; ``None`` if it did."""
    if record["better than untrained"]:
        return None
    name, before = next(iter(record["untrained"].items()))
    best = max(measured[name] for measured in record["measures"])
    return (
        f"composing learned nothing that shows: {name} on {record['held out']:,} held-out triplets "
        f"was {before:.3f} before and {best:.3f} at best; the adapters are left as they began, "
        "which changes nothing; more triplets may help"
    )


def _digest_of(model: QueryModel) -> str:
    """Return a digest of all that stays as it is, adapters being what does not."""
    whole = blake2b(repr(sorted(model.header.template.items())).encode(), digest_size=8)
    for part in (model.mapper, model.light, model.injection):
        for name, value in part.state_dict().items() if part is not None else ():
            whole.update(name.encode())
            whole.update(value.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()

"""What a run says about itself: what decided it, what came of it, what came before."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from isa_cli import __version__
from isa_cli.encoders.files import digest_of
from isa_cli.query.header import TWO_STAGE
from isa_cli.query.tuned import without

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.header import AdaptersConfig, Header
    from isa_cli.training.data.photos import TrainingPhotos
    from isa_cli.training.data.triplet_photos import TripletPhotos
    from isa_cli.training.engine.schedule import RunProgress
    from isa_cli.training.runs import ComposeRun, IsaRun
    from isa_cli.types import EmbeddingSpace

ISA, STAGE_I = "isa", "stage I"
"""Where a record keeps that of the query model it was built on: for an injection, for adapters."""


def recipe(run: IsaRun, space: EmbeddingSpace, photos: TrainingPhotos) -> dict[str, Any]:
    """Return everything that decides a run, as JSON can hold it."""
    which = blake2b(photos.contents.tobytes(), digest_size=8).hexdigest()
    return {
        "space": str(space),
        "photos": len(photos.train),
        "photos digest": which,
        "settings": run.config.as_dict(),
        "schedule": asdict(run.schedule),
        "light preprocessing": dict(run.light_preprocessing),
        "augmentation": asdict(run.augmentation),
    } | _began_with(run)


def _began_with(run: IsaRun) -> dict[str, Any]:
    """Return where a run begins: with a query model, or a light encoder's weights."""
    if run.start is not None:
        return {"added to": digest_of(run.start)[:16]}
    return {"light weights": str(run.light_weights or ("timm" if run.pretrained else "none"))}


def results(progress: RunProgress, photos: TrainingPhotos, images: int) -> dict[str, Any]:
    """Return the outcome of a run.

    Args:
        progress: at its end.
        photos: it learned from and was measured on.
        images: photos per step.
    """
    return {"held out": len(photos.held_out)} | _course(progress, "images per second", images)


def _course(progress: RunProgress, speed: str, per_step: int) -> dict[str, Any]:
    """How a run went; ``speed`` names how many ``per_step`` things a second it got through."""
    rate = progress.step * per_step / progress.seconds if progress.seconds else 0.0
    return {
        "isa": __version__,
        "epochs run": len(progress.measures),
        "best epoch": progress.best_epoch,
        "measures": progress.measures,
        "seconds": round(progress.seconds, 1),
        speed: round(rate, 1),
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


def composing_recipe(
    run: ComposeRun, model: QueryModel, photos: TripletPhotos, adapters: AdaptersConfig
) -> dict[str, Any]:
    """Return everything that decides a run, as JSON can hold it."""
    return {
        "space": str(model.header.space),
        "built on": _digest_of(model),
        "triplets": len(photos),
        "triplets digest": photos.digest,
        "triplets file digest": blake2b(run.triplets.read_bytes(), digest_size=8).hexdigest(),
        "settings": run.config.as_dict(),
        "adapters": asdict(adapters) | {"layers": list(adapters.layers)},
        "schedule": asdict(run.schedule),
    }


def composing_results(
    progress: RunProgress, photos: TripletPhotos, untrained: Mapping[str, float], images: int
) -> dict[str, Any]:
    """Return the outcome of a run.

    Args:
        progress: at its end.
        photos: it learned from and was measured on.
        untrained: the same measures before it.
        images: triplets per step.
    """
    best = progress.best_epoch
    return {
        "held out": len(photos.held_out),
        "held-out pictures": len(photos.keys),
        "untrained": dict(untrained),
        "better than untrained": best > 0,
        "reached": progress.measures[best - 1] if best else dict(untrained),
    } | _course(progress, "triplets per second", images)


def weakness(record: Mapping[str, Any]) -> str | None:
    """Return the words for a run that made nothing better; ``None`` if it did."""
    if record["better than untrained"]:
        return None
    name, before = next(iter(record["untrained"].items()))
    best = max(measured[name] for measured in record["measures"])
    chance = ", no more than chance may do to so few" if best > before else ""
    return (
        f"composing learned nothing that shows: {name} on {record['held out']:,} held-out triplets "
        f"was {before:.3f} before and {best:.3f} at best{chance}; the adapters are left as they "
        "began, which changes nothing; more triplets may help"
    )


def _digest_of(model: QueryModel) -> str:
    """Return a digest of all that stays as it is, adapters being what does not."""
    whole = blake2b(repr(sorted(model.header.template.items())).encode(), digest_size=8)
    for part in (model.mapper, model.light, model.injection):
        for name, value in part.state_dict().items() if part is not None else ():
            whole.update(name.encode())
            whole.update(value.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()

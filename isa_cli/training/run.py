"""The whole of ``isa train`` below the command line: a gallery's photos in, a query model out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from isa_cli.encoders import load_backbone, locate
from isa_cli.encoders.light import LightEncoder, load_light
from isa_cli.errors import SpaceMismatch, TrainingError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.patch_features import PatchFeatures
from isa_cli.query.checkpoint import load
from isa_cli.query.header import is_query_model
from isa_cli.training.config import Job, Trained, settings_with, start_of
from isa_cli.training.data.patch_features import fill, unknown
from isa_cli.training.data.photos import TrainingPhotos
from isa_cli.training.stages import Stages
from isa_cli.training.symmetric import LargeMap

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from isa_cli.encoders import ModelFiles
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.reporting import Reporter

__all__ = ["Job", "Trained", "train"]


def train(job: Job, reporter: Reporter, stop: threading.Event) -> Trained | None:
    """Train a query model; ``None`` if ``stop`` ended it, and the same job goes on from there.

    Raises:
        TrainingError: too few photos, a loss that is no number, another run in the folder.
        UsageError: an injection into a layer that the text tower does not have, or for a query
            model that can't have one.
        ModelError: the large model or the light encoder can't be had.
        SpaceMismatch: the model is not the gallery's.
        GalleryMissing: there is no gallery.
    """
    with Gallery.open(job.gallery, reporter=reporter) as gallery:
        space = gallery.space
        photos = TrainingPhotos.of(
            gallery, at_most=job.at_most, seed=job.settings.seed, reporter=reporter
        )
    files = locate(job.model, reporter)
    if files.space != space:
        raise SpaceMismatch(space, files.space)
    start = start_of(job.start, space) if job.start else None
    if start is not None:
        if start.adapters is not None:
            reporter.note(
                f"the adapters of {job.start} are left out: they learned without the injection"
            )
        job = replace(job, settings=settings_with(job.settings, start.header))
    local = None
    if job.settings.local_weight or job.settings.distil_epochs:
        local, photos = _local_features(job, photos, files, reporter, stop)
    if stop.is_set():
        return None
    torch.manual_seed(job.settings.seed)
    backbone = load_backbone(
        files,
        device=job.device,
        precision="fp32",
        parts={"text", "image"} if job.settings.symmetric else {"text"},
        reporter=reporter,
    )
    light = LargeMap(backbone) if job.settings.symmetric else _light(job, start, reporter)
    return Stages(job, photos, local, backbone, light, start, reporter, stop).run()


def _light(job: Job, start: QueryModel | None, reporter: Reporter) -> LightEncoder:
    if start is not None and start.light is not None:
        return start.light
    if job.light_weights is not None and is_query_model(job.light_weights):
        return _light_of(job.light_weights, job.settings.light)
    return load_light(
        job.settings.light,
        weights=job.light_weights,
        pretrained=job.pretrained,
        image_size=job.settings.light_size,
        preprocessing=job.light_preprocessing,
        extra=job.settings.light_options,
        reporter=reporter,
    )


def _light_of(path: Path, name: str) -> LightEncoder:
    """Return the light encoder of a query model, which must be the one asked for."""
    light = load(path).light
    if light is None or light.config.name != name:
        has = f"has {light.config.name}" if light else "has no light encoder"
        raise TrainingError(f"the query model {path} {has}, not {name}", "check --light")
    return light


def _local_features(
    job: Job,
    photos: TrainingPhotos,
    files: ModelFiles,
    reporter: Reporter,
    stop: threading.Event,
) -> tuple[PatchFeatures, TrainingPhotos]:
    """Return the large encoder's local features, computed where they are missing, and the photos.

    Photos that can't be opened any more are left out.
    """
    features = PatchFeatures.open(job.gallery, files.space, job.settings.grid)
    if not len(unknown(features, photos)):
        return features, photos
    reporter.note("computing the large encoder's local features, once for every photo")
    backbone = load_backbone(files, device=job.device, parts={"image"}, reporter=reporter)
    left = fill(features, photos, backbone, reporter, stop)
    return features, photos if stop.is_set() else photos.without(left)

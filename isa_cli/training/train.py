"""The whole of ``isa train`` below the command line: a gallery's photos in, a query model out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from isa_cli.encoders.light import LightEncoder, load_light
from isa_cli.errors import SpaceMismatch, TrainingError, UsageError
from isa_cli.gallery.gallery import Gallery
from isa_cli.query.checkpoint import load
from isa_cli.query.header import is_query_model
from isa_cli.training.data.patch_features import patch_features_of
from isa_cli.training.data.photos import TrainingPhotos
from isa_cli.training.stages import Stages
from isa_cli.training.symmetric import LargeMap

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.reporting import Reporter
    from isa_cli.training.runs import IsaRun, Trained
    from isa_cli.types import EmbeddingSpace


def train(run: IsaRun, reporter: Reporter, stop: threading.Event) -> Trained | None:
    """Train a query model; ``None`` if ``stop`` ended it, and the same run goes on from there.

    Raises:
        TrainingError: too few photos, a loss that is no number, another run in the folder.
        UsageError: an injection into a layer that the text tower does not have, or for a query
            model that can't have one.
        ModelError: the large model or the light encoder can't be had.
        SpaceMismatch: the model is not the gallery's.
        GalleryMissing: there is no gallery.
    """
    with Gallery.open(run.gallery, reporter=reporter) as gallery:
        space = gallery.space
        photos = TrainingPhotos.of(
            gallery, at_most=run.at_most, seed=run.config.seed, reporter=reporter
        )
    if run.foundation.space != space:
        raise SpaceMismatch(space, run.foundation.space)
    start = start_of(run.start, space) if run.start else None
    if start is not None:
        if start.adapters is not None:
            reporter.note(
                f"the adapters of {run.start} are left out: they learned without the injection"
            )
        run = replace(run, config=run.config.added_to(start.header))
    patches = None
    if run.config.local_weight or run.config.distil_epochs:
        patches, photos = patch_features_of(
            run.gallery, photos, run.foundation, run.config.grid, reporter, stop
        )
    if stop.is_set():
        return None
    torch.manual_seed(run.config.seed)
    parts = {"text", "image"} if run.config.symmetric else {"text"}
    backbone = run.foundation.anew(precision="fp32").clip(parts)
    light = LargeMap(backbone) if run.config.symmetric else _light(run, start, reporter)
    return Stages(run, photos, patches, backbone, light, start, reporter, stop).run()


def start_of(path: Path, space: EmbeddingSpace) -> QueryModel:
    """Return the query model in a file, if an injection can be added to it.

    Raises:
        ModelError: it can't be read, or is no query model.
        SpaceMismatch: it belongs to another space.
        UsageError: it has no light encoder, or can't be read without the injection that it has.
    """
    model = load(path, space)
    if model.light is None:
        raise UsageError(
            f"the query model {path} has no light encoder for the words to look with",
            "isa train makes one that has",
        )
    if model.injection is not None and not model.injection.config.added:
        raise UsageError(
            f"the words of the query model {path} were learned together with an injection",
            "begin with what isa train made",
        )
    return model


def _light(run: IsaRun, start: QueryModel | None, reporter: Reporter) -> LightEncoder:
    """Return the light encoder that a run begins with."""
    if start is not None and start.light is not None:
        return start.light
    if run.light_weights is not None and is_query_model(run.light_weights):
        return _light_of(run.light_weights, run.config.light)
    return load_light(
        run.config.light,
        weights=run.light_weights,
        pretrained=run.pretrained,
        image_size=run.config.light_size,
        preprocessing=run.light_preprocessing,
        extra=run.config.light_options,
        reporter=reporter,
    )


def _light_of(path: Path, name: str) -> LightEncoder:
    """Return the light encoder of a query model, which must be the one asked for."""
    light = load(path).light
    if light is None or light.config.name != name:
        has = f"has {light.config.name}" if light else "has no light encoder"
        raise TrainingError(f"the query model {path} {has}, not {name}", "check --light")
    return light

"""The whole of ``isa train`` below the command line: a gallery's photos in, a query model out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from isa_cli.backbones import load_backbone, locate
from isa_cli.backbones.light import LightEncoder, load_light
from isa_cli.errors import SpaceMismatch, TrainingError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.local_features import LocalFeatures
from isa_cli.query.checkpoint import Header, MapperConfig, load, save
from isa_cli.query.header import is_query_model
from isa_cli.query.mappers import build_mapper
from isa_cli.query.network import QueryNetwork
from isa_cli.query.reading import SentenceReader
from isa_cli.training.augment import DEFAULT
from isa_cli.training.distil import DistilTask, Seer
from isa_cli.training.local import fill, unknown
from isa_cli.training.loop import Loop
from isa_cli.training.memory import out_of_memory_told
from isa_cli.training.photos import Pictures, TrainingPhotos
from isa_cli.training.plot import plot_run
from isa_cli.training.record import recipe, results
from isa_cli.training.run_folder import RunFolder
from isa_cli.training.schedule import Schedule
from isa_cli.training.settings import Settings
from isa_cli.training.task import IsaTask
from isa_cli.training.twin import LargeMap

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    from isa_cli.backbones import Backbone, ModelFiles
    from isa_cli.training.augment import Augmentation
    from isa_cli.training.loop import Task
    from isa_cli.types import Reporter


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, and where it goes.

    Attributes:
        gallery: whose photos and vectors are used.
        model: the gallery's model by name.
        out: the query model's file; its run folder lies beside it.
        settings, schedule: how.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``.
        light_weights: a local file, timm's or a query model with such a light encoder; ``None``:
            timm's own, or none if not ``pretrained``.
        pretrained: fetch timm's weights of the light encoder.
        light_preprocessing: where it differs from timm's own.
        augmentation: what happens to a photo before it is learned from.
        at_most: photos; ``None``: all.
        fresh: begin again where part of a run is done.
    """

    gallery: Path
    model: str
    out: Path
    settings: Settings = field(default_factory=Settings)
    schedule: Schedule = field(default_factory=Schedule)
    device: str = "auto"
    light_weights: Path | None = None
    pretrained: bool = True
    light_preprocessing: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = DEFAULT
    at_most: int | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of a run.

    Attributes:
        path: the query model.
        log: one JSON line per step and per epoch.
        plot: of the losses and of what was measured; ``None`` without matplotlib.
        example: a photo that was held out (``os.fsencode``).
        record: what the query model says about its training.
    """

    path: Path
    log: Path
    plot: Path | None
    example: bytes
    record: dict[str, Any]


def train(job: Job, reporter: Reporter, stop: threading.Event) -> Trained | None:
    """Train a query model; ``None`` if ``stop`` ended it, and the same job goes on from there.

    Raises:
        TrainingError: too few photos, a loss that is no number, another run in the folder.
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
    light = LargeMap(backbone) if job.settings.symmetric else _light(job, reporter)
    return _trained(job, photos, local, backbone, light, reporter, stop)


def _light(job: Job, reporter: Reporter) -> LightEncoder:
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


def _trained(
    job: Job,
    photos: TrainingPhotos,
    local: LocalFeatures | None,
    backbone: Backbone,
    light: LightEncoder | LargeMap,
    reporter: Reporter,
    stop: threading.Event,
) -> Trained | None:
    settings, device = job.settings, backbone.place.device
    reader = SentenceReader(backbone, settings.template, settings.tokens)
    config = _mapper_config(settings, light.channels, reader.width)
    mapper: Any = build_mapper(config)
    network = QueryNetwork(light, mapper.scale_(reader.mean_norm)).to(device)
    decided = recipe(job, backbone.space, photos)
    folder = RunFolder(job.out.with_suffix(".run"), decided, fresh=job.fresh)
    runs = [folder]
    with (
        folder.held(),
        out_of_memory_told(settings.batch, job.schedule.accumulate),
        Pictures(
            photos,
            light.prepare,
            job.augmentation,
            size=light.size,
            batch_size=settings.batch,
            seed=settings.seed,
            reporter=reporter,
        ) as pictures,
    ):

        def learned(task: Task, epochs: int, run: RunFolder) -> Loop | None:
            schedule = replace(job.schedule, epochs=epochs)
            images = min(settings.batch, len(photos.train))
            loop = Loop(task, schedule, run, device, reporter, seed=settings.seed, batch=images)
            return loop if loop.run(stop) else None

        if settings.distil_epochs and isinstance(light, LightEncoder) and local is not None:
            reporter.note("first the light encoder learns to see what the large one saw")
            seer = Seer(light, backbone.space.dim).to(device)
            seeing = DistilTask(photos, pictures, seer, local, settings, device)
            runs.insert(0, RunFolder(folder.folder / "light", decided, fresh=job.fresh))
            if learned(seeing, settings.distil_epochs, runs[0]) is None:
                return None
        task = IsaTask(photos, pictures, network, reader, local, settings, device)
        loop = learned(task, job.schedule.epochs, folder)
        if loop is None:
            return None
        record = decided | results(loop.progress, photos, loop.images_per_step)
        kept = None if isinstance(light, LargeMap) else light
        header = Header(
            backbone.space,
            config,
            kept.config if kept else None,
            settings.template.as_dict(),
            record,
            symmetric=settings.symmetric,
        )
        save(job.out, header, mapper=mapper, light=kept, half=True)
        plot = plot_run(folder.records(), job.out.with_suffix(".png"), reporter)
        for each in runs:  # the whole run's own last: until then it can go on
            each.finish()
    example = photos.paths[photos.held_out[0]]
    return Trained(job.out, folder.log_file, plot, example, record)


def _mapper_config(settings: Settings, channels: int, width: int) -> MapperConfig:
    """Return the mapper between C channels and word embeddings of E numbers."""
    return MapperConfig(
        kind=settings.mapper,
        channels=channels,
        out=width,
        tokens=settings.tokens,
        width=settings.width,
        blocks=settings.blocks,
        heads=settings.heads,
        fixed_length=settings.fixed_length,
    )


def _local_features(
    job: Job,
    photos: TrainingPhotos,
    files: ModelFiles,
    reporter: Reporter,
    stop: threading.Event,
) -> tuple[LocalFeatures, TrainingPhotos]:
    """Return the large encoder's local features, computed where they are missing, and the photos.

    Photos that can't be opened any more are left out.
    """
    features = LocalFeatures.open(job.gallery, files.space, job.settings.grid)
    if not len(unknown(features, photos)):
        return features, photos
    reporter.note("computing the large encoder's local features, once for every photo")
    backbone = load_backbone(files, device=job.device, parts={"image"}, reporter=reporter)
    left = fill(features, photos, backbone, reporter, stop)
    return features, photos if stop.is_set() else photos.without(left)

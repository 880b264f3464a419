"""The whole of ``isa train compose`` below the command line: a query model learns to compose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from isa_cli.encoders import load_backbone, locate
from isa_cli.errors import SpaceMismatch
from isa_cli.gallery.gallery import Gallery
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import is_half, load, save
from isa_cli.query.header import TWO_STAGE, AdaptersConfig
from isa_cli.query.hooks import check_layers, layers_of, state_width
from isa_cli.query.image2sentence import image_to_sentence
from isa_cli.query.reading import reader_of
from isa_cli.training.compose_job import Composed, ComposeJob
from isa_cli.training.data.negatives import HardNegatives, RandomNegatives
from isa_cli.training.data.sentences import sentences_of
from isa_cli.training.data.triplet_photos import TripletPhotos
from isa_cli.training.engine.loop import Loop
from isa_cli.training.engine.out_of_memory import out_of_memory_told
from isa_cli.training.engine.plot import plot_run
from isa_cli.training.engine.record import (
    STAGE_I,
    composing_recipe,
    composing_results,
    earlier,
    weakness,
)
from isa_cli.training.engine.run_folder import RunFolder
from isa_cli.training.tasks.compose import ComposeTask

if TYPE_CHECKING:
    import threading

    from isa_cli.encoders import Backbone
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.reporting import Reporter
    from isa_cli.training.data.sentences import Sentences
    from isa_cli.training.tasks.compose import ComposeSettings


__all__ = ["ComposeJob", "Composed", "compose"]


def compose(job: ComposeJob, reporter: Reporter, stop: threading.Event) -> Composed | None:
    """Train composing adapters; ``None`` if ``stop`` ended it, and the same job goes on from there.

    Raises:
        TrainingError: too few triplets, pictures that the gallery lacks, a loss that is no number,
            another run in the folder.
        UsageError: the file is not one of triplets, or the text tower has no such layer.
        ModelError: the large model or the query model can't be had.
        SpaceMismatch: one of them is not the gallery's.
        GalleryMissing: there is no gallery.
    """
    with Gallery.open(job.gallery, reporter=reporter) as gallery:
        model = load(job.start, gallery.space)
        photos = TripletPhotos.of(
            gallery, job.triplets, at_most=job.at_most, seed=job.settings.seed, reporter=reporter
        )
        files = locate(job.model, reporter)
        if files.space != gallery.space:
            raise SpaceMismatch(gallery.space, files.space)
        backbone = load_backbone(
            files,
            device=job.device,
            precision="fp32",
            parts=model.header.parts,
            reporter=reporter,
        )
        sentences = sentences_of(
            image_to_sentence(model, backbone),
            [photos.paths[row] for row in np.unique(photos.references).tolist()],
            features=model.injection is not None,
            reporter=reporter,
            stop=stop,
        )
        if sentences is None:
            return None
        return _composed(job, gallery, model, photos, backbone, sentences, reporter, stop)


def _composed(
    job: ComposeJob,
    gallery: Gallery,
    model: QueryModel,
    photos: TripletPhotos,
    backbone: Backbone,
    sentences: Sentences,
    reporter: Reporter,
    stop: threading.Event,
) -> Composed | None:
    settings, device = job.settings, backbone.place.device
    torch.manual_seed(settings.seed)
    adapters = Adapters(_adapters_config(settings, backbone)).to(device)
    if model.injection is not None:
        model.injection.requires_grad_(requires_grad=False)
    reader = reader_of(replace(model, adapters=adapters), backbone, TWO_STAGE, reporter)
    decided = composing_recipe(job, model, photos, adapters.config)
    folder = RunFolder(job.out.with_suffix(".compose.run"), decided, fresh=job.fresh)
    with folder.held(), out_of_memory_told(settings.batch, job.schedule.accumulate):
        negatives = HardNegatives(
            gallery,
            photos,
            folder.folder,
            count=settings.hard_negatives,
            too_like=settings.too_like,
        )
        task = ComposeTask(
            photos,
            sentences,
            reader,
            adapters,
            negatives if settings.hard_negatives else None,
            _memory(gallery, photos, settings),
            settings,
            device,
        )
        untrained = dict(task.measure())  # adapters that have learned nothing change nothing
        if folder.load_state() is None:
            negatives.clear()
            folder.rewind(-1)
            folder.log({"step": 0, "epoch": 0} | untrained)
        size = photos.batch_size(settings.batch)
        loop = Loop(task, job.schedule, folder, device, reporter, seed=settings.seed, batch=size)
        loop.stand_against(untrained)
        if not loop.run(stop):
            return None
        record = decided | composing_results(loop.progress, photos, untrained, loop.images_per_step)
        if (weak := weakness(record)) is not None:
            reporter.warn(weak)
        record |= earlier(model.header, STAGE_I)
        header = replace(model.header, adapters=adapters.config, training=record)
        save(
            job.out,
            header,
            mapper=model.mapper,
            light=model.light,
            injection=model.injection,
            adapters=adapters,
            half=is_half(job.start),
        )
        plot = plot_run(folder.records(), job.out.with_suffix(".compose.png"), reporter)
        negatives.clear()
        folder.finish()
    question = photos.questions[photos.held_out[0]]
    example = photos.paths[int(photos.references[question])]
    words = photos.modifiers[question]
    return Composed(job.out, folder.log_file, plot, example, words, record)


def _memory(
    gallery: Gallery, photos: TripletPhotos, settings: ComposeSettings
) -> RandomNegatives | None:
    if not settings.memory:
        return None
    return RandomNegatives(gallery, photos, count=settings.memory, seed=settings.seed)


def _adapters_config(settings: ComposeSettings, backbone: Backbone) -> AdaptersConfig:
    tower = getattr(backbone.network, "text", backbone.network)
    count = len(layers_of(tower))
    check_layers(settings.layers, count, first=0)
    layers = tuple(sorted(set(settings.layers))) or tuple(range(count + 1))
    return AdaptersConfig(layers, state_width(tower), settings.bottleneck)

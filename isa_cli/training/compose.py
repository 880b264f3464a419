"""The whole of ``isa train compose`` below the command line: a query model learns to compose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isa_cli.errors import SpaceMismatch
from isa_cli.gallery.gallery import Gallery
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import is_half, load, save
from isa_cli.query.header import TWO_STAGE, AdaptersConfig
from isa_cli.query.hooks import check_layers, layers_of, state_width
from isa_cli.query.image2sentence import image_to_sentence
from isa_cli.query.reading import reader_of
from isa_cli.training.data.negatives import HardNegatives, RandomNegatives
from isa_cli.training.data.sentences import sentences_of
from isa_cli.training.data.triplet_photos import TripletPhotos
from isa_cli.training.engine.loop import Loop
from isa_cli.training.engine.out_of_memory import out_of_memory_told
from isa_cli.training.engine.plot import plot_run
from isa_cli.training.engine.run_folder import RunFolder
from isa_cli.training.record import (
    STAGE_I,
    composing_recipe,
    composing_results,
    earlier,
    weakness,
)
from isa_cli.training.runs import Composed
from isa_cli.training.tasks.compose import ComposeTask, standard_error

if TYPE_CHECKING:
    import threading

    from isa_cli.encoders import Backbone
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.reporting import Reporter
    from isa_cli.training.config import ComposeConfig
    from isa_cli.training.data.sentences import Sentences
    from isa_cli.training.runs import ComposeRun
    from isa_cli.training.tasks.compose import Likelihoods


def compose(run: ComposeRun, reporter: Reporter, stop: threading.Event) -> Composed | None:
    """Train composing adapters; ``None`` if ``stop`` ended it, and the same run goes on from there.

    Raises:
        TrainingError: too few triplets, pictures that the gallery lacks, a loss that is no number,
            another run in the folder.
        UsageError: the file is not one of triplets, or the text tower has no such layer.
        ModelError: the large model or the query model can't be had.
        SpaceMismatch: one of them is not the gallery's.
        GalleryMissing: there is no gallery.
    """
    with Gallery.open(run.gallery, reporter=reporter) as gallery:
        model = load(run.start, gallery.space)
        photos = TripletPhotos.of(
            gallery, run.triplets, at_most=run.at_most, seed=run.config.seed, reporter=reporter
        )
        if run.foundation.space != gallery.space:
            raise SpaceMismatch(gallery.space, run.foundation.space)
        backbone = run.foundation.anew(precision="fp32").clip(model.header.parts)
        sentences = sentences_of(
            image_to_sentence(model, backbone),
            [photos.paths[row] for row in np.unique(photos.references).tolist()],
            features=model.injection is not None,
            reporter=reporter,
            stop=stop,
        )
        if sentences is None:
            return None
        return Composing(run, gallery, photos, sentences, backbone, model, reporter, stop).run()


class Composing:
    """Adapters that learn, and a query model that else stays as it is.

    What is drawn by chance here follows torch's seed, so the order in which parts are made counts.

    Args:
        run: what is asked for.
        gallery: open, for negatives.
        photos: the triplets to learn from.
        sentences: of their references.
        backbone: the large model, loaded with its text part.
        model: the query model to build on.
        reporter: told how it goes.
        stop: when set, the step under way is finished and saved, and that is it.

    Raises:
        UsageError: an adapter at a layer that the text tower does not have.
        TrainingError: the run's folder holds another run, or can't be written to.
    """

    def __init__(
        self,
        run: ComposeRun,
        gallery: Gallery,
        photos: TripletPhotos,
        sentences: Sentences,
        backbone: Backbone,
        model: QueryModel,
        reporter: Reporter,
        stop: threading.Event,
    ) -> None:
        config = run.config
        self._run = run
        self._photos = photos
        self._gallery = gallery
        self._sentences = sentences
        self._model = model
        self._reporter = reporter
        self._stop = stop
        self._device = backbone.place.device
        torch.manual_seed(config.seed)
        self._adapters = Adapters(_adapters_config(config, backbone)).to(self._device)
        if model.injection is not None:
            model.injection.requires_grad_(requires_grad=False)
        adapted = replace(model, adapters=self._adapters)
        self._reader = reader_of(adapted, backbone, TWO_STAGE, reporter)
        self._recipe = composing_recipe(run, model, photos, self._adapters.config)
        self._folder = RunFolder(run.out.with_suffix(".compose.run"), self._recipe, fresh=run.fresh)

    def run(self) -> Composed | None:
        """Train, and write the query model; ``None`` if ``stop`` ended it."""
        run, photos = self._run, self._photos
        with self._folder.held(), out_of_memory_told(run.config.batch, run.schedule.accumulate):
            mined = self._mining()
            task = self._composing(mined)
            untrained = dict(task.measure())  # adapters that have learned nothing change nothing
            likelihoods = task.likelihoods
            if self._folder.load_state() is None:
                mined.clear()
                self._folder.rewind(-1)
                self._folder.log({"step": 0, "epoch": 0} | untrained)
            loop = self._learned(task, untrained, likelihoods)
            if loop is None:
                return None
            record = self._recipe | composing_results(
                loop.progress, photos, untrained, loop.images_per_step
            )
            if (weak := weakness(record)) is not None:
                self._reporter.warn(weak)
            record |= earlier(self._model.header, STAGE_I)
            self._write(record)
            picture = run.out.with_suffix(".compose.png")
            plot = plot_run(self._folder.records(), picture, self._reporter)
            mined.clear()
            self._folder.finish()
        question = photos.questions[photos.held_out[0]]
        example = photos.paths[int(photos.references[question])]
        words = photos.modifiers[question]
        return Composed(run.out, self._folder.log_file, plot, example, words, record)

    def _mining(self) -> HardNegatives:
        """Return where each epoch's hard negatives come from."""
        config = self._run.config
        return HardNegatives(
            self._gallery,
            self._photos,
            self._folder.folder,
            count=config.hard_negatives,
            too_like=config.too_like,
        )

    def _composing(self, mined: HardNegatives) -> ComposeTask:
        """Return how the adapters learn."""
        config, memory = self._run.config, None
        if config.memory:
            memory = RandomNegatives(
                self._gallery, self._photos, count=config.memory, seed=config.seed
            )
        return ComposeTask(
            self._photos,
            self._sentences,
            self._reader,
            self._adapters,
            mined if config.hard_negatives else None,
            memory,
            config,
            self._device,
        )

    def _learned(
        self, task: ComposeTask, untrained: dict[str, float], likelihoods: Likelihoods
    ) -> Loop | None:
        """Return the loop of a task that has come to its end; ``None`` if ``stop`` ended it.

        What is kept has to measure better than ``untrained`` by more than a standard error over
        the held-out questions: of states within it the simplest is chosen (Breiman et al., 1984,
        section 3.4.3), which is the one that changes nothing.  The error is that of each
        question's gain over its own ``likelihoods``, as easy and hard ones differ more (ours).
        """
        config = self._run.config
        loop = Loop(
            task,
            self._run.schedule,
            self._folder,
            self._device,
            self._reporter,
            seed=config.seed,
            batch=self._photos.batch_size(config.batch),
        )
        loop.stand_against(untrained, lambda: standard_error(task.likelihoods - likelihoods))
        return loop if loop.run(self._stop) else None

    def _write(self, record: dict[str, Any]) -> None:
        """Write the query model."""
        model = self._model
        save(
            self._run.out,
            replace(model.header, adapters=self._adapters.config, training=record),
            mapper=model.mapper,
            light=model.light,
            injection=model.injection,
            adapters=self._adapters,
            half=is_half(self._run.start),
        )


def _adapters_config(config: ComposeConfig, backbone: Backbone) -> AdaptersConfig:
    """Return the adapters of a text tower, without their weights.

    Raises:
        UsageError: the tower has no such layer.
    """
    tower = getattr(backbone.network, "text", backbone.network)
    count = len(layers_of(tower))
    check_layers(config.layers, count, first=0)
    layers = tuple(sorted(set(config.layers))) or tuple(range(count + 1))
    return AdaptersConfig(layers, state_width(tower), config.bottleneck)

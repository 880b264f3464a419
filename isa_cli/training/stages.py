"""One run of ``isa train``: the stages it goes through, and the file that comes of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from isa_cli.encoders.light import LightEncoder
from isa_cli.query.checkpoint import Header, MapperConfig, is_half, save
from isa_cli.query.header import InjectionConfig
from isa_cli.query.hooks import check_layers, layers_of, state_width
from isa_cli.query.image2sentence import QueryNetwork
from isa_cli.query.injection import Injection
from isa_cli.query.mappers import build_mapper
from isa_cli.query.reading import SentenceReader
from isa_cli.training.data.phrases import phrase_features, phrases_record
from isa_cli.training.data.pictures import TrainingPictures
from isa_cli.training.defaults import defaults_for
from isa_cli.training.engine.loop import Loop
from isa_cli.training.engine.out_of_memory import out_of_memory_told
from isa_cli.training.engine.plot import plot_run
from isa_cli.training.engine.run_folder import RunFolder
from isa_cli.training.record import ISA, earlier, recipe, results
from isa_cli.training.runs import Trained
from isa_cli.training.tasks.distil import DistilTask, Seer
from isa_cli.training.tasks.isa import IsaTask

if TYPE_CHECKING:
    import threading

    from isa_cli.encoders import Backbone
    from isa_cli.gallery.patch_features import PatchFeatures
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.reporting import Reporter
    from isa_cli.training.config import IsaConfig
    from isa_cli.training.data.photos import TrainingPhotos
    from isa_cli.training.engine.loop import Task
    from isa_cli.training.runs import IsaRun
    from isa_cli.training.symmetric import LargeMap


class Stages:
    """A light encoder that learns to see, if it must, and a mapper that learns to write.

    What is drawn by chance here follows torch's seed, so the order in which parts are made counts.

    Args:
        run: what is asked for.
        photos: to learn from.
        patches: the large encoder's patch features of them, where they are needed.
        backbone: the large model, loaded with its text part.
        light: the encoder that looks at the photos.
        start: the query model that it is of, whose mapper stays as it is too; ``None``: all is
            learned.
        reporter: told how it goes.
        stop: when set, the step under way is finished and saved, and that is it.

    Raises:
        UsageError: an injection into a layer that the text tower does not have.
        TrainingError: the run's folder holds another run, or can't be written to.
    """

    def __init__(
        self,
        run: IsaRun,
        photos: TrainingPhotos,
        patches: PatchFeatures | None,
        backbone: Backbone,
        light: LightEncoder | LargeMap,
        start: QueryModel | None,
        reporter: Reporter,
        stop: threading.Event,
    ) -> None:
        config = run.config
        self._run = run
        self._photos = photos
        self._patches = patches
        self._backbone = backbone
        self._light = light
        self._start = start
        self._reporter = reporter
        self._stop = stop
        self._device = backbone.place.device
        injection = _injection(config, light.channels, backbone, added=start is not None)
        self._reader = SentenceReader(backbone, config.template, config.tokens, injection=injection)
        self._mapper_config = _mapper_config(config, light.channels, self._reader.width)
        mapper: Any = start.mapper if start else build_mapper(self._mapper_config)
        if start is None:
            mapper.scale_(self._reader.mean_norm)
        self._network = QueryNetwork(light, mapper, injection).to(self._device)
        if start is not None:
            self._network.freeze(mapper)
        self._phrases = _phrases(run)
        self._recipe = recipe(run, backbone.space, photos) | phrases_record(self._phrases)
        self._folder = RunFolder(run.out.with_suffix(".run"), self._recipe, fresh=run.fresh)

    def run(self) -> Trained | None:
        """Train, and write the query model; ``None`` if ``stop`` ended it."""
        run, folders = self._run, [self._folder]
        with ExitStack() as held:
            held.enter_context(self._folder.held())
            held.enter_context(out_of_memory_told(run.config.batch, run.schedule.accumulate))
            pictures = held.enter_context(self._pictures())
            if seeing := self._seeing(pictures):
                self._reporter.note("first the light encoder learns to see what the large one saw")
                folders.insert(0, self._light_folder())
                if self._learned(seeing, run.config.distil_epochs, folders[0]) is None:
                    return None
            loop = self._learned(self._mapping(pictures), run.schedule.epochs, self._folder)
            if loop is None:
                return None
            record = self._recipe | results(loop.progress, self._photos, loop.images_per_step)
            record |= earlier(self._start.header, ISA) if self._start else {}
            self._write(record)
            plot = plot_run(self._folder.records(), run.out.with_suffix(".png"), self._reporter)
            for folder in folders:  # the whole run's own last: until then it can go on
                folder.finish()
        example = self._photos.paths[self._photos.held_out[0]]
        return Trained(run.out, self._folder.log_file, plot, example, record)

    def _pictures(self) -> TrainingPictures:
        return TrainingPictures(
            self._photos,
            self._light.prepare,
            self._run.augmentation,
            size=self._light.size,
            batch_size=self._run.config.batch,
            seed=self._run.config.seed,
            reporter=self._reporter,
        )

    # --- the stages ------------------------------------------------------------------------------

    def _seeing(self, pictures: TrainingPictures) -> Task | None:
        """Return how the light encoder alone learns, if it does."""
        config, light = self._run.config, self._light
        if not config.distil_epochs or self._patches is None or not isinstance(light, LightEncoder):
            return None
        seer = Seer(light, self._backbone.space.dim).to(self._device)
        return DistilTask(self._photos, pictures, seer, self._patches, config, self._device)

    def _light_folder(self) -> RunFolder:
        return RunFolder(self._folder.folder / "light", self._recipe, fresh=self._run.fresh)

    def _mapping(self, pictures: TrainingPictures) -> Task:
        """Return how the mapper learns."""
        config, phrases = self._run.config, None
        if self._phrases:
            self._reporter.note(f"reading {len(self._phrases):,} phrases to align with, once")
            phrases = phrase_features(
                self._backbone,
                self._phrases,
                config.template,
                config.soft_temperature,
                self._reporter,
            )
        return IsaTask(
            self._photos,
            pictures,
            self._network,
            self._reader,
            self._patches,
            config,
            self._device,
            phrases,
        )

    def _learned(self, task: Task, epochs: int, folder: RunFolder) -> Loop | None:
        """Return the loop of a task that has come to its end; ``None`` if ``stop`` ended it."""
        seed, batch = self._run.config.seed, self._run.config.batch
        loop = Loop(
            task,
            replace(self._run.schedule, epochs=epochs),
            folder,
            self._device,
            self._reporter,
            seed=seed,
            batch=min(batch, len(self._photos.train)),
        )
        return loop if loop.run(self._stop) else None

    def _write(self, record: dict[str, Any]) -> None:
        """Write the query model."""
        config, network = self._run.config, self._network
        light = self._light if isinstance(self._light, LightEncoder) else None
        header = Header(
            self._backbone.space,
            self._mapper_config,
            light.config if light else None,
            config.template.as_dict(),
            record,
            symmetric=config.symmetric,
            injection=network.injection.config if network.injection else None,
        )
        save(
            self._run.out,
            header,
            mapper=network.mapper,
            light=light,
            injection=network.injection,
            half=self._run.start is None or is_half(self._run.start),
        )


def _mapper_config(config: IsaConfig, channels: int, width: int) -> MapperConfig:
    """Return the mapper between C channels and word embeddings of E numbers."""
    return MapperConfig(
        kind=config.mapper,
        channels=channels,
        out=width,
        tokens=config.tokens,
        width=config.width,
        blocks=config.blocks,
        heads=config.heads,
        fixed_length=config.fixed_length,
    )


def _injection(
    config: IsaConfig, channels: int, backbone: Backbone, *, added: bool
) -> Injection | None:
    """Return an untrained injection: the sentence looks at C channels again within the tower."""
    layers = tuple(sorted(set(config.injection)))
    if not layers:
        return None
    tower = getattr(backbone.network, "text", backbone.network)
    check_layers(layers, len(layers_of(tower)))
    described = InjectionConfig(layers, channels, state_width(tower), added=added)
    with torch.random.fork_rng(devices=[]):  # the mapper begins as it does without an injection
        return Injection(described)


def _phrases(run: IsaRun) -> tuple[str, ...]:
    """Return the phrases that sentences are aligned with; (): none."""
    if not run.config.soft_weight:
        return ()
    return run.phrases or defaults_for(run.foundation.name).phrases(run.config.seed)

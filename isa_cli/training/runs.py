"""What a run is given, made of what a person said, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isa_cli.errors import UsageError
from isa_cli.gallery.gallery import Gallery
from isa_cli.paths import absolute
from isa_cli.query.lookup import query_file
from isa_cli.query.prompt import Template
from isa_cli.training.config import ComposeConfig, IsaConfig
from isa_cli.training.data.augment import DEFAULT, Augmentation
from isa_cli.training.data.phrases import read_phrases
from isa_cli.training.defaults import Defaults, defaults_for
from isa_cli.training.engine.schedule import Schedule
from isa_cli.training.options import DISTIL_EPOCHS, ComposeOptions, MapOptions, TrainOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TypeVar

    from isa_cli.encoders.foundation import Foundation

    Value = TypeVar("Value")

COMPOSING = Schedule(epochs=ComposeOptions.epochs, lr=ComposeOptions.lr, patience=0)
"""Over triplets."""

PREPROCESSING = {"mean", "std", "interpolation", "crop_pct", "crop_mode"}
"""Those of timm's options that say how a picture is prepared."""


# --- a light encoder and a mapper: ISA, and stage I of two --------------------------------------


@dataclass(frozen=True, slots=True)
class IsaRun:
    """What is trained, on what, and where it goes.

    Attributes:
        gallery: whose photos and vectors are used.
        foundation: the gallery's model; on its device it learns, in ``schedule.precision``.
        out: the query model's file; its run folder lies beside it.
        config, schedule: how.
        start: a query model whose light encoder, mapper and template stay as they are, and which
            the injection of ``config`` is added to; ``None``: all is learned.
        light_weights: a local file, timm's or a query model with such a light encoder; ``None``:
            timm's own, or none if not ``pretrained``.
        pretrained: fetch timm's weights of the light encoder.
        light_preprocessing: where it differs from timm's own.
        augmentation: what happens to a photo before it is learned from.
        phrases: for soft text alignment; (): those that suit the model.
        at_most: photos; ``None``: all.
        fresh: begin again where part of a run is done.
    """

    gallery: Path
    foundation: Foundation
    out: Path
    config: IsaConfig = field(default_factory=IsaConfig)
    schedule: Schedule = field(default_factory=Schedule)
    start: Path | None = None
    light_weights: Path | None = None
    pretrained: bool = True
    light_preprocessing: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = DEFAULT
    phrases: tuple[str, ...] = ()
    at_most: int | None = None
    fresh: bool = False

    @classmethod
    def of(cls, options: TrainOptions, gallery: Path, foundation: Foundation, out: Path) -> IsaRun:
        """Return the run that options ask for; ``MapOptions`` make it stage I of two.

        Args:
            options: what was said; what was not is what suits the model.
            gallery: whose photos are learned from; it need not be there yet.
            foundation: its model.
            out: the query model's file, see ``options.query_model_path``.

        Raises:
            UsageError: what can't be trained with: a number, a precision, a file of phrases.
        """
        usual = defaults_for(foundation.name)
        stage_one = options if isinstance(options, MapOptions) else MapOptions()
        preprocessing, _ = _light_options(options)
        named = options.light is not None or options.light_weights is not None
        weights = None if named or options.scratch else usual.light_weights
        phrases = stage_one.soft_text
        return cls(
            gallery=gallery,
            foundation=foundation,
            out=out,
            config=_isa_config(options, usual),
            schedule=Schedule(
                epochs=options.epochs or usual.epochs,
                lr=options.lr,
                accumulate=options.accumulate,
                precision=_precision(foundation),
            ),
            start=_file(stage_one.start),
            light_weights=_file(options.light_weights) or weights,
            pretrained=not options.scratch,
            light_preprocessing=preprocessing,
            augmentation=usual.augmentation,
            phrases=() if phrases is None else read_phrases(absolute(str(phrases))),
            at_most=options.limit,
            fresh=options.fresh,
        )


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


def _isa_config(options: TrainOptions, usual: Defaults) -> IsaConfig:
    """Return the config of a run: what was said, else what suits the model."""
    mapping = options if isinstance(options, MapOptions) else None
    named_light = options.light is not None or options.light_size is not None
    light_rate = 0.0 if options.scratch else usual.light_rate
    return IsaConfig(
        light=options.light or usual.light,
        light_size=options.light_size if named_light else usual.light_size,
        symmetric=options.symmetric,
        light_options=_light_options(options)[1],
        mapper=options.mapper,
        tokens=options.tokens,
        template=Template(
            options.prompt or usual.template.plain, options.query_prompt or usual.template.modified
        ),
        batch=options.batch_size,
        local_weight=options.local_weight,
        light_rate=_given(options.light_rate, light_rate),
        distil_epochs=_given(options.distil_epochs, DISTIL_EPOCHS if options.scratch else 0),
        injection=mapping.vsi if mapping else (),
        soft_weight=_given(mapping.soft_weight, usual.soft_weight) if mapping else 0.0,
        seed=options.seed,
    )


def _light_options(options: TrainOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the changes of the light encoder's preprocessing, and timm's other options."""
    extra = dict(options.light_options or {})
    preprocessing = {name: extra.pop(name) for name in PREPROCESSING & extra.keys()}
    return preprocessing, extra


# --- adapters: stage II of two ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ComposeRun:
    """What is trained, on what, and where it goes.

    Attributes:
        gallery: that has the triplets' pictures, and more of them for hard negatives.
        foundation: the gallery's model; on its device it learns, in ``schedule.precision``.
        triplets: the file.
        out: the query model's file, which may be ``start``; its run folder lies beside it.
        start: the query model to build on; adapters that it has are made anew.
        config, schedule: how.
        at_most: triplets; ``None``: all.
        fresh: begin again where part of a run is done.
    """

    gallery: Path
    foundation: Foundation
    triplets: Path
    out: Path
    start: Path
    config: ComposeConfig = field(default_factory=ComposeConfig)
    schedule: Schedule = COMPOSING
    at_most: int | None = None
    fresh: bool = False

    @classmethod
    def of(
        cls,
        options: ComposeOptions,
        triplets: Path,
        gallery: Path,
        foundation: Foundation,
        out: Path,
    ) -> ComposeRun:
        """Return the run that options ask for.

        Args:
            options: what was said.
            triplets: the file.
            gallery: that has their pictures.
            foundation: its model.
            out: the query model's file, see ``options.query_model_path``.

        Raises:
            UsageError: what can't be trained with, or there is no query model to build on.
            GalleryMissing: there is no gallery.
        """
        return cls(
            gallery=gallery,
            foundation=foundation,
            triplets=triplets,
            out=out,
            start=_file(options.start) or _query_model_of(gallery),
            config=ComposeConfig(
                layers=options.adapters,
                bottleneck=options.bottleneck,
                hard_negatives=options.hard_negatives,
                memory=options.memory,
                batch=options.batch_size,
                seed=options.seed,
            ),
            schedule=Schedule(
                epochs=options.epochs,
                lr=options.lr,
                patience=COMPOSING.patience,
                precision=_precision(foundation),
            ),
            at_most=options.limit,
            fresh=options.fresh,
        )


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of a run.

    Attributes:
        path: the query model.
        log: one JSON line per step and per epoch; epoch 0 is what was there before.
        plot: of the loss and of what was measured; ``None`` without matplotlib.
        example: a reference that was held out (``os.fsencode``), and
        modifier: words asked with it.
        record: what the query model says about its training.
    """

    path: Path
    log: Path
    plot: Path | None
    example: bytes
    modifier: str
    record: dict[str, Any]


def _query_model_of(folder: Path) -> Path:
    """Return the query model of a gallery, its own or the bundled one.

    Raises:
        UsageError: there is none.
    """
    with Gallery.open(folder) as gallery:
        found = query_file(folder, gallery.space)
    if found is None:
        raise UsageError(
            f"the gallery {folder} has no query model to build on",
            "isa train map makes one, or name one: --from query.safetensors",
        )
    return found.path


# --- both ---------------------------------------------------------------------------------------


def _precision(foundation: Foundation) -> str:
    """Return the precision to train in.

    Raises:
        UsageError: it is too coarse, or there is none of that name.
    """
    chosen = foundation.place.precision
    if chosen == "fp16":
        raise UsageError("fp16 is too coarse for gradients", "train with --precision bf16, or fp32")
    return chosen


def _file(name: str | Path | None) -> Path | None:
    return None if name is None else absolute(str(name))


def _given(value: Value | None, usual: Value) -> Value:
    return usual if value is None else value

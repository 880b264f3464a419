"""From the flags of a training command to the job: what can be known to be wrong comes first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.cli import options
from isa_cli.cli.options import existing_file
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.train_options import RunFlags, TrainFlags
    from isa_cli.cli.train_photos import Source
    from isa_cli.cli.train_stage_one import StageOne
    from isa_cli.config import Settings
    from isa_cli.training.config import Defaults, Job
    from isa_cli.training.config import Settings as How

FAREWELL = "isa: stopping; what is under way is finished and saved (again to stop at once)"
STOPPED = "isa: stopped; the same command goes on from here"

PREPROCESSING = {"mean", "std", "interpolation", "crop_pct", "crop_mode"}


@dataclass(frozen=True, slots=True)
class Request:
    """A command line that makes sense as far as it can be told without a gallery.

    Attributes:
        flags: as given.
        settings: the settings in force.
        out: where the query model goes; ``None``: into the gallery.
        light_weights: an existing file.
        preprocessing: of the light encoder, where it differs from timm's own, and
        extra: what goes to timm besides.
        stage_one: more losses and parts; ``None``: ISA alone.
    """

    flags: TrainFlags
    settings: Settings
    out: Path | None
    light_weights: Path | None
    preprocessing: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    stage_one: StageOne | None = None

    @classmethod
    def of(cls, flags: TrainFlags, stage_one: StageOne | None = None) -> Request:
        """Return what flags ask for.

        Raises:
            UsageError: a file that is not there, options that can't be read.
        """
        settings = settings_of(flags)
        weights = flags.light_weights
        return cls(
            flags,
            settings,
            target(flags.out),
            None if weights is None else existing_file("--light-weights", weights),
            *_light_options(flags.light_options),
            stage_one,
        )

    def job(self, source: Source) -> Job:
        """Return the job for the photos of a source.

        Raises:
            UsageError: settings that can't be trained with.
        """
        from isa_cli.training.config import Job, defaults_for
        from isa_cli.training.engine.schedule import Schedule

        flags, usual = self.flags, defaults_for(source.model)
        own = flags.light is None and self.light_weights is None and not flags.scratch
        return Job(
            gallery=source.gallery,
            model=source.model,
            out=source.out,
            settings=self._how(usual),
            schedule=Schedule(
                epochs=flags.epochs or usual.epochs,
                lr=flags.lr,
                accumulate=flags.accumulate,
                precision=precision(self.settings),
            ),
            start=self.stage_one.start if self.stage_one else None,
            device=self.settings.device,
            light_weights=usual.light_weights if own else self.light_weights,
            pretrained=not flags.scratch,
            light_preprocessing=self.preprocessing,
            augmentation=usual.augmentation,
            phrases=self.stage_one.phrases if self.stage_one else (),
            at_most=flags.limit,
            fresh=flags.fresh,
        )

    def _how(self, usual: Defaults) -> How:
        """Return the settings of the run: the flags', else what suits the model."""
        from isa_cli.query.prompt import Template
        from isa_cli.training.config import DISTIL_EPOCHS
        from isa_cli.training.config import Settings as How

        flags, two = self.flags, self.stage_one
        light_rate = 0.0 if flags.scratch else usual.light_rate
        distil_epochs = DISTIL_EPOCHS if flags.scratch else 0
        soft_weight = usual.soft_weight if two else 0.0
        return How(
            light=flags.light or usual.light,
            light_size=flags.light_size if flags.light or flags.light_size else usual.light_size,
            symmetric=flags.symmetric,
            light_options=self.extra,
            mapper=flags.mapper,
            tokens=flags.tokens,
            template=Template(
                flags.prompt or usual.template.plain, flags.query_prompt or usual.template.modified
            ),
            batch=flags.batch_size,
            local_weight=flags.local_weight,
            light_rate=_given(flags.light_rate, light_rate),
            distil_epochs=_given(flags.distil_epochs, distil_epochs),
            injection=two.layers if two else (),
            soft_weight=_given(two.soft_weight if two else None, soft_weight),
            seed=flags.seed,
        )


def _given(value: Any, usual: Any) -> Any:
    return usual if value is None else value


def settings_of(flags: RunFlags) -> Settings:
    """Return the settings in force.

    Raises:
        UsageError: an option is empty.
    """
    return options.settings(
        gallery=flags.gallery, model=flags.model, device=flags.device, precision=flags.precision
    )


def target(name: str | None) -> Path | None:
    """Return where the query model goes; beside it, run folder and plot have its name.

    Raises:
        UsageError: that is no name for one.
    """
    if name is None:
        return None
    path = absolute(name)
    if path.suffix != ".safetensors" or path.is_dir():
        raise UsageError(
            f"--out {wording.printable(name) or chr(39) * 2} is no name for a query model",
            "choose one that ends in .safetensors",
        )
    return path


def precision(settings: Settings) -> str:
    """Return the precision to train in.

    Raises:
        UsageError: it is too coarse, or none.
    """
    from isa_cli.encoders.devices import choose_place

    chosen = choose_place(settings.device, settings.precision).precision
    if chosen == "fp16":
        raise UsageError("fp16 is too coarse for gradients", "train with --precision bf16, or fp32")
    return chosen


def _light_options(text: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs in the preprocessing, and what goes to timm besides."""
    if text is None:
        return {}, {}
    import json

    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise UsageError(
            f"--light-options is no JSON object: {wording.printable(text)}",
            'write for example \'{"pad_type": "same"}\'',
        )
    preprocessing = {name: values.pop(name) for name in PREPROCESSING & values.keys()}
    return preprocessing, values

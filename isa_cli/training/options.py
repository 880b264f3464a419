"""What a person may say of a training run, and every number that holds where nothing is said.

Plain values, checked as far as they can be without a gallery.  ``training.runs`` makes runs of
them, the command line's flags take their defaults from here.  The standard library alone: a
command's help reads this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isa_cli import wording
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What suits a model decides these, see ``training.defaults``; for models that know photos:

EPOCHS = 10
"""Passes over the photos."""

LIGHT_RATE = 0.3
"""The light encoder's learning rate, as a share of the mapper's."""

SOFT_WEIGHT = 0.1
"""Weight of soft text alignment, where stage I of two is trained."""

PHRASES = 3_000
"""How many phrases come with isa for it."""

DISTIL_EPOCHS = 6
"""Passes in which a light encoder that begins from nothing learns to see; it then stays so."""


LEAST: dict[str, float] = {
    "light_size": 16,
    "tokens": 1,
    "distil_epochs": 0,
    "epochs": 1,
    "batch_size": 2,
    "accumulate": 1,
    "light_rate": 0.0,
    "local_weight": 0.0,
    "soft_weight": 0.0,
    "bottleneck": 1,
    "hard_negatives": 0,
    "memory": 0,
    "limit": 1,
    "seed": 0,
}
"""The lowest number that an option can be."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to learn to write a photo as words, from photos alone.

    Where a field is ``None``, what suits the gallery's model decides.

    Attributes:
        light: the light encoder, by timm's name.
        light_weights: a file of its weights, timm's or a query model with such a light encoder.
        light_options: for timm; ``mean``, ``std``, ``interpolation``, ``crop_pct`` and
            ``crop_mode`` are of its preprocessing.
        light_size: side of the pictures it reads, in pixels.
        scratch: begin with random weights of the light encoder.
        symmetric: the large encoder's own feature map instead of a light encoder, to compare.
        mapper: ``token-learner``, or ``mlp`` to compare.
        prompt: the text around a sentence, ``"a photo of {sentence}"``.
        query_prompt: the same with a modifier, ``"a photo of {sentence}, {modifier}"``.
        tokens: L, words in a picture's sentence [stated].
        distil_epochs: passes before, in which the light encoder learns what the large one sees;
            ``None``: ``DISTIL_EPOCHS`` with ``scratch``, else none.
        epochs: passes over the photos.
        batch_size: photos per step.
        accumulate: batches per step of the optimiser.
        light_rate: the light encoder's learning rate, as a share of ``lr``; 0: it stays as it is.
        local_weight: lambda, the weight of LAR; 0: without [ours].
        limit: photos at most; ``None``: all.
        lr: the highest learning rate.
        seed: decides all chance.
        fresh: begin again where part of a run is done.

    Raises:
        UsageError: a number is too low.
    """

    light: str | None = None
    light_weights: str | Path | None = None
    light_options: Mapping[str, Any] | None = None
    light_size: int | None = None
    scratch: bool = False
    symmetric: bool = False
    mapper: str = "token-learner"
    prompt: str | None = None
    query_prompt: str | None = None
    tokens: int = 6
    distil_epochs: int | None = None
    epochs: int | None = None
    batch_size: int = 64
    accumulate: int = 1
    light_rate: float | None = None
    local_weight: float = 0.1
    limit: int | None = None
    lr: float = 1e-3
    seed: int = 0
    fresh: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        _check_numbers(self)


@dataclass(frozen=True, kw_only=True)
class MapOptions(TrainOptions):
    """The same as stage I of two, closer to real words.

    Attributes:
        start: a query model of ISA to add ``vsi`` to, the rest of which stays as it is; ``None``:
            all is learned.
        vsi: layers of the text tower, counted from 1, in which the words look at the photo again.
        soft_text: a file of phrases to align with, one a line; ``None``: those that suit the
            model.
        soft_weight: of soft text alignment; 0: without; ``None``: what suits the model.

    Raises:
        UsageError: a number is too low, or one of them has no use beside another.
    """

    start: str | Path | None = None
    vsi: tuple[int, ...] = ()
    soft_text: str | Path | None = None
    soft_weight: float | None = None

    def __post_init__(self) -> None:
        """Refuse besides what would be passed over in silence."""
        super().__post_init__()
        if self.soft_text is not None and self.soft_weight == 0:
            raise UsageError(
                "--soft-text has no use where --soft-weight is 0", "leave one of them out"
            )
        if self.start is None:
            return
        if not self.vsi:
            raise UsageError(
                "with --from nothing is learned but what --vsi adds", "name layers: --vsi 4,8,12"
            )
        for name in SETTLED:
            if getattr(self, name) != getattr(MapOptions, name):
                raise UsageError(
                    f"{_flag(name)} has no use with --from, which settles it",
                    "leave one of them out",
                )


SETTLED = (
    "light",
    "light_weights",
    "light_options",
    "light_size",
    "light_rate",
    "scratch",
    "distil_epochs",
    "symmetric",
    "mapper",
    "tokens",
    "prompt",
    "query_prompt",
)
"""Options whose matter is settled by the query model that is added to."""


@dataclass(frozen=True, kw_only=True)
class ComposeOptions:
    """How to learn to read a photo together with words that change it: stage II, all ours.

    Attributes:
        start: the query model to build on; ``None``: the gallery's, or the bundled one.
        adapters: layers of the text tower with an adapter, counted from 1; 0: before the first;
            (): all.
        bottleneck: numbers in an adapter's middle.
        hard_negatives: most similar wrong photos told apart per triplet; 0: without.
        memory: photos by chance told apart per step; 0: without.
        epochs: passes over the triplets.
        lr: the highest learning rate; adapters begin at zero, and may go fast.
        batch_size: triplets per step.
        limit: triplets at most; ``None``: all.
        seed: decides all chance.
        fresh: begin again where part of a run is done.

    Raises:
        UsageError: a number is too low.
    """

    start: str | Path | None = None
    adapters: tuple[int, ...] = ()
    bottleneck: int = 128
    hard_negatives: int = 8
    memory: int = 8_192
    epochs: int = 12
    lr: float = 3e-3
    batch_size: int = 128
    limit: int | None = None
    seed: int = 0
    fresh: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        _check_numbers(self)


def query_model_path(name: str | Path) -> Path:
    """Return where a query model goes; beside it, run folder and plot have its name.

    Raises:
        UsageError: that is no name for one.
    """
    path = absolute(str(name))
    if path.suffix != ".safetensors" or path.is_dir():
        raise UsageError(
            f"--out {wording.printable(str(name)) or chr(39) * 2} is no name for a query model",
            "choose one that ends in .safetensors",
        )
    return path


def _check_numbers(options: TrainOptions | ComposeOptions) -> None:
    for name, least in LEAST.items():
        value = getattr(options, name, None)
        if value is not None and value < least:
            raise UsageError(
                f"{_flag(name)} is {value}, but at least {least} makes sense", "choose a higher one"
            )
    if not options.lr > 0:
        raise UsageError(f"--lr is {options.lr}, but a rate must be above 0", "leave it out")


def _flag(name: str) -> str:
    """Return an option's name on the command line."""
    return "--lambda" if name == "local_weight" else f"--{name.replace('_', '-')}"

"""What a run of ISA, or of stage I, is asked for: its settings, its defaults, where it goes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from isa_cli.encoders.light_config import DEFAULT_LIGHT
from isa_cli.encoders.names import BUNDLED, BUNDLED_QUERY
from isa_cli.errors import UsageError
from isa_cli.query.checkpoint import load
from isa_cli.query.header import MLP, TOKEN_LEARNER
from isa_cli.query.prompt import Template
from isa_cli.training.data.augment import DEFAULT, Augmentation
from isa_cli.training.data.phrases import built_in, of_the_wardrobe
from isa_cli.training.engine.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.header import Header
    from isa_cli.types import EmbeddingSpace


@dataclass(frozen=True, slots=True)
class Settings:
    """How ISA is trained.

    Attributes:
        light: the light encoder by timm's name.
        light_size: pixels on a side of what it reads; ``None``: its own.
        symmetric: the large encoder's own feature map instead of a light encoder, for comparison.
        light_options: more arguments for timm.
        mapper: ``token-learner`` or ``mlp``.
        tokens: L [stated: 6].
        width, blocks, heads: of the mapper [ours].
        fixed_length: words keep the mean length of real ones [ours]; see ``query.header``.
        template: the words around the sentence, in training and in the queries afterwards.
        batch: photos per step.
        temperature: of the global loss [ours].
        local_weight: lambda, the weight of LAR; 0: without [ours].
        local_temperature: of LAR [ours].
        grid: local features per side of a picture [ours].
        memory: gallery vectors that are negatives besides the batch's own; 0: none [ours].
        light_rate: learning rate of the light encoder, as a share of the mapper's; 0: it stays
            as it is.
        distil_epochs: passes in which the light encoder alone learns what the large one sees,
            before ISA's own; see ``training.distil`` [ours].
        injection: layers of the text tower, counted from 1, in which the sentence looks at the
            picture again; (): none.  With ``soft_weight`` this is stage I of the two-stage
            framework.
        soft_weight: of soft text alignment; 0: without [ours].
        soft_temperature: of soft text alignment; ``None``: the large model's own [ours].
        seed: of everything by chance.
    """

    light: str = DEFAULT_LIGHT
    light_size: int | None = None
    symmetric: bool = False
    light_options: Mapping[str, Any] = field(default_factory=dict)
    mapper: str = TOKEN_LEARNER
    tokens: int = 6
    width: int = 256
    blocks: int = 1
    heads: int = 4
    fixed_length: bool = True
    template: Template = field(default_factory=Template)
    batch: int = 64
    temperature: float = 0.05
    local_weight: float = 0.1
    local_temperature: float = 0.1
    grid: int = 3
    memory: int = 4096
    light_rate: float = 0.3
    distil_epochs: int = 0
    injection: tuple[int, ...] = ()
    soft_weight: float = 0.0
    soft_temperature: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be trained.

        Raises:
            UsageError: a number makes no sense.
        """
        if self.batch < 2:  # noqa: PLR2004 - one photo has nothing to be told from
            raise UsageError(f"a batch of {self.batch} has no negatives", "use --batch-size 16")
        soft = 1.0 if self.soft_temperature is None else self.soft_temperature
        if min(self.temperature, self.local_temperature, soft) <= 0:
            raise UsageError("a temperature must be above 0", "0.05 is the default")
        if self.mapper not in {TOKEN_LEARNER, MLP}:
            raise UsageError(
                f"no mapper is called {self.mapper!r}", f"there are {TOKEN_LEARNER} and {MLP}"
            )
        if self.tokens < 1:
            raise UsageError(f"--tokens is {self.tokens}, but a sentence has at least one word")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, and where it goes.

    Attributes:
        gallery: whose photos and vectors are used.
        model: the gallery's model by name.
        out: the query model's file; its run folder lies beside it.
        settings, schedule: how.
        start: a query model whose light encoder, mapper and template stay as they are, and which
            the injection of ``settings`` is added to; ``None``: all is learned.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``.
        light_weights: a local file, timm's or a query model with such a light encoder; ``None``:
            timm's own, or none if not ``pretrained``.
        pretrained: fetch timm's weights of the light encoder.
        light_preprocessing: where it differs from timm's own.
        augmentation: what happens to a photo before it is learned from.
        phrases: for soft text alignment; (): those that suit the model, see ``training.bank``.
        at_most: photos; ``None``: all.
        fresh: begin again where part of a run is done.
    """

    gallery: Path
    model: str
    out: Path
    settings: Settings = field(default_factory=Settings)
    schedule: Schedule = field(default_factory=Schedule)
    start: Path | None = None
    device: str = "auto"
    light_weights: Path | None = None
    pretrained: bool = True
    light_preprocessing: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = DEFAULT
    phrases: tuple[str, ...] = ()
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


@dataclass(frozen=True, slots=True)
class Defaults:
    """What suits a foundation.

    Attributes:
        light: the light encoder by timm's name.
        light_size: side of the pictures it reads; ``None``: its own.
        light_weights: a query model whose light encoder it begins with; ``None``: timm's.
        light_rate: its learning rate, as a share of the mapper's.
        template: words that the text tower knows.
        augmentation: what happens to a picture before it is learned from.
        epochs: passes over the photos.
        soft_weight: of soft text alignment, where stage I of two is trained.
        phrases: what it aligns with, by the seed.
    """

    light: str = DEFAULT_LIGHT
    light_size: int | None = None
    light_weights: Path | None = None
    light_rate: float = 0.3
    template: Template = field(default_factory=Template)
    augmentation: Augmentation = DEFAULT
    epochs: int = 10
    soft_weight: float = 0.1
    phrases: Callable[[int], tuple[str, ...]] = built_in


DISTIL_EPOCHS = 6
"""Passes in which a light encoder that begins from nothing learns to see; it then stays so."""

PHOTOS = Defaults()
DRAWINGS = Defaults(
    light="mobilenetv3_small_100",
    light_size=112,
    light_weights=BUNDLED_QUERY,
    light_rate=0.0,
    template=Template("{sentence}", "{sentence}, {modifier}"),
    augmentation=Augmentation(area=0.85, stretch=1.1),
    epochs=2,
    phrases=of_the_wardrobe,
)
"""For isa-mini, whose text tower has never read "a photo of", and who works without a network."""


def defaults_for(model: str) -> Defaults:
    """Return what suits a model by name."""
    return DRAWINGS if model == BUNDLED else PHOTOS


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


def settings_with(settings: Settings, header: Header) -> Settings:
    """Return the settings of a run that adds an injection to a query model: the rest is given."""
    light, mapper = header.light, header.mapper
    assert light is not None  # ``start_of`` has seen to it
    return replace(
        settings,
        light=light.name,
        light_size=light.size[0],
        symmetric=False,
        light_options=light.extra,
        light_rate=0.0,
        distil_epochs=0,
        mapper=mapper.kind,
        tokens=mapper.tokens,
        width=mapper.width,
        blocks=mapper.blocks,
        heads=mapper.heads,
        fixed_length=mapper.fixed_length,
        template=Template.from_dict(header.template),
    )

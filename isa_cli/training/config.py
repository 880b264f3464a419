"""How runs learn: the numbers that decide one, as the record of its query model keeps them.

The names of the fields are on disk, in every run's recipe and every query model's header.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from isa_cli.encoders.light_config import DEFAULT_LIGHT
from isa_cli.errors import UsageError
from isa_cli.query.header import MLP, TOKEN_LEARNER
from isa_cli.query.prompt import Template
from isa_cli.training.options import LIGHT_RATE, ComposeOptions, TrainOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isa_cli.query.header import Header


@dataclass(frozen=True, slots=True)
class IsaConfig:
    """How ISA is trained, alone or as stage I of two.

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
        grid: cells per side of a picture, a patch feature each [ours].
        memory: vectors in the memory bank: the gallery's, negatives besides the batch's own; 0:
            none [ours].
        light_rate: learning rate of the light encoder, as a share of the mapper's; 0: it stays
            as it is.
        distil_epochs: passes in which the light encoder alone learns what the large one sees,
            before ISA's own; see ``tasks.distil`` [ours].
        injection: layers of the text tower, counted from 1, in which the sentence looks at the
            picture again; (): none.  With ``soft_weight`` this is stage I of the two-stage
            framework.
        soft_weight: of soft text alignment; 0: without [ours].
        soft_temperature: of soft text alignment; ``None``: the large model's own [ours].
        seed: of everything by chance.
    """

    light: str = DEFAULT_LIGHT
    light_size: int | None = None
    symmetric: bool = TrainOptions.symmetric
    light_options: Mapping[str, Any] = field(default_factory=dict)
    mapper: str = TrainOptions.mapper
    tokens: int = TrainOptions.tokens
    width: int = 256
    blocks: int = 1
    heads: int = 4
    fixed_length: bool = True
    template: Template = field(default_factory=Template)
    batch: int = TrainOptions.batch_size
    temperature: float = 0.05
    local_weight: float = TrainOptions.local_weight
    local_temperature: float = 0.1
    grid: int = 3
    memory: int = 4096
    light_rate: float = LIGHT_RATE
    distil_epochs: int = 0
    injection: tuple[int, ...] = ()
    soft_weight: float = 0.0
    soft_temperature: float | None = None
    seed: int = TrainOptions.seed

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
        """Return this as JSON can hold it."""
        return asdict(self)

    def added_to(self, header: Header) -> IsaConfig:
        """Return the config of a run that adds an injection to a query model: the rest is given.

        Args:
            header: of a query model with a light encoder.
        """
        light, mapper = header.light, header.mapper
        assert light is not None  # what has none is refused before
        return replace(
            self,
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


@dataclass(frozen=True, slots=True)
class ComposeConfig:
    """How composing is trained; all numbers are ours.

    Attributes:
        layers: of the text tower that get an adapter, counted from 1; 0: before the first; (): all.
        bottleneck: numbers in the middle of each.
        hard_negatives: k, mined pictures that a question is told apart from; 0: none.
        memory: pictures drawn from the gallery for each step, negatives of every question; 0:
            none, and only the batch's other targets, the reference and what is mined are left.
        too_like: cosine with a right answer above which a mined picture is one too.
        temperature: of the loss.
        batch: triplets per step.
        seed: of everything by chance.
    """

    layers: tuple[int, ...] = ComposeOptions.adapters
    bottleneck: int = ComposeOptions.bottleneck
    hard_negatives: int = ComposeOptions.hard_negatives
    memory: int = ComposeOptions.memory
    too_like: float = 0.95
    temperature: float = 0.1
    batch: int = ComposeOptions.batch_size
    seed: int = ComposeOptions.seed

    def __post_init__(self) -> None:
        """Refuse what can't be trained.

        Raises:
            UsageError: a number makes no sense.
        """
        if self.batch < 2:  # noqa: PLR2004 - one triplet has nothing to be told from
            raise UsageError(f"a batch of {self.batch} has no negatives", "use --batch-size 16")
        if self.temperature <= 0:
            raise UsageError("a temperature must be above 0", "0.1 is the default")
        if self.bottleneck < 1:
            raise UsageError(f"a bottleneck of {self.bottleneck} lets nothing through", "take 128")
        if min(self.hard_negatives, self.memory) < 0:
            raise UsageError("there can't be fewer than no negatives", "0 is without them")
        if not -1 <= self.too_like <= 1:
            raise UsageError(
                f"too alike from {self.too_like} on, but a cosine lies between -1 and 1",
                "take 0.95",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return this as JSON can hold it."""
        return asdict(self) | {"layers": list(self.layers)}

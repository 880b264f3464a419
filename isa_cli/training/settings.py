"""Everything that decides a run, and nothing else: equal settings, equal run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from isa_cli.backbones.light_config import DEFAULT_LIGHT
from isa_cli.errors import UsageError
from isa_cli.query.header import MLP, TOKEN_LEARNER
from isa_cli.query.prompt import Template

if TYPE_CHECKING:
    from collections.abc import Mapping


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

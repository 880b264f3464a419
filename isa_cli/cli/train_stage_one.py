"""What ``isa train map`` has besides ``isa train``: stage I of the two-stage framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.cli.options import existing_file
from isa_cli.cli.train_options import layers
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.train_options import MapFlags

SETTLED = {
    "light": "--light",
    "light_weights": "--light-weights",
    "light_options": "--light-options",
    "light_size": "--light-size",
    "light_rate": "--light-rate",
    "scratch": "--scratch",
    "distil_epochs": "--distil-epochs",
    "symmetric": "--symmetric",
    "mapper": "--mapper",
    "tokens": "--tokens",
    "prompt": "--prompt",
    "query_prompt": "--query-prompt",
}
"""Options whose matter is settled by the query model that ``--from`` names."""


@dataclass(frozen=True, slots=True)
class StageOne:
    """What stage I of the two-stage framework has besides ISA.

    Attributes:
        layers: with visual semantic injection.
        soft_weight: of soft text alignment; ``None``: what suits the model.
        phrases: to align with; (): those that suit the model.
        start: the query model that all this is added to; ``None``: everything is learned.
    """

    layers: tuple[int, ...] = ()
    soft_weight: float | None = None
    phrases: tuple[str, ...] = ()
    start: Path | None = None

    @classmethod
    def of(cls, flags: MapFlags) -> StageOne:
        """Return what the flags of ``isa train map`` ask for.

        Raises:
            UsageError: layers or a file that make no sense, or a start with nothing to learn.
        """
        named = layers("--vsi", flags.vsi)
        start = None if flags.start is None else _start(flags, flags.start)
        if flags.soft_text is None:
            return cls(named, flags.soft_weight, start=start)
        if flags.soft_weight == 0:
            raise UsageError(
                "--soft-text has no use where --soft-weight is 0", "leave one of them out"
            )
        file = existing_file("--soft-text", flags.soft_text)
        from isa_cli.training.data.phrases import read_phrases

        return cls(named, flags.soft_weight, read_phrases(file), start)


def _start(flags: MapFlags, name: str) -> Path:
    """Return the query model that something is added to.

    Raises:
        UsageError: no such file, nothing to add, or an option that would change what stays.
    """
    if flags.vsi is None:
        raise UsageError(
            "with --from nothing is learned but what --vsi adds", "name layers: --vsi 4,8,12"
        )
    for flag, option in SETTLED.items():
        if getattr(flags, flag) != getattr(type(flags), flag):
            raise UsageError(
                f"{option} has no use with --from, which settles it", "leave one of them out"
            )
    return existing_file("--from", name)

"""What a validation split has chosen; a gallery or a query model keeps it, and searches use it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TUNED = "tuned"
"""The name of the choice in a query model's training record and among a gallery's settings."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and by what.

    Attributes:
        method: the composer.
        alpha: its weight; ``None`` where it does not weigh.
        benchmark, split: what it was measured on.
        metric, value: the number that decided.
        cases: how many questions that number is the mean of.
    """

    method: str
    alpha: float | None
    benchmark: str
    split: str
    metric: str
    value: float
    cases: int

    def to_json(self) -> str:
        """The choice as text that ``from_json`` reads."""
        return json.dumps(asdict(self))


def from_json(text: str | None) -> Choice | None:
    """Return the choice that a gallery remembers; ``None``: none, or one that makes no sense."""
    try:
        return None if text is None else Choice(**json.loads(text))
    except (TypeError, ValueError):
        return None


def kept(training: Mapping[str, object], choice: Choice) -> dict[str, object]:
    """Return a query model's training record with a choice in it, beside those of other methods."""
    earlier = training.get(TUNED)
    by_method = earlier if isinstance(earlier, dict) else {}
    return {**training, TUNED: by_method | {choice.method: asdict(choice)}}


def alpha_in(training: Mapping[str, object], method: str) -> float | None:
    """Return the weight that a training record names for a method, if one was chosen."""
    by_method = training.get(TUNED)
    choice = by_method.get(method) if isinstance(by_method, dict) else None
    alpha = choice.get("alpha") if isinstance(choice, dict) else None
    return alpha if isinstance(alpha, float) and 0.0 <= alpha <= 1.0 else None


def without(
    training: Mapping[str, object], method: str
) -> tuple[dict[str, object], dict[str, object]]:
    """Return a training record less what was tuned, and that less one method's choice."""
    record = dict(training)
    earlier = record.pop(TUNED, None)
    by_method = earlier if isinstance(earlier, dict) else {}
    rest = {name: choice for name, choice in by_method.items() if name != method}
    return record, {TUNED: rest} if rest else {}

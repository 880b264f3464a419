"""What a benchmark is run with; imports nothing heavy, so that a typing error is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.query.methods import LEARNED, MADE_BY, METHODS, TRAINING_FREE

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class EvalConfig:
    """What a benchmark is run with.

    Attributes:
        model: a name, see ``encoders.names``.
        device, precision: where, and with how many bits; ``auto``: what suits the machine.
        methods: names of composers, in the report's order.
        alpha: weight of the words in [0, 1]; ``None``: each method's default.
        query_model: what ``isa train`` or ``isa models import`` wrote, for the methods it serves.
    """

    model: str
    device: str = "auto"
    precision: str = "auto"
    methods: tuple[str, ...] = TRAINING_FREE
    alpha: float | None = None
    query_model: Path | None = None

    @property
    def learned(self) -> Path | None:
        """The query model, if a method needs it."""
        return self.query_model if set(LEARNED) & set(self.methods) else None

    def check(self) -> None:
        """Refuse what can't be run, before anything is rendered, fetched or embedded.

        Raises:
            UsageError: no such method, none at all, one twice, one that the query model does not
                serve, or no such weight.
            ModelError: the file is no query model.
        """
        there_are = f"there are {', '.join(METHODS)}"
        if not self.methods:
            raise UsageError("no method is named", there_are)
        for method in self.methods:
            if method not in METHODS:
                raise UsageError(f"no method is called {method!r}", there_are)
            if self.methods.count(method) > 1:
                raise UsageError(f"the method {method} is named twice", "once is enough")
            if method in LEARNED:
                self._check_learned(method)
        if self.alpha is not None and not 0.0 <= self.alpha <= 1.0:
            raise UsageError(f"--alpha is {self.alpha}, but a weight lies between 0 and 1")

    def _check_learned(self, method: str) -> None:
        """Refuse a learned method that the query model does not serve."""
        if self.query_model is None:
            raise UsageError(
                f"the method {method} needs a query model", "name one: --query-model FILE"
            )
        from isa_cli.query.header import read_header  # noqa: PLC0415 - often not needed

        served = read_header(self.query_model).methods
        if method not in served:
            raise UsageError(
                f"the method {method} needs a query model of {MADE_BY[method]}, but "
                f"{self.query_model} is one of {MADE_BY[served[0]]}",
                f"use --method {' or '.join(served)}, or leave --method out",
            )

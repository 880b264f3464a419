"""What a benchmark is run with; imports nothing heavy, so that a typing error is told at once."""

from __future__ import annotations

from dataclasses import dataclass

from isa_cli.errors import UsageError
from isa_cli.query.names import TRAINING_FREE


@dataclass(frozen=True, slots=True)
class Plan:
    """What a benchmark is run with.

    Attributes:
        model: a name, see ``backbones.resolve``.
        device, precision: where, and with how many bits; ``auto``: what suits the machine.
        methods: names of composers, in the report's order.
        alpha: weight of the words in [0, 1]; ``None``: each method's default.
    """

    model: str
    device: str = "auto"
    precision: str = "auto"
    methods: tuple[str, ...] = TRAINING_FREE
    alpha: float | None = None

    def check(self) -> None:
        """Refuse what can't be run, before anything is rendered, fetched or embedded.

        Raises:
            UsageError: no such method, none at all, one twice, or no such weight.
        """
        there_are = f"there are {', '.join(TRAINING_FREE)}"
        if not self.methods:
            raise UsageError("no method is named", there_are)
        for method in self.methods:
            if method not in TRAINING_FREE:
                raise UsageError(f"no method is called {method!r}", there_are)
            if self.methods.count(method) > 1:
                raise UsageError(f"the method {method} is named twice", "once is enough")
        if self.alpha is not None and not 0.0 <= self.alpha <= 1.0:
            raise UsageError(f"--alpha is {self.alpha}, but a weight lies between 0 and 1")

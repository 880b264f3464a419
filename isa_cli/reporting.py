"""How the library speaks: it never prints, it tells a ``Reporter``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Progress(Protocol):
    """A running count that somebody may be watching."""

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""


class Reporter(Protocol):
    """How the library speaks: it never prints.  ``cli/console.py`` puts this on stderr.

    Examples:
        >>> import isa_cli, tempfile
        >>> from isa_cli.reporting import Lines
        >>> said = []
        >>> library = isa_cli.open(
        ...     tempfile.mkdtemp() + "/gallery", model="isa-mini", reporter=Lines(said.append)
        ... )
        >>> _ = library.index([wardrobe])
        >>> said[0].startswith("isa-mini on ")
        True
    """

    def note(self, message: str) -> None:
        """Say one line that a person would want to know."""

    def warn(self, message: str) -> None:
        """Say one line about something that went wrong and was survived."""

    def progress(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Progress]:
        """Show progress towards ``total`` (``None``: unknown) while the context is open."""


class Silent:
    """A reporter for libraries' callers and tests: says nothing."""

    def note(self, message: str) -> None:
        """Drop the line."""

    def warn(self, message: str) -> None:
        """Drop the line."""

    def progress(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Progress]:
        """Return a context whose progress goes nowhere."""
        return nullcontext(self)

    def advance(self, count: int = 1) -> None:
        """Drop the count."""


TENTHS = 10


class Lines:
    """A reporter that says everything in lines: ``library.train(progress=print)``.

    Args:
        say: is called with each line.
        quiet: say nothing about progress.
    """

    def __init__(self, say: Callable[[str], object], *, quiet: bool = False) -> None:
        self._say = say
        self._quiet = quiet

    def note(self, message: str) -> None:
        """Say one line."""
        self._say(message)

    def warn(self, message: str) -> None:
        """Say one line."""
        self._say(message)

    def progress(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Progress]:
        """A count that says how far it is, at each tenth of a known total."""
        return nullcontext(
            Silent() if self._quiet or not total else _Tenths(self._say, label, total, unit)
        )


class _Tenths:
    """A count that speaks at each tenth of its way."""

    def __init__(self, say: Callable[[str], object], label: str, total: int, unit: str) -> None:
        self._say, self._label, self._total, self._unit = say, label, total, unit
        self._count = 0

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""
        before, self._count = self._count, self._count + count
        if self._count * TENTHS // self._total > before * TENTHS // self._total:
            share = min(100, 100 * self._count // self._total)
            self._say(f"{self._label}: {share} % of {self._total:,} {self._unit}")

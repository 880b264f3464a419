"""How the library speaks: it never prints, it tells a ``Reporter``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Progress(Protocol):
    """A running count that somebody may be watching."""

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""


class Reporter(Protocol):
    """How the library speaks: it never prints.  ``cli/console.py`` puts this on stderr."""

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

"""How whoever asks for long work can end it."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    Stop: TypeAlias = threading.Event | AbstractContextManager[threading.Event]
    """When it is set, what is under way is finished and saved.  Or a context that gives such an
    event, entered when the work begins: so the command line listens to signals only meanwhile."""


def stopping(stop: Stop | None) -> AbstractContextManager[threading.Event]:
    """A context with the event that ends the work; ``None``: nobody will."""
    if stop is None or isinstance(stop, threading.Event):
        return nullcontext(stop or threading.Event())
    return stop

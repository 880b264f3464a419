"""How many pixels may be on their way at once, over all threads."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL: Final = 25_000_000
"""Pictures up to here, as most cameras take them, never wait."""


class Room:
    """A weighted semaphore: large pictures are let in one after the other, as far as they fit.

    Args:
        pixels: how many may be inside at once; a picture that is larger goes alone.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = self._free = pixels
        self._left = threading.Condition()
        self._turn = threading.Lock()  # who waits first goes first, or the largest never would

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and keep it while the context is open."""
        if pixels <= SMALL:
            yield
            return
        weight = min(pixels, self._pixels)
        with self._turn, self._left:
            self._left.wait_for(lambda: self._free >= weight)
            self._free -= weight
        try:
            yield
        finally:
            with self._left:
                self._free += weight
                self._left.notify()

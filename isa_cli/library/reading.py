"""A gallery that is open for searching, shared by threads, and opened anew when it has changed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isa_cli.query.lookup import QUERY_MODEL
from isa_cli.query.tuned import TUNED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.search.searcher import Searcher

    Opened = tuple[Gallery, Searcher]


@dataclass(slots=True)
class _Reading:
    """A gallery as it was at one moment.

    Attributes:
        gallery: open for reading.
        searcher: over it.
        moment: see ``_moment``.
        users: how many are at it; it is closed when the last one is done.
    """

    gallery: Gallery
    searcher: Searcher
    moment: tuple[Any, ...]
    users: int = 0


class SharedReading:
    """One open gallery and its searcher, for any number of threads.

    What others index, forget or train meanwhile is seen by whoever asks next; those who are still
    at the gallery as it was keep it open until they are done.

    Args:
        opening: opens the gallery and makes its searcher.
    """

    def __init__(self, opening: Callable[[], Opened]) -> None:
        self._opening = opening
        self._lock = threading.RLock()
        self._reading: _Reading | None = None

    @contextmanager
    def current(self) -> Iterator[Opened]:
        """The gallery and its searcher as they are now; raises what opening them does."""
        with self._lock:
            reading = self._up_to_date()
            reading.users += 1
        try:
            yield reading.gallery, reading.searcher
        finally:
            with self._lock:
                reading.users -= 1
                if reading is not self._reading and not reading.users:
                    reading.gallery.close()

    def close(self) -> None:
        """Close the gallery, or leave that to the last one who is at it."""
        with self._lock:
            reading, self._reading = self._reading, None
            if reading is not None and not reading.users:
                reading.gallery.close()

    def _up_to_date(self) -> _Reading:
        known = self._reading
        if known is not None and known.moment == _moment(known.gallery):
            return known
        self.close()
        gallery, searcher = self._opening()
        self._reading = _Reading(gallery, searcher, _moment(gallery))
        return self._reading


def _moment(gallery: Gallery) -> tuple[Any, ...]:
    """What changes with the catalogue, its index file, what was tuned, and the query model."""
    kept = gallery.catalog.metadata
    try:
        found = (gallery.folder / QUERY_MODEL).stat()
        query = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    except OSError:
        query = None
    return kept.generation, kept.index_file(), kept.setting(TUNED), query

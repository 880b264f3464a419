"""A bounded, ordered read-ahead: the next results are being made while this one is used.

Indexing is two of these, one inside the other: files are read and decoded ahead of the batches,
batches are encoded ahead of the catalogue.  Nothing here knows about pictures.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from types import TracebackType

T = TypeVar("T")
R = TypeVar("R")


class ReadAhead(Generic[T, R]):
    """An iterator of ``work(item)`` for every item, in order, made by threads ahead of their use.

    The first ``ahead`` items are under way as soon as this exists, before anybody asks.  At most
    ``ahead`` results exist or are being made at any moment, so memory is bounded however slow the
    consumer is.  Leaving the context waits for what is running and drops the rest.

    Args:
        items: pulled lazily, from the consumer's thread only.
        work: called in a worker thread; an exception surfaces at its place in the order.
        workers: threads.
        ahead: how far to run ahead of the consumer, at least ``workers`` to keep them busy.
    """

    def __init__(
        self, items: Iterable[T], work: Callable[[T], R], *, workers: int, ahead: int
    ) -> None:
        self._items = iter(items)
        self._work = work
        self._pool = ThreadPoolExecutor(workers, "isa-feed")
        self._running: deque[Future[R]] = deque()
        self._start(ahead)

    def _start(self, count: int) -> None:
        self._running.extend(
            self._pool.submit(self._work, item) for item in islice(self._items, count)
        )

    def __enter__(self) -> ReadAhead[T, R]:
        """Return the iterator itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for what is running, drop what is not."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[R]:
        """Return the iterator itself."""
        return self

    def __next__(self) -> R:
        """Return the next result in order, having started one more."""
        if not self._running:
            raise StopIteration
        result = self._running.popleft().result()
        self._start(1)
        return result


def batched(
    items: Iterable[T], size: Callable[[int], int], weight: Callable[[T], int]
) -> Iterator[list[T]]:
    """Yield lists whose weights add up to what ``size`` says (the last may be lighter), in order.

    Weightless items (a copy, a failure) ride along, but a list never grows past eight times its
    size, so that a long run of them is saved now and then too.

    Args:
        items: pulled lazily.
        size: the weight of the next list, given how many items have gone into lists so far.
        weight: of an item, 0 or 1.
    """
    batch: list[T] = []
    total = done = 0
    full = size(0)
    for item in items:
        batch.append(item)
        total += weight(item)
        if total >= full or len(batch) >= 8 * full:
            yield batch
            done += len(batch)
            batch, total, full = [], 0, size(done)
    if batch:
        yield batch

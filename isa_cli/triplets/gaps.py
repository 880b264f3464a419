"""Captions that are the same around a gap."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from isa_cli.triplets.words import Caption

    Stems: TypeAlias = tuple[str, ...]

LONGEST_CHANGE = 2
"""Content words that are exchanged, at most; each side."""

LEAST_COMMON = 2
"""Content words around the change, at least."""


@dataclass(frozen=True, slots=True)
class Gapped:
    """A caption with a gap: ``width`` of its content words are left out, from ``start`` on."""

    caption: Caption
    start: int
    width: int

    @property
    def photo(self) -> int:
        """Whose caption it is."""
        return self.caption.photo

    @property
    def gone(self) -> Stems:
        """The stems in the gap."""
        return self.caption.stems[self.start : self.start + self.width]

    @property
    def around(self) -> tuple[Stems, Stems]:
        """The stems before and behind the gap."""
        stems = self.caption.stems
        return stems[: self.start], stems[self.start + self.width :]


def groups(captions: Sequence[Caption], admits: Callable[[Gapped], bool]) -> Iterator[list[Gapped]]:
    """Yield gapped captions that are the same around the gap, in the captions' order.

    Millions of gaps are compared by the hash of what is around them; only those that meet others
    are looked at again.
    """
    keys, places = array("q"), array("i")
    for number, caption in enumerate(captions):
        for gap in _gaps(caption, admits):
            keys.append(hash(gap.around))
            places.extend((number, gap.start, gap.width))
    hashes = np.frombuffer(keys, np.int64) if keys else np.empty(0, np.int64)
    order = np.argsort(hashes, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(hashes[order])) + 1)
    together = [run for run in runs if len(run) > 1]
    for run in sorted(together, key=lambda run: int(run[0])):  # hashes differ from run to run
        rows = (places[3 * at : 3 * at + 3] for at in run.tolist())
        group = [Gapped(captions[number], start, width) for number, start, width in rows]
        yield [gap for gap in group if gap.around == group[0].around]


def _gaps(caption: Caption, admits: Callable[[Gapped], bool]) -> Iterator[Gapped]:
    """Yield the gaps a caption may have: one, two or, for what another one adds, no words wide."""
    length = len(caption.stems)
    for width in range(LONGEST_CHANGE + 1):
        if length - width >= LEAST_COMMON:
            gaps = (Gapped(caption, start, width) for start in range(length - width + 1))
            yield from filter(admits, gaps)

"""What several people's captions of a photo agree on, and whether a change is borne out by it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.triplets.words import COLOURS, VAGUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isa_cli.triplets.gaps import Gapped
    from isa_cli.triplets.words import Caption

ENOUGH = 2
"""People who say a word of a photo, for it to be there; of two or fewer people one will do."""

LEAST_AGREED = 0.3
"""Share of the words agreed on, of both photos and besides the change, that are the same."""

OFTEN = 3
TOGETHER = 0.3
"""Words are near in meaning if this share of the rarer one's photos, and not fewer
than so many, have the other one too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Captions of a reference and of a target that are the same around a gap.

    Attributes:
        rank: how much the photos' captions agree; higher is better.
        old, new: of the reference and of the target.
    """

    rank: tuple[float, int]
    old: Gapped
    new: Gapped


class Votes:
    """What the captions of each photo agree on.

    Args:
        captions: of all photos.
        people: how many captions each photo has.
    """

    def __init__(self, captions: Iterable[Caption], people: Sequence[int]) -> None:
        self._said: list[Counter[str]] = [Counter() for _ in people]
        photos: dict[str, set[int]] = defaultdict(set)
        for caption in captions:
            words = set(caption.stems)
            self._said[caption.photo].update(words)
            for word in words:
                photos[word].add(caption.photo)
        self._photos = photos
        self._enough = [ENOUGH if count > ENOUGH else 1 for count in people]
        self._agreed = [
            frozenset(word for word, votes in said.items() if votes >= enough)
            for said, enough in zip(self._said, self._enough, strict=True)
        ]
        self._near: dict[tuple[str, str], bool] = {}

    def support(self, one: Gapped) -> bool:
        """Return whether what the gap leaves out is agreed on, and says something."""
        return VAGUE.isdisjoint(one.gone) and self._agreed[one.photo].issuperset(one.gone)

    def candidate(self, old: Gapped, new: Gapped) -> Candidate | None:
        """Return the two as a change, if the other captions bear it out."""
        gone, come = old.gone, new.gone
        there, here = self._said[old.photo], self._said[new.photo]
        if any(word in there for word in come) or any(word in here for word in gone):
            return None
        if not come and any(there[word] <= self._enough[old.photo] for word in gone):
            return None  # it may just have been left out
        if any(self._is_near(one, other) for one in gone for other in come):
            return None
        ours, theirs = (self._agreed[one.photo].difference(one.gone) for one in (old, new))
        common = len(ours & theirs) / max(1, len(ours | theirs))
        if common < LEAST_AGREED:
            return None
        return Candidate((common, len(old.caption.stems) - old.width), old, new)

    def _is_near(self, one: str, other: str) -> bool:
        """Return whether two words are often said of the same photo; colours mean no less then."""
        if one in COLOURS and other in COLOURS:
            return False
        if (one, other) not in self._near:
            a, b = self._photos[one], self._photos[other]
            both = len(a & b)
            self._near[one, other] = both >= OFTEN and both >= TOGETHER * min(len(a), len(b))
        return self._near[one, other]

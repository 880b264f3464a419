"""Triplets out of captions: two photos of which people say nearly the same.

"A black dog runs through the snow" and "a brown dog is running in snow" differ in one place, so
the first photo, "a brown dog instead of a black one" and the second photo make a triplet.  No
picture is looked at.  Since captions leave out most of what is there, the two photos differ in
more than the words say; how much is kept small:

- The words around the change are the same, but for their endings and for articles and the like.
- The photo's other captions agree: of several people at least two say what is new, and nobody
  says it of the reference; the other way round for what goes.
- Words that are often said of one photo ("grass" and "field") are no change, and vague ones
  ("person") neither.
- The words that people agree on are mostly the same, besides the change; of a reference's possible
  targets those are taken that have most of them in common.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice, permutations
from random import Random
from typing import TYPE_CHECKING

from isa_cli.triplets.gaps import groups
from isa_cli.triplets.grammar import Grammar
from isa_cli.triplets.records import Triplet
from isa_cli.triplets.votes import Votes
from isa_cli.triplets.wording import modifier
from isa_cli.triplets.words import Caption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from isa_cli.triplets.gaps import Gapped
    from isa_cli.triplets.grammar import Phrase
    from isa_cli.triplets.table import Captioned
    from isa_cli.triplets.votes import Candidate

CROWD = 32
"""Of more captions with the same words around a gap so many are drawn: their pairs are squares."""


def mine(
    photos: Sequence[Captioned],
    *,
    count: int | None = None,
    per_reference: int = 3,
    seed: int = 0,
) -> list[Triplet]:
    """Return triplets from captioned photos; the same seed returns the same.

    Args:
        photos: each of another content.
        count: at most so many, with as many references as can be; ``None``: all there are.
        per_reference: at most so many with the same reference.
        seed: of the wording, the order and whatever is drawn.
    """
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    captions = [
        Caption.of(number, text) for number, photo in enumerate(photos) for text in photo.captions
    ]
    votes = Votes(captions, [len(photo.captions) for photo in photos])
    best: dict[int, dict[int, Candidate]] = defaultdict(dict)
    for old, new in _pairs(captions, votes, rng):
        candidate = votes.candidate(old, new)
        known = best[old.photo].get(new.photo)
        if candidate and (known is None or candidate.rank > known.rank):
            best[old.photo][new.photo] = candidate
    worded = _worded(best, Grammar(captions), per_reference, rng)
    return [
        Triplet(line, photos[one.old.photo].path, words, photos[one.new.photo].path)
        for line, (one, words) in enumerate(islice(worded, count), 1)
    ]


def _pairs(
    captions: Sequence[Caption], votes: Votes, rng: Random
) -> Iterator[tuple[Gapped, Gapped]]:
    """Yield captions of different photos that are the same around a gap, both ways round."""
    for group in groups(captions, votes.support):
        some = rng.sample(group, CROWD) if len(group) > CROWD else group
        for old, new in permutations(some, 2):
            if old.photo != new.photo and (old.width or new.width):
                yield old, new


def _worded(
    best: dict[int, dict[int, Candidate]], grammar: Grammar, per_reference: int, rng: Random
) -> Iterator[tuple[Candidate, str]]:
    """Yield changes with their words: each reference's best first, then each one's second."""
    references = list(best)
    rng.shuffle(references)
    streams = [
        islice(_of_reference(best[reference].values(), grammar, rng), per_reference)
        for reference in references
    ]
    for _ in range(per_reference):
        for stream in streams:
            yield from islice(stream, 1)


def _of_reference(
    candidates: Iterable[Candidate], grammar: Grammar, rng: Random
) -> Iterator[tuple[Candidate, str]]:
    """Yield one reference's changes, the best first, no two in the same words."""
    told = set()
    for one in sorted(candidates, key=lambda one: one.rank, reverse=True):
        old, new = _phrase(one.old, grammar), _phrase(one.new, grammar)
        if (one.old.width and old is None) or (one.new.width and new is None):
            continue
        words = modifier(old, new, rng)
        if words and words not in told:
            told.add(words)
            yield one, words


def _phrase(gap: Gapped, grammar: Grammar) -> Phrase | None:
    if not gap.width:
        return None
    return grammar.phrase(gap.caption, gap.start, gap.start + gap.width - 1)

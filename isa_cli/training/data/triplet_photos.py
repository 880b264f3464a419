"""The triplets a run learns from: questions, their right answers, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import TrainingError
from isa_cli.reporting import Silent
from isa_cli.training.data.triplet_files import pictures_of
from isa_cli.triplets import read_triplets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.reporting import Reporter
    from isa_cli.training.data.triplet_files import Picture
    from isa_cli.triplets import Triplet
    from isa_cli.types import Keys, Vectors

    Numbers = NDArray[np.int64]
    Found = tuple[Triplet, Picture, Picture]

LEAST_HELD_OUT, MOST_HELD_OUT = 16, 1_000
"""References that are held out whatever their share is; the least gives way to a quarter of all."""

FEWEST = 16
"""References without which there is nothing to learn, or nothing to measure."""

LEAST_STEPS = 16
"""Batches of an epoch: few triplets are gone through several times in one (ours)."""


@dataclass(frozen=True, eq=False)
class TripletPhotos:
    """T triplets that ask Q questions about P pictures; use ``TripletPhotos.of``.

    A question is a reference and a modifier; all targets that it has are right answers.

    Attributes:
        keys: (P,) uint64, of the pictures' vectors in the catalogue, rising.
        vectors: (P, D) float32, the large encoder's unit rows.
        paths: a file of each picture that is a reference (``os.fsencode``), by its row.
        references: (Q,) the row of each question's reference.
        modifiers: (Q,) its words; capitals make no other question.
        questions: (T,) each triplet's question.
        targets: (T,) the row of its target.
        train: triplets that are learned from, rising.
        held_out: triplets that are only measured on, rising; no reference is on both sides.
        digest: of which triplets these are, hexadecimal.
    """

    keys: Keys
    vectors: Vectors
    paths: Mapping[int, bytes]
    references: Numbers
    modifiers: Sequence[str]
    questions: Numbers
    targets: Numbers
    train: Numbers
    held_out: Numbers
    digest: str
    _pairs: Numbers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Note all right answers in one sorted row of numbers."""
        pairs = np.unique(self.questions * len(self.keys) + self.targets)
        object.__setattr__(self, "_pairs", pairs)

    @classmethod
    def of(
        cls,
        gallery: Gallery,
        file: Path,
        *,
        held_out: float = 0.05,
        at_most: int | None = None,
        seed: int = 0,
        reporter: Reporter | None = None,
    ) -> TripletPhotos:
        """Return a file's triplets, with everything about their pictures from the gallery.

        A reference's digest decides whether it is held out, not chance; the lowest are, as in
        ``TrainingPhotos``: what stage I did not learn from, stage II does not either.

        Args:
            gallery: that has the pictures.
            file: of the triplets.
            held_out: share of the references; at least 16 or a quarter, at most 1,000 of them.
            at_most: take only so many triplets, drawn by the seed; a smaller number gives a part
                of what a larger one gives.
            seed: of that draw.
            reporter: told what is left out.

        Raises:
            TrainingError: too few references, or pictures that the gallery does not have.
            UsageError: the file is not one of triplets.
        """
        reporter = reporter or Silent()
        found = _usable(pictures_of(gallery, file, read_triplets(file), reporter), reporter)
        lots = np.array([_lot(one, seed) for one in found], np.uint64)
        chosen = np.sort(np.argsort(lots, kind="stable")[:at_most])
        found = [found[row] for row in chosen]
        pictures = {p.key: p for _, reference, target in found for p in (reference, target)}
        keys = np.array(sorted(pictures), np.uint64)
        row_of = {key: row for row, key in enumerate(keys.tolist())}
        which = [(row_of[r.key], triplet.modifier.casefold()) for triplet, r, _ in found]
        words: dict[tuple[int, str], str] = {}
        for question, (triplet, _, _) in zip(which, found, strict=True):
            words.setdefault(question, triplet.modifier)
        number_of = {question: number for number, question in enumerate(words)}
        train, held = _split([reference for _, reference, _ in found], held_out, file)
        return cls(
            keys=keys,
            vectors=vectors_of(gallery, keys),
            paths={row: pictures[int(keys[row])].path or b"" for row, _ in words},
            references=np.array([row for row, _ in words], np.int64),
            modifiers=list(words.values()),
            questions=np.array([number_of[question] for question in which], np.int64),
            targets=np.array([row_of[target.key] for _, _, target in found], np.int64),
            train=train,
            held_out=held,
            digest=blake2b(np.sort(lots[chosen]).tobytes(), digest_size=8).hexdigest(),
        )

    def __len__(self) -> int:
        """Return T."""
        return len(self.targets)

    def are_right(self, questions: Numbers, pictures: Numbers) -> NDArray[np.bool_]:
        """Return (N, M) whether each of M picture rows is a right answer to each of N questions."""
        asked = questions[:, None] * len(self.keys) + pictures[None, :]
        places = np.minimum(np.searchsorted(self._pairs, asked), len(self._pairs) - 1)
        right: NDArray[np.bool_] = self._pairs[places] == asked
        return right

    def answers(self, question: int) -> Numbers:
        """Return the picture rows of all right answers to a question, rising."""
        first, last = np.searchsorted(
            self._pairs, [question * len(self.keys), (question + 1) * len(self.keys)]
        )
        rows: Numbers = self._pairs[first:last] - question * len(self.keys)
        return rows

    def batch_size(self, batch: int) -> int:
        """Return how many triplets a batch really has: never one of them twice for lack of others.

        Args:
            batch: how many are wanted.
        """
        return min(batch, len(self.train))

    def steps_per_epoch(self, batch: int) -> int:
        """Return how many batches an epoch has: a pass over the triplets, or several over few."""
        return max(LEAST_STEPS, len(self.train) // self.batch_size(batch))

    def batch_rows(self, step: int, batch: int, seed: int) -> Numbers:
        """Return the triplets (B,) of a step, newly shuffled in each pass.

        Step and seed alone decide, whatever was asked before.
        """
        epoch, number = divmod(step, self.steps_per_epoch(batch))
        size, count = self.batch_size(batch), len(self.train)
        first, last = number * size, (number + 1) * size
        passes = range(first // count, (last - 1) // count + 1)
        order = np.concatenate([_shuffled(count, epoch, each, seed) for each in passes])
        rows: Numbers = self.train[
            order[first - passes.start * count : last - passes.start * count]
        ]
        return rows


def vectors_of(gallery: Gallery, keys: Keys) -> Vectors:
    """Return the catalogue's vectors (N, D) of N keys that rise; a key that is gone gets zeros."""
    vectors = np.zeros((len(keys), gallery.space.dim), np.float32)
    for found, rows in gallery.catalog.vectors.chunks(keys):
        vectors[np.searchsorted(keys, found)] = rows
    return vectors


@lru_cache(maxsize=2)  # a batch may lie across two passes
def _shuffled(count: int, epoch: int, number: int, seed: int) -> Numbers:
    order: Numbers = np.random.default_rng((seed, epoch, number)).permutation(count)
    return order


def _usable(found: Sequence[Found], reporter: Reporter) -> list[Found]:
    """Return the triplets that ask something, each once."""
    kept: dict[tuple[int, str, int], Found] = {}
    same = []
    for triplet, reference, target in found:
        if reference.key == target.key:
            same.append(triplet.line)
        else:
            what = (reference.key, triplet.modifier.casefold(), target.key)
            kept.setdefault(what, (triplet, reference, target))
    if same:
        reporter.warn(
            f"{len(same):,} of {len(found):,} triplets are left out, the first in line {same[0]}: "
            "their target is the reference itself, or looks no different to the model"
        )
    return list(kept.values())


def _lot(found: Found, seed: int) -> int:
    """Return a number that depends on a triplet and the seed alone."""
    triplet, reference, target = found
    what = f"{reference.content} {target.content} {triplet.modifier.casefold()}".encode()
    key = seed.to_bytes(8, "little", signed=True)
    return int.from_bytes(blake2b(what, digest_size=8, key=key).digest(), "little")


def _split(references: Sequence[Picture], share: float, file: Path) -> tuple[Numbers, Numbers]:
    """Return (train, held out) rows of triplets, by their references' contents."""
    contents = np.array([reference.content for reference in references], np.uint64)
    distinct = np.unique(contents)
    if len(distinct) < FEWEST:
        raise TrainingError(
            f"composing needs triplets of at least {FEWEST} references, and {file} has them of "
            f"{len(distinct)}",
            "make more: isa triplets make",
        )
    below = int((distinct < np.uint64(int(share * 2.0**64))).sum())
    count = min(max(below, min(LEAST_HELD_OUT, len(distinct) // 4)), MOST_HELD_OUT)
    held = contents < distinct[count]
    return np.flatnonzero(~held), np.flatnonzero(held)

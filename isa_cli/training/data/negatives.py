"""Pictures that are not the answer: by chance, or nearly it, mined from the gallery's index."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.atomic import write_bytes
from isa_cli.errors import TrainingError, next_step
from isa_cli.filters import And
from isa_cli.training.data.triplet_photos import vectors_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.training.data.triplet_photos import Numbers, TripletPhotos
    from isa_cli.types import Keys, Vectors

    Ask = Callable[[Numbers], Vectors]
    """Composes the queries (N, D) of N questions, as they are now."""

AT_ONCE = 256
"""Questions that are composed and looked for together."""

EXACT_UP_TO = 200_000
"""Photos up to which many questions at once are answered sooner by comparing with all of them."""

ROUNDS = 3
"""How often more is asked for where too little was left, four times as much each time."""

MOST = 100_000
"""Pictures that may be drawn: at 768 numbers, 300 MB."""


# --- by chance ----------------------------------------------------------------------------------


class RandomNegatives:
    """A memory bank: pictures of a gallery by chance, and which of them answer a question.

    Args:
        gallery: open.
        photos: the questions.
        count: drawn for each step, if there are so many.
        seed: of every draw.
    """

    def __init__(self, gallery: Gallery, photos: TripletPhotos, *, count: int, seed: int) -> None:
        self._photos = photos
        self._seed = seed
        keys = np.sort(gallery.catalog.vectors.select(And(())))
        if len(keys) > MOST:
            keys = np.sort(np.random.default_rng(seed).choice(keys, MOST, replace=False))
        self._vectors = vectors_of(gallery, keys)
        self._count = min(count, len(keys))
        rows = np.minimum(np.searchsorted(keys, photos.keys), len(keys) - 1)
        self._row_of = np.where(keys[rows] == photos.keys, rows, -1)  # (P,) of each picture

    @property
    def others(self) -> Vectors:
        """The vectors (O, D) of the pictures that no triplet names."""
        beside = np.ones(len(self._vectors), np.bool_)
        beside[self._row_of[self._row_of >= 0]] = False
        return self._vectors[beside]

    def of(self, step: int, questions: Numbers) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return vectors (M, D), and (B, M) which of them answer each of B questions.

        Step and seed alone decide which are drawn.
        """
        rng = np.random.default_rng((self._seed, step))
        drawn = rng.choice(len(self._vectors), self._count, replace=False)
        place = np.full(len(self._vectors), -1)
        place[drawn] = np.arange(len(drawn))
        right = np.zeros((len(questions), len(drawn)), np.bool_)
        for number, question in enumerate(questions.tolist()):
            rows = self._row_of[self._photos.answers(question)]
            places = place[rows[rows >= 0]]
            right[number, places[places >= 0]] = True
        return self._vectors[drawn], right


# --- mined --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Mined:
    """The negatives of one epoch.

    Attributes:
        rows: (Q, k) for each question, rows of ``vectors``, nearest first.
        vectors: (V, D) float32 unit rows; zeros in the first, which stands for none.
    """

    rows: Numbers
    vectors: Vectors

    def of(self, questions: Numbers) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the negatives (B, k, D) of B questions, and (B, k) where there is none."""
        rows = self.rows[questions]
        return self.vectors[rows], rows == 0


class HardNegatives:
    """Mines each epoch's negatives once; a run that goes on reads what was mined.

    Args:
        gallery: open, and open for as long as this is asked.
        photos: the questions; those of ``photos.train`` get negatives.
        folder: for the tables, a file each.
        count: k, negatives of each question.
        too_like: a picture whose cosine with a right answer is above this shows the very same,
            and is no negative.
    """

    def __init__(
        self, gallery: Gallery, photos: TripletPhotos, folder: Path, *, count: int, too_like: float
    ) -> None:
        self._gallery = gallery
        self._photos = photos
        self._folder = folder
        self._count = count
        self._too_like = too_like
        self._asked = np.unique(photos.questions[photos.train])
        self._current: tuple[int, Mined] | None = None

    def of(self, epoch: int, ask: Ask) -> Mined:
        """Return the negatives of an epoch, mined now if they never were.

        Args:
            epoch: counted from 0.
            ask: composes queries as they are at the beginning of the epoch.

        Raises:
            TrainingError: what was mined before is damaged, or can't be written.
        """
        if self._current is None or self._current[0] != epoch:
            file = self._folder / f"negatives-{epoch:04}.npy"
            keys = self._read(file) if file.is_file() else None
            if keys is None:
                keys = self._mine(ask)
                _write(file, keys)
            self._current = epoch, self._with_vectors(keys)
        return self._current[1]

    def clear(self) -> None:
        """Drop every table: a run begins, or is done."""
        self._current = None
        for file in self._folder.glob("negatives-*.npy*"):
            file.unlink(missing_ok=True)

    def _mine(self, ask: Ask) -> Keys:
        """Return (Q, k) keys of the catalogue; 0 where there is none, as no key is."""
        table = np.zeros((len(self._photos.references), self._count), np.uint64)
        for start in range(0, len(self._asked), AT_ONCE):
            questions = self._asked[start : start + AT_ONCE]
            self._fill(table, questions, ask(questions))
        return table

    def _fill(self, table: Keys, questions: Numbers, queries: Vectors) -> None:
        """Write the negatives of some questions (N,) into the table, nearest first."""
        whole = self._gallery.catalog.vectors.count()
        answers = [self._photos.answers(question) for question in questions.tolist()]
        k = 2 * self._count + max(map(len, answers)) + 1
        open_ones = np.arange(len(questions))
        exact = whole <= EXACT_UP_TO
        for _ in range(ROUNDS):
            k = min(k, whole)
            found = self._gallery.index.search(queries[open_ones], k, exact=exact).keys
            keys = np.unique(np.concatenate(found))
            vectors = vectors_of(self._gallery, keys)
            short = []
            for one, near in zip(open_ones.tolist(), found, strict=True):
                rows = vectors[np.searchsorted(keys, near)]
                fit = near[self._may_be(int(questions[one]), answers[one], near, rows)]
                fit = fit[: self._count]
                table[questions[one], : len(fit)] = fit
                if len(fit) < self._count:
                    short.append(one)
            open_ones = np.array(short, np.int64)
            if not short or k == whole:
                break
            k *= 4

    def _may_be(
        self, question: int, answers: Numbers, keys: Keys, vectors: Vectors
    ) -> NDArray[np.bool_]:
        """Return (N,) which pictures are negatives of a question; its reference always is one."""
        photos = self._photos
        known = photos.keys[[*answers.tolist(), int(photos.references[question])]]
        alike = (vectors @ photos.vectors[answers].T).max(axis=1)  # (N,)
        fit: NDArray[np.bool_] = ~np.isin(keys, known) & (alike <= self._too_like)
        return fit

    def _with_vectors(self, table: Keys) -> Mined:
        """Return the table with its vectors; what has been forgotten meanwhile becomes none."""
        keys, rows = np.unique(np.append(np.uint64(0), table), return_inverse=True)
        vectors = vectors_of(self._gallery, keys)
        there = vectors.any(axis=1)
        return Mined(
            np.where(there, np.arange(len(keys)), 0)[rows[1:]].reshape(table.shape), vectors
        )

    def _read(self, file: Path) -> Keys:
        try:
            table: Keys = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(file) from error
        if table.shape != (len(self._photos.references), self._count) or table.dtype != np.uint64:
            raise _damaged(file)
        return table


def _write(file: Path, table: Keys) -> None:
    """Write a table in one step: a run that is killed leaves it whole or not there."""
    try:
        stream = io.BytesIO()  # numpy does not say why a file can't be written
        np.save(stream, table, allow_pickle=False)
        write_bytes(file, stream.getbuffer())
    except OSError as error:
        raise TrainingError(
            f"{file} can't be written: {error.strerror or error}",
            next_step(error, "choose another --out"),
        ) from error


def _damaged(file: Path) -> TrainingError:
    return TrainingError(f"what was saved in {file} is damaged", "begin again with --fresh")

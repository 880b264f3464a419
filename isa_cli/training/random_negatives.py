"""Random negatives: many of the gallery's pictures, drawn anew for each step (ours).

A batch holds too few targets to tell fine differences: what a query must win against later is the
whole gallery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isa_cli.filters import And
from isa_cli.training.triplet_photos import vectors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.training.triplet_photos import Numbers, TripletPhotos
    from isa_cli.types import Vectors

MOST = 100_000
"""Pictures that may be drawn: at 768 numbers, 300 MB."""


class RandomNegatives:
    """Pictures of a gallery, and which of them are right answers to a question.

    Args:
        gallery: open.
        photos: the questions.
        count: drawn for each step, if there are so many.
        seed: of every draw.
    """

    def __init__(self, gallery: Gallery, photos: TripletPhotos, *, count: int, seed: int) -> None:
        self._photos = photos
        self._seed = seed
        keys = np.sort(gallery.catalog.select(And(())))
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

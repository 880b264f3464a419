"""The photos a run learns from: those of a gallery whose files are still there, split in two."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import TrainingError
from isa_cli.filters import And
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.reporting import Reporter
    from isa_cli.types import Keys, Photo, Vectors

    RowNumbers = NDArray[np.int64]

MOST_HELD_OUT = 1_000
LEAST_HELD_OUT = 16
FEWEST = 2 * LEAST_HELD_OUT
"""Photos without which there is nothing to learn, or nothing to measure."""

_CHUNK = 4_096


@dataclass(frozen=True, eq=False)
class TrainingPhotos:
    """N photos, and which of them are held out; use ``TrainingPhotos.of``.

    Attributes:
        keys: (N,) uint64 catalogue keys, rising.
        contents: (N,) uint64, what each photo's bytes are: the head of its digest.
        paths: a readable file of each photo (``os.fsencode``).
        vectors: (N, D) float32, the large encoder's unit rows.
        train: rows that are learned from, rising.
        held_out: rows that are only measured on, rising.
    """

    keys: Keys
    contents: NDArray[np.uint64]
    paths: Sequence[bytes]
    vectors: Vectors
    train: RowNumbers
    held_out: RowNumbers

    @classmethod
    def of(
        cls,
        gallery: Gallery,
        *,
        held_out: float = 0.05,
        at_most: int | None = None,
        seed: int = 0,
        reporter: Reporter | None = None,
    ) -> TrainingPhotos:
        """Return the gallery's photos with a readable file.

        A photo's digest decides whether it is held out, not chance: of a gallery that has grown,
        no photo that was learned from before is held out now.  (Where the least or the most that
        may be held out came to bear, one that was held out may be learned from.)

        Args:
            gallery: with photos in it.
            held_out: share of the photos, but at least 16 and at most 1,000 of them.
            at_most: take only so many photos, drawn by the seed; of a gallery that has grown,
                mostly the same ones.
            seed: of that draw.
            reporter: told how many photos' files are gone.

        Raises:
            TrainingError: there are too few.
            GalleryError: nothing has ever been indexed here.
        """
        if not 0 < held_out < 1:
            raise ValueError(f"held_out must lie between 0 and 1, not {held_out}")
        dim = gallery.space.dim
        reporter = reporter or Silent()
        keys, contents, paths = _with_files(gallery.catalog, reporter)
        if at_most is not None:
            chosen = _draw(contents, at_most, seed)
            keys, contents, paths = keys[chosen], contents[chosen], [paths[row] for row in chosen]
        if len(keys) < FEWEST:
            raise TrainingError(
                f"training needs at least {FEWEST} photos, and there are {len(keys)} to learn from "
                f"in {gallery.folder}",
                "index more of them first: isa index FOLDER",
            )
        vectors = np.empty((len(keys), dim), np.float32)
        for found, rows in gallery.catalog.vectors.chunks(keys):
            vectors[np.searchsorted(keys, found)] = rows
        train, held = _split(contents, held_out)
        return cls(keys, contents, paths, vectors, train, held)

    def __len__(self) -> int:
        """Return N."""
        return len(self.keys)

    def without(self, keys: Keys) -> TrainingPhotos:
        """Return the photos less some; the others stay on their side of the split.

        Raises:
            TrainingError: too few are left.
        """
        kept = ~np.isin(self.keys, keys)
        numbers = np.cumsum(kept) - 1  # the new row of each old one
        train, held = (numbers[side[kept[side]]] for side in (self.train, self.held_out))
        if not len(train) or not len(held):
            raise TrainingError(
                f"only {int(kept.sum())} of {len(self)} photos can be read",
                "check the drive they are on, or index again: isa index",
            )
        return replace(
            self,
            keys=self.keys[kept],
            contents=self.contents[kept],
            paths=[path for path, keep in zip(self.paths, kept, strict=True) if keep],
            vectors=self.vectors[kept],
            train=train,
            held_out=held,
        )

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return how many full batches there are; one if there are fewer photos than that."""
        return max(1, len(self.train) // batch_size)

    def batch_rows(self, step: int, batch_size: int, seed: int) -> RowNumbers:
        """Return the rows (B,) of a step, newly shuffled in each epoch.

        Step and seed alone decide, whatever was asked before.
        """
        epoch, number = divmod(step, self.steps_per_epoch(batch_size))
        order = _shuffled(len(self.train), epoch, seed)
        return self.train[order[number * batch_size : (number + 1) * batch_size]]


@lru_cache(maxsize=2)  # this epoch's, and the next one's for who looks ahead
def _shuffled(count: int, epoch: int, seed: int) -> RowNumbers:
    return np.random.default_rng((seed, epoch)).permutation(count)


def _with_files(
    catalog: Catalog, reporter: Reporter
) -> tuple[Keys, NDArray[np.uint64], list[bytes]]:
    """Return keys (N,), contents (N,) and one path of each photo that has a readable file."""
    every = catalog.vectors.select(And(()))
    found: list[tuple[int, int, bytes]] = []
    with reporter.progress("looking for photos", len(every), "photo") as progress:
        for start in range(0, len(every), _CHUNK):
            chunk = every[start : start + _CHUNK]
            for key, photos in sorted(catalog.photos.of(chunk).items()):
                path = next(filter(None, map(readable, photos)), None)
                if path is not None:
                    found.append((key, int(photos[0].digest[:16], 16), path))
            progress.advance(len(chunk))
    if gone := len(every) - len(found):
        reporter.note(f"{gone:,} of {len(every):,} photos are left out: their files are gone")
    keys = np.array([key for key, _, _ in found], np.uint64)
    contents = np.array([content for _, content, _ in found], np.uint64)
    return keys, contents, [path for _, _, path in found]


def readable(photo: Photo) -> bytes | None:
    """Return a path at which the photo's content still seems to be, if there is one."""
    for path in photo.paths:
        try:
            size = os.stat(path).st_size  # noqa: PTH116 - pathlib takes no bytes
        except OSError:
            continue
        if size == photo.bytes and os.access(path, os.R_OK):
            return path
    return None


def _draw(contents: NDArray[np.uint64], count: int, seed: int) -> RowNumbers:
    """Return up to ``count`` rows, rising: each photo's lot depends on it and the seed alone."""
    key = seed.to_bytes(8, "little", signed=True)
    lots = [blake2b(content.tobytes(), digest_size=8, key=key).digest() for content in contents]
    order = sorted(range(len(lots)), key=lots.__getitem__)
    return np.array(sorted(order[:count]), np.int64)


def _split(contents: NDArray[np.uint64], share: float) -> tuple[RowNumbers, RowNumbers]:
    """Return (train, held out) rows: held out are the lowest contents, which are as good as chance.

    Those below a fixed mark would do, were it not for the least and the most.
    """
    below = int((contents < np.uint64(int(share * 2.0**64))).sum())
    count = min(max(below, LEAST_HELD_OUT), MOST_HELD_OUT)
    order = np.argsort(contents, kind="stable")
    return np.sort(order[count:]), np.sort(order[:count])

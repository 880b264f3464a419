"""The pixels of a run's photos: decoded once if they fit, changed by chance, ready ahead of use."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from PIL import Image

from isa_cli.config import usable_cores
from isa_cli.errors import ImageError, TrainingError
from isa_cli.images import open_image, read_file
from isa_cli.reporting import Silent
from isa_cli.training.data.augment import augmented
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from isa_cli.reporting import Reporter
    from isa_cli.training.data.augment import Augmentation
    from isa_cli.training.data.photos import RowNumbers, TrainingPhotos
    from isa_cli.types import Pixels

    Made: TypeAlias = Pixels | str  # the pixels, or why there are none
    Batch: TypeAlias = tuple[RowNumbers, list[Pixels]]

MARGIN = 1.15
"""How much larger than the encoder's input pictures are kept: timm's crop takes 0.875 of a side."""

CACHE_BYTES = 2 * 2**30


class TrainingPictures:
    """What an encoder sees of a run's photos; close it, or use it as a context.

    Args:
        photos: whose rows are asked for.
        prepare: resizes and crops a picture for the encoder; called in many threads.
        augment: how the pictures of a step are changed first; ``None``: not at all.
        size: (height, width) of the encoder's input.
        batch_size, seed: of the steps, so that a step can be prepared ahead of its use.
        workers: decoding threads; ``None``: one per usable core.
        cache_bytes: how much of decoded pictures may be kept for the next epoch.
        reporter: told of files that can't be opened, once each.
    """

    def __init__(
        self,
        photos: TrainingPhotos,
        prepare: Callable[[Image.Image], Pixels],
        augment: Augmentation | None,
        *,
        size: tuple[int, int],
        batch_size: int,
        seed: int = 0,
        workers: int | None = None,
        cache_bytes: int = CACHE_BYTES,
        reporter: Reporter | None = None,
    ) -> None:
        self._photos = photos
        self._prepare = prepare
        self._augment = augment
        self._height, self._width = (math.ceil(side * MARGIN) for side in size)
        self._batch_size = batch_size
        self._seed = seed
        self._reporter = reporter or Silent()
        self._pool = ThreadPoolExecutor(workers or usable_cores(), "isa-pictures")
        self._ahead: dict[int, tuple[RowNumbers, list[Future[Made]]]] = {}
        self._lock = threading.Lock()
        self._kept: dict[int, Pixels] = {}
        self._room = cache_bytes
        self._lost: set[int] = set()

    def __enter__(self) -> Self:
        """Return the pictures themselves."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close them."""
        self.close()

    def close(self) -> None:
        """Wait for what is being decoded and forget everything; closing twice is harmless."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._ahead.clear()
        self._kept.clear()

    def batch(self, step: int, rows: RowNumbers) -> Batch:
        """Return the rows (B',) whose files could be opened, and their pixels, changed by chance.

        Seed, step and row alone decide how.

        Raises:
            TrainingError: none could be opened.
        """
        ready = self._ahead.pop(step, None)
        for passed in [old for old in self._ahead if old < step]:
            self._drop(*self._ahead.pop(passed))
        if ready is not None and not np.array_equal(ready[0], rows):
            self._drop(*ready)
            ready = None
        _, futures = ready or (rows, self._start(rows, step))
        return self._gather(rows, futures)

    def plain(self, rows: RowNumbers) -> Batch:
        """Return the rows (B',) whose files could be opened, and their pixels, unchanged.

        Raises:
            TrainingError: none could be opened.
        """
        return self._gather(rows, self._start(rows, None))

    def prefetch(self, step: int) -> None:
        """Begin to make a step's pixels in the background; at once if that has begun already."""
        if step not in self._ahead:
            rows = self._photos.batch_rows(step, self._batch_size, self._seed)
            self._ahead[step] = rows, self._start(rows, step)

    # --- in the caller's thread ------------------------------------------------------------------

    def _start(self, rows: RowNumbers, step: int | None) -> list[Future[Made]]:
        return [self._pool.submit(partial(self._make, int(row), step)) for row in rows]

    def _drop(self, _: RowNumbers, futures: list[Future[Made]]) -> None:
        for future in futures:
            future.cancel()

    def _gather(self, rows: RowNumbers, futures: list[Future[Made]]) -> Batch:
        there: list[int] = []
        pixels: list[Pixels] = []
        for row, made in zip(rows.tolist(), [future.result() for future in futures], strict=True):
            if isinstance(made, str):
                self._warn(row, made)
            else:
                there.append(row)
                pixels.append(made)
        if not there:
            raise TrainingError(
                f"none of {len(rows)} photos can be opened any more",
                "check the drive they are on, or index again: isa index",
            )
        return np.array(there, np.int64), pixels

    def _warn(self, row: int, reason: str) -> None:
        if row not in self._lost:
            self._lost.add(row)
            path = self._photos.paths[row]
            self._reporter.warn(f"{printable(path)} is left out: {reason}")

    # --- in the decoder's threads ----------------------------------------------------------------

    def _make(self, row: int, step: int | None) -> Made:
        """Return the pixels of one row for a step, or unchanged for ``None``."""
        try:
            picture = self._picture(row)
        except ImageError as error:
            return error.reason
        if step is not None and self._augment is not None:
            rng = np.random.default_rng((self._seed, step, row))
            picture = augmented(picture, rng, self._augment)
        return self._prepare(picture)

    def _picture(self, row: int) -> Image.Image:
        """Return a row's picture, small; the same whether it was kept or is decoded again."""
        with self._lock:
            kept = self._kept.get(row)
        if kept is not None:
            return Image.fromarray(kept)
        data = read_file(self._photos.paths[row])
        picture, _ = open_image(data, at_least=(self._height, self._width))
        picture = self._small(picture)
        cost = 3 * picture.width * picture.height
        with self._lock:
            keep = row not in self._kept and cost <= self._room
            if keep:
                self._room -= cost
                self._kept[row] = np.asarray(picture)
        return picture

    def _small(self, picture: Image.Image) -> Image.Image:
        """Return the picture just large enough for a crop of the encoder's input."""
        scale = max(self._height / picture.height, self._width / picture.width)
        if scale >= 1:
            return picture
        size = round(picture.width * scale), round(picture.height * scale)
        return picture.resize(size, Image.Resampling.BICUBIC)

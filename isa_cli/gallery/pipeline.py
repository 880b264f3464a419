"""Stamps in, catalogue rows out: decoding beside encoding, one transaction per batch.

::

    stamps -> read, digest, decode (threads, ahead) -> batches -> encode (lanes, ahead) -> record

Files are read once: digest and picture come from the same bytes.  The catalogue is written from
one thread, in the order of the stamps; whatever kills the process can only lose the batches in
flight.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.config import usable_cores
from isa_cli.errors import ImageError, ModelError
from isa_cli.gallery.feed import ReadAhead, batched
from isa_cli.gallery.records import Embedded, Failed, Same
from isa_cli.images import digest, open_image, read_file, with_sidecars

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.gallery.records import Outcome
    from isa_cli.types import FileStamp, GalleryEncoder, PhotoInfo, Pixels, Reporter

    Vector = NDArray[np.float32]  # (D,)

AHEAD = 256
"""Files decoded ahead of the encoder; about 40 MB once they are resized to its input."""

SMALLEST_BATCH = 4
"""Photos in the last batches; still smaller ones would cost more than an idle lane."""

HELD_BYTES = 256 * 2**20
"""Decoded pictures that may wait, at full decoded size, for the model to be loaded."""


@dataclass(slots=True)
class _Decoded:
    """A new picture on its way to the encoder: resized already, or still waiting for it."""

    stamp: FileStamp
    digest: bytes
    info: PhotoInfo
    picture: Image | Pixels


class Pipeline:
    """One indexing run: what its threads share, and what became of the files.

    Args:
        catalog: open for writing.
        input_size: (height, width) of the encoder's input.
        batch_size: photos per encoder call; ``None``: what suits the encoder.
        workers: decoding threads; ``None``: one per usable core.

    Attributes:
        embedded: files that went through the encoder.
        reused: files whose bytes were known.
        failures: files that could not be read as a picture, with the reason.
        seconds: wall time from the loaded model on.
    """

    def __init__(
        self,
        catalog: Catalog,
        input_size: tuple[int, int],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
    ) -> None:
        self.embedded = self.reused = 0
        self.failures: list[tuple[bytes, str]] = []
        self.seconds = 0.0
        self._catalog = catalog
        self._input_size = input_size
        self._batch_size, self._workers = batch_size, workers or usable_cores()
        self._encoder: GalleryEncoder | None = None
        self._loaded = threading.Event()
        self._lock = threading.Lock()
        self._held = 0
        self._under_way: set[bytes] = set()
        self._reasons: dict[bytes, str] = {}
        self._waiting: list[Same] = []

    def embed(
        self,
        stamps: Sequence[FileStamp],
        make_encoder: Callable[[], GalleryEncoder],
        reporter: Reporter,
        stop: threading.Event,
    ) -> None:
        """Embed and record every stamp; the model loads while the first files are decoded.

        Args:
            stamps: new and changed files.
            make_encoder: loads the model.
            reporter: shows progress.
            stop: when set, the batches in flight are finished and recorded, and that is it.

        Raises:
            ModelError: the model cannot be loaded or fails on whole batches.
            GalleryError: the catalogue cannot be written.
        """
        ahead = max(AHEAD, self._workers)
        with ReadAhead(stamps, self._load, workers=self._workers, ahead=ahead) as loaded:
            try:
                encoder = self._encoder = make_encoder()
            finally:
                self._loaded.set()
            began = time.monotonic()
            size, lanes = self._batch_size or encoder.batch_size, encoder.lanes
            sizes = partial(_tapered, size=size, lanes=lanes, total=len(stamps))
            batches = batched(loaded, sizes, lambda item: isinstance(item, _Decoded))
            going = takewhile(lambda _: not stop.is_set(), batches)
            with (
                ReadAhead(going, self._encode, workers=lanes, ahead=2 * lanes) as encoded,
                reporter.progress("indexing", len(stamps), "img") as progress,
            ):
                for outcomes in encoded:
                    self._record(outcomes)
                    progress.advance(len(outcomes))
                if self._waiting:
                    self._record([])
            self.seconds = time.monotonic() - began

    # --- in the decoder's threads ---

    def _load(self, stamp: FileStamp) -> _Decoded | Same | Failed:
        """Read one file and make of it a picture, a copy of something known, or a failure."""
        key = b""
        try:
            data = read_file(stamp.path)
            key = digest(data)
            if self._is_known(key):
                return Same(stamp, key)
            image, info = open_image(data, at_least=self._input_size)
            return _Decoded(stamp, key, with_sidecars(stamp.path, info), self._prepared(image))
        except ImageError as error:
            with self._lock:
                self._reasons[key] = error.reason
            return Failed(stamp, error.reason)

    def _is_known(self, key: bytes) -> bool:
        """Return whether these bytes are catalogued, or on their way ahead of this file."""
        with self._lock:
            if key in self._under_way:
                return True
            self._under_way.add(key)
        known = self._catalog.has(key)
        if known:
            with self._lock:
                self._under_way.discard(key)
        return known

    def _prepared(self, image: Image) -> Image | Pixels:
        """Return the encoder's pixels; before it is loaded, the picture itself, within limits."""
        if not self._loaded.is_set():
            with self._lock:
                self._held += image.width * image.height * 3
                roomy = self._held <= HELD_BYTES
            if roomy:
                return image
            self._loaded.wait()
        return image if self._encoder is None else self._encoder.prepare(image)

    # --- in the encoder's lanes ---

    def _encode(self, batch: Sequence[_Decoded | Same | Failed]) -> list[Outcome]:
        """Return the outcomes of one batch, in order, with the vectors of what was decoded."""
        encoder = self._encoder
        assert encoder is not None
        decoded = [item for item in batch if isinstance(item, _Decoded)]
        pixels = [
            item.picture if isinstance(item.picture, np.ndarray) else encoder.prepare(item.picture)
            for item in decoded
        ]
        vectors = iter(_encode_or_blame(encoder, pixels))
        return [
            self._outcome(item, next(vectors)) if isinstance(item, _Decoded) else item
            for item in batch
        ]

    def _outcome(self, item: _Decoded, vector: Vector | str) -> Embedded | Failed:
        if isinstance(vector, str):
            self._reasons[item.digest] = vector  # its copies fail with it
            return Failed(item.stamp, vector)
        return Embedded(item.stamp, item.digest, item.info, vector)

    # --- in the caller's thread ---

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        """Write one batch, and the copies that were waiting for a picture in it."""
        embedded = [outcome for outcome in outcomes if isinstance(outcome, Embedded)]
        here = {outcome.digest for outcome in embedded}
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        copies: list[Same] = []
        waiting, self._waiting = self._waiting, []
        for copy in (*waiting, *(o for o in outcomes if isinstance(o, Same))):
            if copy.digest in here or self._catalog.has(copy.digest):
                copies.append(copy)
            elif copy.digest in self._reasons:
                failed.append(Failed(copy.stamp, self._reasons[copy.digest]))
            else:  # the picture that it copies is in a later batch
                self._waiting.append(copy)
        self._catalog.record([*embedded, *copies, *failed])
        with self._lock:
            self._under_way -= here
        self.embedded += len(embedded)
        self.reused += len(copies)
        self.failures += [(outcome.stamp.path, outcome.reason) for outcome in failed]


def _tapered(done: int, *, size: int, lanes: int, total: int) -> int:
    """Return the next batch size: smaller ones at the end, so that all lanes end together."""
    return min(size, max(SMALLEST_BATCH, -(-(total - done) // (2 * lanes))))


def _encode_or_blame(encoder: GalleryEncoder, pixels: Sequence[Pixels]) -> list[Vector | str]:
    """Return one vector (D,) per picture; where a batch fails, the reason for the guilty ones.

    Raises:
        ModelError: every picture of a batch of several failed; then the model is to blame.  A
            picture alone takes the blame itself, or it would stop every run it is left over for.
    """
    if not pixels:
        return []
    try:
        return list(encoder.encode(pixels))
    except ModelError:
        results: list[Vector | str] = []
        for one in pixels:
            try:
                results.append(encoder.encode([one])[0])
            except ModelError as error:
                results.append(error.message)
        if len(pixels) > 1 and all(isinstance(result, str) for result in results):
            raise
        return results

"""Folders in, an up-to-date gallery out: the whole of ``isa index`` below the command line.

::

    scan -> files -> forget what is gone -> bring the index up to date

    files: read, digest, decode (threads, ahead) -> batches -> encode (lanes, ahead) -> record

The work is the worker's, the writing the recorder's; here they run ahead of each other.  The
recorder is called from one thread, in the order of the files.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from isa_cli.config import usable_cores
from isa_cli.gallery.ignore import ScanOptions
from isa_cli.gallery.read_ahead import ReadAhead, batched
from isa_cli.gallery.recorder import Recorder
from isa_cli.gallery.walk import Tally, gone, scan
from isa_cli.gallery.worker import encode, is_decoded, load
from isa_cli.images import looks_like_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.protocols import GalleryEncoder
    from isa_cli.reporting import Reporter
    from isa_cli.types import FileStamp, Pixels

AHEAD = 256
"""Files decoded ahead of the encoder; about 40 MB once they are resized to its input."""

SMALLEST_BATCH = 4
"""Photos in the last batches; still smaller ones would cost more than an idle lane."""

HELD_BYTES = 256 * 2**20
"""Decoded pictures that may wait, at full decoded size, for the model to be loaded."""


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index.

    Attributes:
        scan: which files count.
        batch_size: photos per encoder call; ``None``: what suits the encoder.
        workers: decoding threads; ``None``: one per usable core.
        limit: stop after this many new or changed files.
        dry_run: look, and write nothing.
    """

    scan: ScanOptions = field(default_factory=ScanOptions)
    batch_size: int | None = None
    workers: int | None = None
    limit: int | None = None
    dry_run: bool = False


@dataclass(slots=True)
class Summary:
    """What became of every file.

    Attributes:
        tally: what the walk passed over, and why.
        found: new or changed files.
        embedded: went through the encoder.
        reused: moved, renamed, copied or only touched; recognised by their bytes.
        failures: could not be read as a picture, with the reason.
        gone: catalogued files that are no longer there, now forgotten.
        interrupted: stopped by a signal; the same command goes on from here.
        seconds: wall time of the whole run, and ``encoding_seconds`` from the loaded model on.
    """

    tally: Tally
    found: int = 0
    embedded: int = 0
    reused: int = 0
    failures: list[tuple[bytes, str]] = field(default_factory=list)
    gone: int = 0
    interrupted: bool = False
    seconds: float = 0.0
    encoding_seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many of the found files are in the catalogue now, failures included."""
        return self.embedded + self.reused + len(self.failures)

    @property
    def remaining(self) -> int:
        """How many of the found files are still to do."""
        return self.found - self.done


def index_folders(
    gallery: Gallery,
    roots: Sequence[bytes],
    make_encoder: Callable[[], GalleryEncoder],
    input_size: tuple[int, int],
    options: IndexOptions,
    reporter: Reporter,
    stop: threading.Event,
) -> Summary:
    """Bring the gallery up to date with what lies in ``roots``, and say what was done.

    Args:
        gallery: open for writing.
        roots: absolute folders or files (``os.fsencode``).
        make_encoder: loads the model; called only if something has to be embedded, while the
            first files are already being decoded.
        input_size: (height, width) of the encoder's input.
        options: how.
        reporter: progress, and the lines worth saying.
        stop: when set, the batches in flight are finished and saved, and the run ends.

    Raises:
        ModelError: the model cannot be loaded or fails on whole batches.
        GalleryError: the catalogue cannot be written.
    """
    started = time.monotonic()
    catalog = gallery.catalog
    summary = Summary(Tally())
    found = scan(roots, catalog, options.scan, summary.tally, is_photo=looks_like_photo)
    with reporter.progress("scanning", None, "file") as progress:
        stamps = []
        for stamp in takewhile(lambda _: not stop.is_set(), islice(found, options.limit)):
            stamps.append(stamp)
            progress.advance()
    summary.found = len(stamps)
    if options.dry_run:
        summary.gone = len(list(gone(roots, catalog, summary.tally)))
    else:
        for root in roots:
            catalog.metadata.add_root(root)
        if stamps and not stop.is_set():
            recorder = Recorder(catalog)
            summary.encoding_seconds = embed_files(
                stamps,
                recorder,
                make_encoder,
                input_size,
                reporter,
                stop,
                batch_size=options.batch_size,
                workers=options.workers,
            )
            summary.embedded, summary.reused = recorder.embedded, recorder.reused
            summary.failures = recorder.failures
        summary.interrupted = stop.is_set()
        if not summary.interrupted and summary.remaining == 0:
            lost = list(gone(roots, catalog, summary.tally))
            summary.gone = catalog.forget(lost).files
            gallery.refresh_index()
    summary.seconds = time.monotonic() - started
    return summary


def embed_files(
    stamps: Sequence[FileStamp],
    recorder: Recorder,
    make_encoder: Callable[[], GalleryEncoder],
    input_size: tuple[int, int],
    reporter: Reporter,
    stop: threading.Event,
    *,
    batch_size: int | None = None,
    workers: int | None = None,
) -> float:
    """Embed and record every file; return the wall seconds from the loaded model on.

    Args:
        stamps: new and changed files.
        recorder: writes the outcomes down, and counts them.
        make_encoder: loads the model, in this thread, while the first files are being decoded.
        input_size: (height, width) of the encoder's input.
        reporter: shows progress.
        stop: when set, the batches in flight are finished and recorded, and that is it.
        batch_size: photos per encoder call; ``None``: what suits the encoder.
        workers: decoding threads; ``None``: one per usable core.

    Raises:
        ModelError: the model cannot be loaded or fails on whole batches.
        GalleryError: the catalogue cannot be written.
    """
    workers, model = workers or usable_cores(), _ModelToCome()
    read = partial(load, input_size=input_size, known=recorder.is_known, prepare=model.prepare)
    with ReadAhead(stamps, read, workers=workers, ahead=max(AHEAD, workers)) as loaded:
        try:
            encoder = model.encoder = make_encoder()
        finally:
            model.settled.set()
        began = time.monotonic()
        size, lanes = batch_size or encoder.batch_size, encoder.lanes
        sizes = partial(_tapered, size=size, lanes=lanes, total=len(stamps))
        going = takewhile(lambda _: not stop.is_set(), batched(loaded, sizes, is_decoded))
        work = partial(encode, encoder=encoder)
        with (
            ReadAhead(going, work, workers=lanes, ahead=2 * lanes) as done,
            reporter.progress("indexing", len(stamps), "img") as progress,
        ):
            for outcomes in done:
                recorder.record(outcomes)
                progress.advance(len(outcomes))
            recorder.finish()
        return time.monotonic() - began


class _ModelToCome:
    """The encoder as the decoders see it: their pictures wait for it, within limits.

    Attributes:
        encoder: once it is loaded.
        settled: set when it is, or when it never will be.
    """

    def __init__(self) -> None:
        self.encoder: GalleryEncoder | None = None
        self.settled = threading.Event()
        self._lock = threading.Lock()
        self._held = 0

    def prepare(self, image: Image) -> Image | Pixels:
        """Return the encoder's pixels; before it is loaded, the picture itself, within limits."""
        if not self.settled.is_set():
            with self._lock:
                self._held += image.width * image.height * 3
                roomy = self._held <= HELD_BYTES
            if roomy:
                return image
            self.settled.wait()
        return image if self.encoder is None else self.encoder.prepare(image)


def _tapered(done: int, *, size: int, lanes: int, total: int) -> int:
    """Return the next batch size: smaller ones at the end, so that all lanes end together."""
    return min(size, max(SMALLEST_BATCH, -(-(total - done) // (2 * lanes))))

"""Folders in, an up-to-date gallery out: the whole of ``isa index`` below the command line.

::

    scan -> pipeline (decode, encode, record) -> forget what is gone -> bring the index up to date
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from isa_cli.gallery import scan
from isa_cli.gallery.ignore import parents
from isa_cli.gallery.pipeline import Pipeline
from isa_cli.images import looks_like_photo

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.types import GalleryEncoder, Reporter


@dataclass(frozen=True, slots=True)
class Options:
    """How to index.

    Attributes:
        scan: which files count.
        batch_size: photos per encoder call; ``None``: what suits the encoder.
        workers: decoding threads; ``None``: one per usable core.
        limit: stop after this many new or changed files.
        dry_run: look, and write nothing.
    """

    scan: scan.Options = field(default_factory=scan.Options)
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

    tally: scan.Tally
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
    options: Options,
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
    summary = Summary(scan.Tally())
    walk = scan.scan(roots, catalog, options.scan, summary.tally, is_photo=looks_like_photo)
    with reporter.progress("scanning", None, "file") as progress:
        stamps = []
        for stamp in takewhile(lambda _: not stop.is_set(), islice(walk, options.limit)):
            stamps.append(stamp)
            progress.advance()
    summary.found = len(stamps)
    _leave_alone_what_was_named(set(catalog.roots()) - set(roots), summary.tally)
    if options.dry_run:
        summary.gone = len(list(scan.gone(roots, catalog, summary.tally)))
    else:
        for root in roots:
            catalog.add_root(root)
        if stamps and not stop.is_set():
            pipeline = Pipeline(
                catalog, input_size, batch_size=options.batch_size, workers=options.workers
            )
            pipeline.embed(stamps, make_encoder, reporter, stop)
            summary.embedded, summary.reused = pipeline.embedded, pipeline.reused
            summary.failures, summary.encoding_seconds = pipeline.failures, pipeline.seconds
        summary.interrupted = stop.is_set()
        if not summary.interrupted and summary.remaining == 0:
            lost = list(scan.gone(roots, catalog, summary.tally))
            summary.gone = catalog.forget(lost).files
            gallery.refresh_index()
    summary.seconds = time.monotonic() - started
    return summary


def _leave_alone_what_was_named(roots: Iterable[bytes], tally: scan.Tally) -> None:
    """Keep what an earlier run was asked to index, though in a bin or the like.

    Args:
        roots: known ones that this run was not asked about.
        tally: of the walk that passed over the bin.
    """
    for root in roots:
        if any(folder in tally.derivatives for folder in (root, *parents(root))):
            tally.left_alone.add(root)

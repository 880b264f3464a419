"""Learning from the photos of any folders: they are indexed into a gallery in the cache."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.config import cache_dir
from isa_cli.errors import GalleryMissing, TrainingError, UsageError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.paths import catalogued
from isa_cli.query.lookup import QUERY_MODEL
from isa_cli.training.data.photos import FEWEST

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.encoders.foundation import Foundation
    from isa_cli.gallery.indexing import Summary
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace


def folder_of(name: str) -> bytes:
    """Return a folder of photos as the catalogue writes it.

    Raises:
        UsageError: there is none.
    """
    path = catalogued(name)
    if not name or not os.path.isdir(path):  # noqa: PTH112 - bytes
        raise UsageError(f"there is no folder {wording.printable(name)!r}", "check --images")
    return path


def gallery_for(folders: Sequence[bytes], space: EmbeddingSpace) -> Path:
    """Return where the photos of folders are indexed for a model, which need not have been done.

    Args:
        folders: absolute (``os.fsencode``).
        space: of the model.
    """
    parts = b"\0".join([space.digest.encode(), *sorted(set(folders))])
    return cache_dir() / "train" / blake2b(parts, digest_size=8).hexdigest()


def query_model_in(gallery: Path, space: EmbeddingSpace) -> Path:
    """Return where a query model goes into a gallery that it is of use to.

    Asked before hours are spent.

    Args:
        gallery: its folder.
        space: of the query model.

    Raises:
        UsageError: there is no such gallery, or it holds another model's vectors.
    """
    try:
        with Gallery.open(gallery) as opened:
            held = opened.catalog.metadata.space
    except GalleryMissing:
        held = None
    hint = "say where the query model goes: --out query.safetensors"
    if held is None:
        raise UsageError(f"there is no gallery in {gallery} to put the query model into", hint)
    if held != space:
        raise UsageError(
            f"a query model for {space} is of no use to the gallery {gallery}, which holds {held}",
            hint,
        )
    return gallery / QUERY_MODEL


def index_apart(
    gallery: Path,
    folders: Sequence[bytes],
    foundation: Foundation,
    reporter: Reporter,
    stop: threading.Event,
) -> None:
    """Index folders into a gallery of their own; what is there already is not embedded again.

    Args:
        gallery: where, see ``gallery_for``.
        folders: absolute (``os.fsencode``).
        foundation: that embeds the photos.
        reporter: told what is done.
        stop: when set, what is under way is saved, and that is it.

    Raises:
        TrainingError: too few photos.
        ModelError: the model can't be had.
        UsageError: there is no such device or precision here.
        GalleryError: the cache can't be written to.
    """
    from isa_cli.encoders.devices import same_threads_afterwards  # noqa: PLC0415 - torch

    embedding = foundation.anew()  # whose images are not looked at any more when it learns
    embedding.check()
    with (
        Gallery.open(gallery, writable=True, space=embedding.space, reporter=reporter) as opened,
        same_threads_afterwards(),
    ):
        opened.catalog.metadata.set_setting("model", embedding.name)
        summary = index_folders(
            opened,
            folders,
            embedding.gallery_encoder,
            embedding.input_size,
            IndexOptions(),
            reporter,
            stop,
        )
        count = opened.catalog.vectors.count()
    if not stop.is_set():
        _check(summary, count, folders, reporter)


def _check(summary: Summary, count: int, folders: Sequence[bytes], reporter: Reporter) -> None:
    """Say what became of the photos, and refuse too few."""
    if failed := len(summary.failures):
        files = wording.counted(failed, "file")
        reporter.warn(f"{files} that can't be read as a picture will be left out")
    if count < FEWEST:
        names = ", ".join(os.fsdecode(name) for name in folders)
        raise TrainingError(
            f"training needs at least {FEWEST} photos, and there are {count} below {names}",
            "name a folder with more of them, or several: --images DIR --images DIR",
        )
    reporter.note(f"{wording.counted(count, 'photo')} to learn from, {summary.embedded:,} new")

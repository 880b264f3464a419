"""Which photos ``isa train`` learns from: a gallery's own, or any folder's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import options
from isa_cli.errors import GalleryMissing, TrainingError, UsageError
from isa_cli.paths import catalogued
from isa_cli.query.lookup import QUERY_MODEL

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.config import Settings
    from isa_cli.gallery.indexing import Summary
    from isa_cli.types import EmbeddingSpace


@dataclass(frozen=True, slots=True)
class Source:
    """Where photos and their vectors are, and where what is learned from them goes.

    Attributes:
        gallery: the folder of the gallery with the photos.
        model: its model by name.
        out: the query model's file.
    """

    gallery: Path
    model: str
    out: Path


def folder(name: str) -> bytes:
    """Return a folder of photos as the catalogue writes it.

    Raises:
        UsageError: there is none.
    """
    path = catalogued(name)
    if not name or not os.path.isdir(path):  # noqa: PTH112 - bytes
        raise UsageError(f"there is no folder {wording.printable(name)!r}", "check --images")
    return path


def own(settings: Settings, model: str | None, out: Path | None) -> Source:
    """Return the gallery's own photos.

    Raises:
        GalleryMissing: there is no gallery.
    """
    from isa_cli.gallery.gallery import Gallery

    try:
        with Gallery.open(settings.gallery) as gallery:
            name = options.model_for(model, settings, gallery)
    except GalleryMissing as error:
        raise GalleryMissing(
            error.message,
            "make one with: isa index FOLDER; or name photos to learn from: isa train --images DIR",
        ) from error
    return Source(settings.gallery, name, out or settings.gallery / QUERY_MODEL)


def indexed(
    folders: Sequence[bytes],
    settings: Settings,
    model: str | None,
    out: Path | None,
    reporter: ConsoleReporter,
    stop: threading.Event,
) -> Source:
    """Return the photos of folders, indexed in the cache; what is there already is not embedded.

    Args:
        folders: absolute (``os.fsencode``).
        settings: the user's gallery among them.
        model: the flag.
        out: where the query model goes; ``None``: into the user's gallery.
        reporter: told what is done.
        stop: when set, what is under way is saved, and that is it.

    Raises:
        UsageError: there is no gallery that the query model could go into.
        TrainingError: too few photos.
    """
    from isa_cli.config import cache_dir
    from isa_cli.encoders import locate

    name, space = _foundation(settings, model)
    files = locate(name, reporter)
    if out is None:
        _check_home(settings.gallery, space, files.space)
        out = settings.gallery / QUERY_MODEL
    where = cache_dir() / "train" / _key(files.space, folders)
    summary, count = _index(where, folders, name, settings, reporter, stop)
    if not stop.is_set():
        _check(summary, count, folders, reporter)
    return Source(where, name, out)


def _foundation(settings: Settings, flag: str | None) -> tuple[str, EmbeddingSpace | None]:
    """Return the model by name, and the space of the user's gallery, if there is one."""
    from isa_cli.gallery.gallery import Gallery

    try:
        with Gallery.open(settings.gallery) as gallery:
            return options.model_for(flag, settings, gallery), gallery.catalog.metadata.space
    except GalleryMissing:
        return options.model_for(flag, settings), None


def _check_home(gallery: Path, space: EmbeddingSpace | None, wanted: EmbeddingSpace) -> None:
    """Refuse a gallery that the query model would be of no use to, before hours are spent."""
    hint = "say where the query model goes: --out query.safetensors"
    if space is None:
        raise UsageError(f"there is no gallery in {gallery} to put the query model into", hint)
    if space != wanted:
        raise UsageError(
            f"a query model for {wanted} is of no use to the gallery {gallery}, which holds "
            f"{space}",
            hint,
        )


def _key(space: EmbeddingSpace, folders: Sequence[bytes]) -> str:
    """Return a name for the photos of these folders in this space."""
    parts = b"\0".join([space.digest.encode(), *sorted(set(folders))])
    return blake2b(parts, digest_size=8).hexdigest()


def _index(
    where: Path,
    folders: Sequence[bytes],
    name: str,
    settings: Settings,
    reporter: ConsoleReporter,
    stop: threading.Event,
) -> tuple[Summary, int]:
    """Index as ``isa index`` does, and return what was done and how many photos there are."""
    from isa_cli.cli.index import encoder_for
    from isa_cli.encoders.devices import same_threads_afterwards
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.gallery.indexing import IndexOptions, index_folders

    with (
        Gallery.open(where, writable=True, reporter=reporter) as gallery,
        same_threads_afterwards(),
    ):
        size, make_encoder = encoder_for(name, gallery, settings, reporter)
        summary = index_folders(
            gallery, folders, make_encoder, size, IndexOptions(), reporter, stop
        )
        return summary, gallery.catalog.vectors.count()


def _check(
    summary: Summary, count: int, folders: Sequence[bytes], reporter: ConsoleReporter
) -> None:
    """Say what became of the photos, and refuse too few."""
    from isa_cli.training.data.photos import FEWEST

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

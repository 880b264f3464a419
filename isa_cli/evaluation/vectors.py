"""A benchmark's pictures as vectors, through the gallery that also indexes people's photos.

The catalogue is the cache: a second run embeds nothing, and one that was stopped goes on where it
was.  Pictures are recognised by their bytes, so benchmarks that share some share their vectors.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH116

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.config import cache_dir
from isa_cli.errors import GalleryMissing, ImageError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import embed_files
from isa_cli.gallery.recorder import Recorder
from isa_cli.types import FileStamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.protocols import GalleryEncoder
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Vectors


def cache_folder(space: EmbeddingSpace, precision: str) -> Path:
    """Return where a model's vectors are kept between runs.

    Half precision moves a vector a little: one cache for both would make a number depend on what
    was run before it.
    """
    return cache_dir() / "eval" / f"{space.digest[:16]}-{precision}"


def vectors_of(
    images: Sequence[Path],
    folder: Path,
    space: EmbeddingSpace,
    make_encoder: Callable[[], GalleryEncoder],
    input_size: tuple[int, int],
    reporter: Reporter,
) -> Vectors:
    """Return (N, D) float32 unit rows, one per image and in their order.

    Args:
        images: files; one may be there twice.
        folder: of the gallery that keeps the vectors; made if need be.
        space: of the encoder.
        make_encoder: loads the model; called only if something has to be embedded.
        input_size: (height, width) of the encoder's input.
        reporter: shows progress.

    Raises:
        ImageError: a picture is missing or can't be read; it is named, and nothing is left out.
        ModelError: the model cannot be loaded or fails on whole batches.
        GalleryError: the cache can't be written, or another process is writing it.
    """
    paths = [os.path.abspath(os.fsencode(image)) for image in images]
    stamps = _stamps(paths)
    known = _all_known(paths, stamps, folder, space)
    if known is not None:
        return known
    with Gallery.open(folder, writable=True, space=space, reporter=reporter) as gallery:
        new = _unknown(stamps, gallery.catalog)
        if new:
            recorder = Recorder(gallery.catalog)
            embed_files(new, recorder, make_encoder, input_size, reporter, threading.Event())
            _refuse(recorder.failures)
        return _read(paths, gallery.catalog, space.dim)


def _all_known(
    paths: Sequence[bytes], stamps: Sequence[FileStamp], folder: Path, space: EmbeddingSpace
) -> Vectors | None:
    """Return the vectors if all are there: reading need not wait for another run that writes."""
    try:
        with Gallery.open(folder, space=space) as gallery:
            if not _unknown(stamps, gallery.catalog):
                return _read(paths, gallery.catalog, space.dim)
    except GalleryMissing:
        pass
    return None


def _stamps(paths: Sequence[bytes]) -> list[FileStamp]:
    """Return each file as it is now, once."""
    stamps, missing = [], []
    for path in dict.fromkeys(paths):
        try:
            status = os.stat(path)
        except OSError as error:
            missing.append((path, error.strerror or str(error)))
        else:
            stamps.append(FileStamp(path, status.st_size, status.st_mtime_ns))
    _refuse(missing)
    return stamps


def _unknown(stamps: Sequence[FileStamp], catalog: Catalog) -> list[FileStamp]:
    """Return the files that are new or changed, or failed before: somebody may have mended them."""
    folders = {os.path.dirname(stamp.path) for stamp in stamps}  # noqa: PTH120
    known = {
        os.path.join(folder, name): (file.size, file.mtime_ns)  # noqa: PTH118
        for folder in folders
        for name, file in catalog.files_in(folder).items()
        if not file.failed
    }
    return [stamp for stamp in stamps if known.get(stamp.path) != (stamp.size, stamp.mtime_ns)]


def _read(paths: Sequence[bytes], catalog: Catalog, dim: int) -> Vectors:
    """Return the catalogue's vectors in the order of the paths, (N, D)."""
    positions: dict[bytes, list[int]] = {}
    for position, path in enumerate(paths):
        positions.setdefault(path, []).append(position)
    rows = np.empty((len(paths), dim), np.float32)
    for keys, vectors in catalog.vectors.chunks():
        photos = catalog.photos.of(keys)
        for key, vector in zip(keys.tolist(), vectors, strict=True):
            for photo in photos.get(key, ()):
                for path in positions.keys() & set(photo.paths):
                    rows[positions.pop(path)] = vector
    _refuse([(path, "changed while it was being read") for path in positions])
    return rows


def _refuse(failures: Sequence[tuple[bytes, str]]) -> None:
    """Name the pictures that are missing from a benchmark, if there are any."""
    if not failures:
        return
    path, reason = failures[0]
    others = f", and {len(failures) - 1:,} more" if len(failures) > 1 else ""
    raise ImageError(
        f"the benchmark's picture {os.fsdecode(path)} can't be used: {reason}{others}",
        "a number with pictures left out would be another number; put it right and run again",
    )

"""Index files on disk: written whole or not at all, and checked before anything reads them.

A file is never changed once it is there.  Readers map it into memory, and to them a file that is
rewritten or cut short is a crash (SIGBUS); USearch itself dies on a file with a flipped bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from typing import TYPE_CHECKING

from isa_cli.errors import GalleryError
from isa_cli.gallery.records import IndexFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PREFIX, _SUFFIX, _UNFINISHED = "index-", ".usearch", ".part"


class UnusableError(Exception):
    """An index file that must be made again; its text is the reason, to follow a colon."""


def write(
    folder: Path,
    save: Callable[[str], object],
    *,
    generation: int,
    last_key: int,
    removed: int,
    settings: str,
) -> IndexFile:
    """Return what there is to know about a new, durable index file.

    Args:
        folder: where it goes.
        save: writes the index to the path it is given.
        generation: one more than the last file's.
        last_key: see ``IndexFile``, as for the rest.
        removed: tombstones.
        settings: how it was built.

    Raises:
        GalleryError: it can't be written; nothing is left behind.
    """
    path = folder / f"{_PREFIX}{generation}{_SUFFIX}"
    part = path.with_name(path.name + _UNFINISHED)
    try:
        save(os.fspath(part))
        size, digest = _seal(part)
        part.replace(path)
        _sync_folder(folder)
    except (OSError, RuntimeError) as error:  # USearch reports a full disk as RuntimeError
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise GalleryError(
            f"the search index can't be written to {folder}: {error}",
            "the catalogue is safe; make room and run the command again",
        ) from error
    return IndexFile(
        name=path.name,
        size=size,
        sha256=digest,
        generation=generation,
        last_key=last_key,
        removed=removed,
        settings=settings,
    )


def checked(folder: Path, file: IndexFile | None, settings: str) -> mmap.mmap:
    """Return the file's bytes, mapped; they are the ones that were written, with these settings.

    Raises:
        UnusableError: there is no such file, or it is not as it was written.
    """
    if file is None:
        raise UnusableError("there is none yet")
    if file.settings != settings:
        raise UnusableError("it was built with other settings")
    try:
        with (folder / file.name).open("rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            if size != file.size or not size:
                raise UnusableError(f"{file.name} has {size:,} bytes instead of {file.size:,}")
            image = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise UnusableError(f"{file.name} is missing") from None
    except OSError as error:
        raise UnusableError(f"{file.name} can't be read: {error.strerror}") from error
    if hashlib.sha256(image).hexdigest() != file.sha256:
        image.close()
        raise UnusableError(f"{file.name} is damaged")
    return image


def sweep(folder: Path, keep: str) -> None:
    """Delete every index file but one; a reader that has an old one mapped keeps its bytes."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}*"):
        if path.name != keep:
            with contextlib.suppress(OSError):  # Windows: mapped elsewhere, goes the next time
                path.unlink()


def _seal(path: Path) -> tuple[int, str]:
    """Make a finished file durable and return its size and SHA-256."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        return os.fstat(handle.fileno()).st_size, digest


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

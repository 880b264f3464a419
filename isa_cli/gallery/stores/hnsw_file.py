"""The HNSW graph's file: written whole or not at all, checked before use, and how far it goes.

A file is never changed once it is there.  Readers map it into memory, and to them a file that is
rewritten or cut short is a crash (SIGBUS); USearch itself dies on a file with a flipped bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from typing import TYPE_CHECKING

from isa_cli import atomic
from isa_cli.atomic import replacing
from isa_cli.errors import GalleryError
from isa_cli.filters import And
from isa_cli.gallery.records import IndexFile
from isa_cli.gallery.stores.hnsw import BuildParams, Graph
from isa_cli.gallery.stores.scoring import members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.protocols import VectorRows
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Keys, Vectors

_STEP = 512
"""Vectors added between two looks at the progress."""

_MOST_REMOVED = 0.3
"""Share of tombstones past which a graph is made again: 0.9 makes it seven times slower."""


class HnswFile:
    """The graph of a gallery, read from its file if that is sound, and empty if not.

    Args:
        folder: the gallery's.
        space: of the vectors.
        rows: the catalogue.
        file: the index file that the catalogue knows of.
        record: told of every new file; ``None`` opens the graph for reading.
        shape: how the graph is built.
        reporter: told when vectors have to be added from the catalogue, and why.

    Attributes:
        graph: the HNSW graph.
        covered: every vector of the catalogue up to this key is in the graph.
        reason: why the file was of no use, and '' if it was or has been replaced.
    """

    def __init__(
        self,
        folder: Path,
        space: EmbeddingSpace,
        rows: VectorRows,
        file: IndexFile | None,
        *,
        record: Callable[[IndexFile], None] | None,
        shape: BuildParams,
        reporter: Reporter,
    ) -> None:
        self._folder, self._dim, self._rows, self._file = folder, space.dim, rows, file
        self._record, self._shape, self._reporter = record, shape, reporter
        self._settings = shape.settings(space)
        self.covered, self.reason, self._changed = 0, "", True
        try:
            self.graph = self._read()
        except UnusableError as error:
            self.graph, self.reason = Graph(self._dim, shape), str(error)
        else:
            self.covered, self._changed = file.last_key if file else 0, False

    def _read(self) -> Graph:
        image = checked(self._folder, self._file, self._settings)
        kind = Graph.load if self.writable else Graph.view
        try:
            return kind(image, self._dim, self._shape)
        except RuntimeError as error:  # written by a USearch that this one doesn't understand
            raise UnusableError(f"USearch can't read it: {error}") from error

    @property
    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._record is not None

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add vectors that the catalogue has been given; ``covered`` rises with ``replay``."""
        self._check_writable()
        if len(keys):
            self.graph.add(keys, vectors)
            self._changed = True

    def remove(self, keys: Keys) -> None:
        """Forget keys that the catalogue has forgotten."""
        self._check_writable()
        if len(keys):
            self.graph.remove(keys)
            self._changed = True

    def replay(self) -> None:
        """Bring the graph up to the catalogue: add what it lacks, drop what is gone."""
        self._check_writable()
        live, held = self._rows.select(And(())), self.graph.keys
        self.remove(held[~members(held, live)])
        removed = self.graph.removed
        if removed > _MOST_REMOVED * (removed + len(self.graph)):
            self.reason = f"{removed:,} of its vectors have been removed"
            held = held[:0]
            self._start_over()
        self._fetch(live[~members(live, held)])
        self.covered, self.reason = int(live[-1]) if len(live) else 0, ""

    def rebuild(self) -> None:
        """Make the graph again from the catalogue, whatever there is."""
        self._check_writable()
        self.reason = self.reason or "it was asked for"
        self._start_over()
        self.replay()

    def flush(self) -> None:
        """Bring the graph up to the catalogue, and its file up to the graph."""
        if self._record is None:
            return
        self.replay()
        if not self._changed:
            return
        self._file = write(
            self._folder,
            self.graph.save,
            generation=self._file.generation + 1 if self._file else 1,
            last_key=self.covered,
            removed=self.graph.removed,
            settings=self._settings,
        )
        self._record(self._file)
        self._changed = False
        sweep(self._folder, keep=self._file.name)

    def close(self) -> None:
        """Release the file and the memory; closing twice is harmless."""
        self.covered = 0
        self.graph.close()

    def _check_writable(self) -> None:
        if not self.writable:
            raise ValueError("this index was opened for reading")

    def _start_over(self) -> None:
        self.graph.close()
        self.graph, self.covered, self._changed = Graph(self._dim, self._shape), 0, True

    def _fetch(self, keys: Keys) -> None:
        """Add these vectors from the catalogue, and say so."""
        if not len(keys):
            return
        if self.reason:
            self._reporter.note(f"making the search index from the catalogue: {self.reason}")
        else:
            self._reporter.note(f"adding {len(keys):,} photos to the search index")
        with self._reporter.progress("search index", len(keys), "photo") as progress:
            for chunk_keys, vectors in self._rows.chunks(keys):
                for start in range(0, len(chunk_keys), _STEP):
                    step = slice(start, start + _STEP)
                    self.add(chunk_keys[step], vectors[step])
                    progress.advance(len(chunk_keys[step]))


_PREFIX, _SUFFIX = "index-", ".usearch"


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
    try:
        with replacing(path) as part:
            save(os.fspath(part))
            with part.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, RuntimeError) as error:  # USearch reports a full disk as RuntimeError
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
    atomic.sweep(folder, f"{_PREFIX}*{_SUFFIX}")
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}*"):
        if path.name != keep:
            with contextlib.suppress(OSError):  # Windows: mapped elsewhere, goes the next time
                path.unlink()

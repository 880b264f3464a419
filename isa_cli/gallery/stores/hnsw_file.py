"""The HNSW graph's file: written whole or not at all, checked before use, and how far it reaches.

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
from isa_cli.errors import GalleryError, next_step
from isa_cli.gallery.records import IndexFile
from isa_cli.gallery.stores.hnsw import BuildParams, Graph
from isa_cli.gallery.stores.scoring import reach
from isa_cli.types import IndexStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.protocols import VectorRows
    from isa_cli.types import EmbeddingSpace, Keys, Vectors

_MOST_REMOVED = 0.3
"""Share of tombstones past which a graph is made again: 0.9 makes it seven times slower."""


class HnswFile:
    """The graph of a gallery, read from its file if that is sound, and empty if not.

    Any number of threads may search while one writes.

    Args:
        folder: the gallery's.
        space: of the vectors.
        rows: the catalogue.
        file: the index file that the catalogue knows of.
        record: told of every new file; ``None`` opens the graph for reading.
        shape: how the graph is built.
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
    ) -> None:
        self._folder, self._dim, self._rows = folder, space.dim, rows
        self._record, self._shape = record, shape
        self._settings = shape.settings(space)
        self._generation = file.generation if file else 0
        self._file: IndexFile | None = None  # the one that goes with the graph
        self._reason, self._changed = "", True
        self._state: tuple[Graph, int]  # replaced as a whole, so that no thread sees half of it
        try:
            self._state = (self._read(file), file.last_key if file else 0)
        except UnusableError as error:
            self._state, self._reason = (Graph(self._dim, shape), 0), str(error)
        else:
            self._file, self._changed = file, False

    def _read(self, file: IndexFile | None) -> Graph:
        image = checked(self._folder, file, self._settings)
        kind = Graph.load if self.writable else Graph.view
        try:
            return kind(image, self._dim, self._shape)
        except RuntimeError as error:  # written by a USearch that this one doesn't understand
            raise UnusableError(f"USearch can't read it: {error}") from error

    @property
    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._record is not None

    @property
    def state(self) -> tuple[Graph, int]:
        """The graph, and the key up to which every vector of the catalogue is in it."""
        return self._state

    @property
    def graph(self) -> Graph:
        """The graph alone, for who does not search it."""
        return self._state[0]

    def status(self) -> IndexStatus:
        """Return how the graph stands to the catalogue."""
        graph, covered = self._state
        return IndexStatus(
            engine="HNSW",
            vectors=len(graph),
            behind=self._rows.count(after=covered),
            reason=self._reason,
            bytes=self._file.size if self._file else 0,
            place=self._file.name if self._file else "",
        )

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add vectors that the catalogue has been given; ``flush`` says that they are covered."""
        self._check_writable()
        if len(keys):
            self.graph.add(keys, vectors)
            self._changed = True

    def remove(self, keys: Keys) -> None:
        """Forget keys that the catalogue has forgotten; past too many the graph is emptied."""
        self._check_writable()
        if not len(keys):
            return
        graph = self.graph
        graph.remove(keys)
        self._changed = True
        removed = graph.removed
        if removed > _MOST_REMOVED * (removed + len(graph)):
            self._state = Graph(self._dim, self._shape), 0
            self._reason = f"{removed:,} of its vectors have been removed"
            graph.close()

    def flush(self) -> None:
        """Write what has changed into a new file, and how far it reaches in the catalogue."""
        if self._record is None or not self._changed:
            return
        graph = self.graph
        covered = reach(self._rows, graph.holds)
        file = write(
            self._folder,
            graph.save,
            generation=self._generation + 1,
            last_key=covered,
            removed=graph.removed,
            settings=self._settings,
        )
        try:
            self._record(file)
        except GalleryError:  # a full disk: the old file is the catalogue's still
            with contextlib.suppress(OSError):
                (self._folder / file.name).unlink()
            raise
        self._file = file
        self._generation += 1
        self._state, self._reason, self._changed = (graph, covered), "", False
        sweep(self._folder, keep=file.name)

    def close(self) -> None:
        """Release the file and the memory; closing twice is harmless."""
        graph = self.graph
        self._state = graph, 0
        graph.close()

    def _check_writable(self) -> None:
        if not self.writable:
            raise ValueError("this index was opened for reading")


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
    """Writes a new, durable index file, and says all there is to know about it.

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
            "the catalogue is safe; "
            + next_step(error, "make room, or ask for the permission, and run the command again"),
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

"""The gallery: one folder with a catalogue, and an index that follows it.

The catalogue is the truth; the index is a copy that is made again whenever it is missing, stale
or damaged.  One process writes at a time, any number read.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from isa_cli.errors import GalleryError, GalleryLocked, SpaceMismatch, next_step
from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.records import Forgotten
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.protocols import VectorIndex
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, IndexStatus

CATALOG = "catalog.db"
LOCK = "writer.lock"

LONG_TAIL = 4_096
"""Vectors a search may compare one by one because the index lacks them, before it is mended."""


class Gallery:
    """An open gallery; use ``Gallery.open``.  Any number of threads may search one.

    Attributes:
        folder: where it lives.
        catalog: what is in it.
    """

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        reporter: Reporter,
        cleanup: ExitStack,
        *,
        writable: bool,
    ) -> None:
        self.folder = folder
        self.catalog = catalog
        self._reporter = reporter
        self._cleanup = cleanup
        self._writable = writable
        self._index: VectorIndex | None = None
        self._opening = threading.RLock()  # held to open or close the index
        self._filling = threading.Lock()  # held while it is brought up to date, beside searches

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        writable: bool = False,
        space: EmbeddingSpace | None = None,
        reporter: Reporter | None = None,
    ) -> Gallery:
        """Return the gallery in a folder; close it, or use it as a context.

        Args:
            folder: of the gallery; created if it is to be written.
            writable: take the writer's lock; otherwise the gallery is only read.
            space: refuse the gallery if its vectors live in another one; a writable gallery
                without vectors takes it as its own.
            reporter: told when the index is made again, and why.

        Raises:
            GalleryMissing: there is none to read.
            GalleryLocked: another process is writing.
            GalleryDamaged: the catalogue is no database, or a broken one.
            SpaceMismatch: it holds another model's vectors.
        """
        with ExitStack() as cleanup:
            if writable:
                cleanup.enter_context(_writer_lock(folder))
            catalog = cleanup.enter_context(Catalog.open(folder / CATALOG, writable=writable))
            gallery = cls(
                folder, catalog, reporter or Silent(), cleanup.pop_all(), writable=writable
            )
        if space is not None:
            try:
                gallery.expect(space)
            except BaseException:
                gallery.close()
                raise
        return gallery

    def expect(self, space: EmbeddingSpace) -> None:
        """Check that vectors of this space belong here; an empty writable gallery adopts it.

        Raises:
            SpaceMismatch: the gallery holds another model's vectors.
        """
        if self._writable:
            self.catalog.metadata.set_space(space)
        elif self.catalog.metadata.space not in {None, space}:
            raise SpaceMismatch(self.space, space)

    def close(self) -> None:
        """Release files and the writer's lock; closing twice is harmless."""
        self._close_index()
        self._cleanup.close()

    def __enter__(self) -> Self:
        """Return the gallery itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its vectors.

        Raises:
            GalleryError: nothing has ever been indexed here.
        """
        space = self.catalog.metadata.space
        if space is None:
            raise GalleryError(
                f"the gallery {self.folder} is empty", "fill it with: isa index FOLDER"
            )
        return space

    # --- the index ---

    @property
    def index(self) -> VectorIndex:
        """The vector index, opened when first asked for and mended first if need be."""
        with self._opening:
            if self._index is None:
                index = self._open_index(writable=self._writable)
                if not self._writable and _is_stale(index.status()):
                    index = self._mended(index)
                self._index = index
            return self._index

    def index_status(self) -> IndexStatus:
        """Return how the index stands to the catalogue, as it lies: checked and not mended."""
        with self._opening:
            if self._index is not None:
                return self._index.status()
            with closing(self._open_index(writable=False)) as index:
                return index.status()

    def refresh_index(self) -> None:
        """Bring the index up to the catalogue and make it durable.

        Raises:
            ValueError: the gallery is open for reading only.
            GalleryError: the index can't be written.
        """
        self._fill_index(afresh=False)

    def rebuild(self) -> None:
        """Make the index again from the catalogue, whatever there is; raises as above.

        The one that is there stays the catalogue's until the new one is whole.
        """
        self._fill_index(afresh=True)
        if self.index.status().engine == "exact":
            self.catalog.metadata.set_index_file(None)  # of a time when there were more photos

    def _fill_index(self, *, afresh: bool) -> None:
        from isa_cli.gallery.stores.sync import sync  # noqa: PLC0415 - status needs no numpy

        if not self._writable:
            raise ValueError("this gallery is open for reading only")
        with self._filling:
            with self._opening:
                self._close_index()  # a gallery that has grown may need another engine
                self._index = index = self._open_index(writable=True, afresh=afresh)
            sync(index, self.catalog.vectors, self._reporter, afresh=afresh)
            index.flush()

    def _open_index(self, *, writable: bool, afresh: bool = False) -> VectorIndex:
        from isa_cli.gallery.stores import open_index  # noqa: PLC0415 - status needs no numpy

        file = self.catalog.metadata.index_file()
        if afresh and file is not None:
            file = replace(file, settings="")  # nobody's: so that it is not even looked at
        return open_index(
            self.folder,
            self.space,
            self.catalog.vectors,
            file,
            record=self.catalog.metadata.set_index_file if writable else None,
        )

    def _close_index(self) -> None:
        with self._opening:
            if self._index is not None:
                self._index.close()
                self._index = None

    def _mended(self, index: VectorIndex) -> VectorIndex:
        """Return a stale index brought up to date if nobody is writing, and as it is if not."""
        why = index.status().reason or "it lacks the newest photos"
        index.close()
        try:
            with Gallery.open(self.folder, writable=True, reporter=self._reporter) as writer:
                writer.refresh_index()
        except GalleryError as error:
            self._reporter.note(f"searching without the full index ({why}): {error.message}")
        return self._open_index(writable=False)

    # --- forgetting ---

    def forget(self, paths: Sequence[bytes]) -> Forgotten:
        """Forget files and all files below folders; the index follows with the next indexing.

        Returns:
            What was forgotten, summed over the paths.
        """
        import numpy as np  # noqa: PLC0415 - status needs none

        each = [self.catalog.forget_under(path) for path in paths]
        return Forgotten(
            files=sum(one.files for one in each),
            photos=sum(one.photos for one in each),
            keys=np.concatenate([np.empty(0, np.uint64), *(one.keys for one in each)]),
        )

    # --- facts ---

    def bytes_on_disk(self) -> int:
        """The size of the gallery's folder in bytes."""
        with os.scandir(self.folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())

    def index_report(self) -> str:
        """Return how a search here compares vectors, in one line; loads no engine."""
        from isa_cli.gallery.stores import EXACT_BELOW, expected_status  # noqa: PLC0415

        status = (
            expected_status(self.catalog.vectors, self.catalog.metadata.index_file())
            if self._index is None
            else self._index.status()
        )
        if status.engine == "exact":
            return f"exact (up to {EXACT_BELOW:,} photos every vector is compared)"
        if status.reason:
            return f"{status.engine}, made by the next search or isa index: {status.reason}"
        return f"{status.engine} in {status.place}, {status.bytes / 2**20:.1f} MB"


def _is_stale(status: IndexStatus) -> bool:
    """Return whether an index is of no use, or lacks more than a search should make up for."""
    return bool(status.reason) or status.behind > LONG_TAIL


def _writer_lock(folder: Path) -> ExitStack:
    """Return the writer's lock, held until the stack is closed or the process dies.

    Raises:
        GalleryLocked: another process holds it.
        GalleryError: the folder can't be created or written to.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only writers need it

    owner = folder / "writer.pid"
    stack = ExitStack()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(FileLock(folder / LOCK, timeout=0))
        owner.write_text(str(os.getpid()))
    except Timeout:
        pid = owner.read_text() if owner.is_file() else "unknown"
        raise GalleryLocked(
            f"another isa (process {pid}) is writing to the gallery {folder}",
            "wait until it is done; searching works meanwhile",
        ) from None
    except OSError as error:
        stack.close()
        raise GalleryError(
            f"the gallery {folder} can't be written to: {error.strerror or error}",
            next_step(
                error, "check the folder's permissions, or choose another with --gallery DIR"
            ),
        ) from error
    stack.callback(owner.unlink, missing_ok=True)
    return stack

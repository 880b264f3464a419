"""Local features on disk, beside the gallery's vectors: computed once, read through memory maps.

Three files of the gallery's folder.  The values and the names only ever grow; the header says how
much of them counts, and is replaced as a whole once they are durable.  Whatever kills the process
can therefore only lose the append that was under way, and what it left behind is written over.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli.atomic import write_text
from isa_cli.errors import GalleryError, next_step

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.types import EmbeddingSpace, Keys

HEADER = "local-features.json"
VALUES = "local-features.f16"
NAMES = "local-features.names"
LOCK = "local-features.lock"

_FORMAT = 1
_NAME_BYTES = 16
"""A key and a mark, uint64 each."""


class PatchFeatures:
    """The local features of a gallery's photos; use ``PatchFeatures.open``.

    Attributes:
        grid: cells per side of a picture.
        dim: D.
    """

    def __init__(self, folder: Path, space: EmbeddingSpace, grid: int) -> None:
        if grid < 1:
            raise ValueError(f"a grid of {grid} x {grid} has no cells")
        self.grid = grid
        self.dim = space.dim
        self._folder = folder
        self._about = {"format": _FORMAT, "digest": space.digest, "dim": self.dim, "grid": grid}
        self._load()

    @classmethod
    def open(cls, folder: Path, space: EmbeddingSpace, grid: int) -> PatchFeatures:
        """Return the local features in a gallery's folder; nothing is written yet.

        Those of another space or grid are left alone until the first ``append`` replaces them.

        Args:
            folder: of the gallery.
            space: of the encoder.
            grid: cells per side of a picture.
        """
        return cls(folder, space, grid)

    def __len__(self) -> int:
        """Return how many rows there are; one that was replaced counts too."""
        return len(self._values)

    def missing(self, keys: Keys, marks: Keys | None = None) -> Keys:
        """Return those of the keys that have no local features, in their order.

        Args:
            keys: (K,) uint64 catalogue keys.
            marks: (K,) uint64, what each photo's bytes are; local features with another mark are
                missing too.  A catalogue that was deleted and made again gives out the same keys
                to other photos.
        """
        rows, known = self._find(keys)
        if marks is not None and len(self._marks):
            known &= self._marks[rows] == np.asarray(marks, np.uint64)
        return np.asarray(keys, np.uint64)[~known]

    def rows(self, keys: Keys) -> NDArray[np.float32]:
        """Return the local features (K, P, D) float32 of K keys.

        Raises:
            ValueError: a key has none.
        """
        rows, known = self._find(keys)
        if not known.all():
            raise ValueError(f"no local features for {int((~known).sum())} of {len(keys)} keys")
        return self._values[rows].astype(np.float32)

    def append(self, keys: Keys, values: NDArray[np.floating], marks: Keys | None = None) -> None:
        """Add local features and make them durable; those of a known key are replaced.

        Args:
            keys: (K,) uint64 catalogue keys.
            values: (K, P, D), kept in float16.
            marks: (K,) uint64, as ``missing`` compares them.

        Raises:
            ValueError: the shapes don't fit.
            GalleryError: the files can't be written.
        """
        if values.shape != (len(keys), self.grid**2, self.dim):
            raise ValueError(
                f"values must be {(len(keys), self.grid**2, self.dim)}, not {values.shape}"
            )
        names = np.zeros((len(keys), 2), np.uint64)
        names[:, 0] = keys
        names[:, 1] = 0 if marks is None else marks
        from filelock import FileLock  # noqa: PLC0415 - only writers need it

        try:
            with FileLock(self._folder / LOCK):
                self._load()  # another process may have added some
                self._write(values.astype("<f2").tobytes(), names.astype("<u8").tobytes())
                self._load()
        except OSError as error:
            raise GalleryError(
                f"local features can't be written to {self._folder}: {error.strerror or error}",
                next_step(error, "check the folder's permissions; what was computed is kept"),
            ) from error

    # --- files -----------------------------------------------------------------------------------

    def _write(self, values: bytes, names: bytes) -> None:
        """Put both behind what counts, then say that they count."""
        before = len(self._values)
        if before == 0:
            # other local features may lie there; a process that reads them keeps its own copy
            self._write_header(0)
            for name in (VALUES, NAMES):
                (self._folder / name).unlink(missing_ok=True)
        _append(self._folder / VALUES, before * self._value_bytes, values)
        _append(self._folder / NAMES, before * _NAME_BYTES, names)
        self._write_header(before + len(names) // _NAME_BYTES)

    def _write_header(self, count: int) -> None:
        write_text(self._folder / HEADER, json.dumps({**self._about, "count": count}))

    def _load(self) -> None:
        """Map what counts: as many rows as the header says and both files really have."""
        values, names = self._folder / VALUES, self._folder / NAMES
        count = min(
            self._read_count(),
            _size(values) // self._value_bytes,
            _size(names) // _NAME_BYTES,
        )
        shape = (count, self.grid**2, self.dim)
        self._values: NDArray[np.float16] = (
            np.memmap(values, "<f2", mode="r", shape=shape) if count else np.empty(shape, "<f2")
        )
        with_marks = (
            np.fromfile(names, "<u8", count * 2).reshape(count, 2)
            if count
            else np.empty((0, 2), "<u8")
        )
        self._keys, self._marks = with_marks[:, 0].copy(), with_marks[:, 1].copy()
        self._order = np.argsort(self._keys, kind="stable")  # of equal keys, the newest comes last

    def _read_count(self) -> int:
        try:
            header: Any = json.loads((self._folder / HEADER).read_text(encoding="utf-8"))
            count = header.pop("count")
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            return 0  # not there, or nothing that can be relied on
        return max(0, count) if header == self._about and isinstance(count, int) else 0

    def _find(self, keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the newest row (K,) of each key, and which keys (K,) have one."""
        wanted = np.asarray(keys, np.uint64)
        if not len(self._keys):
            return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
        places = np.searchsorted(self._keys, wanted, side="right", sorter=self._order) - 1
        rows = self._order[np.maximum(places, 0)]
        return rows, self._keys[rows] == wanted

    @property
    def _value_bytes(self) -> int:
        return 2 * self.dim * self.grid**2


def _append(path: Path, end: int, data: bytes) -> None:
    """Write behind the first ``end`` bytes of a file, in place of whatever is there."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(end)
        file.seek(end)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

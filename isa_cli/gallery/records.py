"""What goes into the catalogue and what it says about itself; plain values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from isa_cli.types import FileStamp, Keys, PhotoInfo


# --- what indexing found out about a file --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file whose bytes were new and have been embedded.

    Attributes:
        stamp: the file.
        digest: of its bytes.
        info: what the bytes say.
        vector: (D,) float32; any length but zero, the catalogue normalises it.
    """

    stamp: FileStamp
    digest: bytes
    info: PhotoInfo
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Same:
    """A file whose bytes are known: moved, renamed, copied or touched.

    They are catalogued already, or on their way there with another file.
    """

    stamp: FileStamp
    digest: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that is no picture, remembered so that it is not retried until it changes.

    Attributes:
        stamp: the file.
        reason: why, in a short phrase.
        digest: of its bytes, where they could be read.
    """

    stamp: FileStamp
    reason: str
    digest: bytes | None = None


Outcome: TypeAlias = Embedded | Same | Failed


# --- what the catalogue answers ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when last indexed, and whether that failed."""

    size: int
    mtime_ns: int
    failed: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a call to ``forget`` removed.

    Attributes:
        files: files, remembered failures included.
        photos: contents that no file has any more.
        keys: (N,) uint64, the vectors that went with them; the index should drop these.
    """

    files: int
    photos: int
    keys: Keys


@dataclass(frozen=True, slots=True)
class IndexFile:
    """The index file that goes with the catalogue; any other file is stale or damaged.

    Attributes:
        name: of the file, within the gallery.
        size: in bytes.
        sha256: hex digest of the whole file.
        generation: one more with every file written.
        last_key: the highest vector key in it.
        removed: how many tombstones it carries.
        settings: how it was built, as JSON.
    """

    name: str
    size: int
    sha256: str
    generation: int
    last_key: int
    removed: int
    settings: str


@dataclass(frozen=True, slots=True)
class Stats:
    """A gallery in numbers.

    Attributes:
        roots: the folders and files that were asked to be indexed.
        photos: distinct contents.
        files: files that have a content; copies count.
        failed: files remembered as failures.
        vectors: distinct vectors.
        bytes: the size of all files together.
        folders: folders with at least one catalogued file.
        first_taken, last_taken: the span of the exposures, ISO 8601 without zone.
    """

    roots: tuple[bytes, ...]
    photos: int
    files: int
    failed: int
    vectors: int
    bytes: int
    folders: int
    first_taken: str | None
    last_taken: str | None

"""The nouns that every room shares: arrays, embedding spaces, photos, queries; no behaviour.

Arrays live outside torch: wherever a signature says ``Vectors`` it means a float32 numpy array
(N, D) with unit rows, and ``Keys`` a uint64 array (N,).  Shapes use one letter each, everywhere:
B batch, Q queries, N gallery vectors, D joint embedding, k answers, H, W, C pixels.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Vectors: TypeAlias = NDArray[np.float32]  # (N, D), unit rows
    Keys: TypeAlias = NDArray[np.uint64]  # (N,), each below 2**63
    Pixels: TypeAlias = NDArray[np.uint8]  # (H, W, 3), RGB, already resized for one encoder


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Where a vector lives: two vectors may be compared only if their spaces are equal.

    Attributes:
        name: what a person calls the model, ``ARCH/TAG`` or a folder's name.  Not compared:
            the same weights under another name are the same space.
        dim: D, the length of a vector.
        digest: hex digest of the weights and the preprocessing.
    """

    name: str = field(compare=False)
    dim: int
    digest: str

    def __str__(self) -> str:
        """Return the name, dimension and the digest's first eight digits, as messages show it."""
        return f"{self.name} ({self.dim}-d, {self.digest[:8]})"


# --- photos ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What a photo says about itself, metadata included; ``None`` where it says nothing.

    Attributes:
        format: Pillow's name of the sniffed format, upper case: ``JPEG``, ``HEIF``, ...
        width, height: pixels, after the EXIF orientation has been applied.
        orientation: the EXIF orientation, 1 to 8 (1 where absent or senseless).
        taken_at: local time of the exposure as ISO 8601 without zone, ``2024-05-01T12:30:00``.
        camera: maker and model in one string, without repeating the maker.
        latitude, longitude: WGS 84 degrees.
        dated_by: what ``taken_at`` really is: the moment of the exposure; of the file's creation,
            as a PNG's text has it; or, for want of both, of digitising or editing.  It tells what
            a better source may replace, and is neither catalogued nor compared.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    taken_at: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    dated_by: Literal["exposure", "creation", "editing"] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file as ``stat`` sees it; equal stamps mean 'unchanged' and cost no read.

    Attributes:
        path: absolute and kept as bytes (``os.fsencode``): a file name need not be text.
        size: in bytes.
        mtime_ns: when its bytes were last written, as far as programs let that be seen.
        ctime_ns: when anything about it was last changed, which no program can set; ``None``:
            nobody looked.
        inode: what the file system calls it; ``None``: nobody looked.
    """

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int | None = None
    inode: int | None = None

    @classmethod
    def of(cls, path: bytes, found: os.stat_result) -> FileStamp:
        """The stamp of a file that ``stat`` found, in numbers that SQLite keeps: 64 signed bits."""
        return cls(
            path,
            found.st_size,
            _clipped(found.st_mtime_ns),
            _clipped(found.st_ctime_ns),
            signed(found.st_ino),
        )


def signed(inode: int) -> int:
    """An inode as a signed number of 64 bits; some file systems use all of them."""
    return (inode + _INT64) % (2 * _INT64) - _INT64


def _clipped(time_ns: int) -> int:
    """A time within the years that fit, to 2262."""
    return max(-_INT64, min(time_ns, _INT64 - 1))


_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Photo:
    """A content of the gallery and where its files are.

    Attributes:
        key: the content's key in the catalogue.
        digest: hex digest of the file's bytes.
        paths: every file with this content (``os.fsencode``), sorted; at least one.
        bytes: file size.
        info: what the bytes say.

    Examples:
        >>> from isa_cli import Photo
        >>> photo = Photo(1, "ab12", (b"/photos/dog.jpg",), 2048, PhotoInfo("JPEG", 640, 480))
        >>> photo.path.name, photo.info.width
        ('dog.jpg', 640)
    """

    key: int
    digest: str
    paths: tuple[bytes, ...]
    bytes: int
    info: PhotoInfo

    @property
    def path(self) -> Path:
        """The first of its files."""
        return Path(os.fsdecode(self.paths[0]))


# --- queries and answers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """One question: reference images, the words that change them, and what must not show.

    Attributes:
        references: (R, D) unit rows of the reference images; R may be 0.
        modifier: the words, or '' for none.
        avoid_images: (R', D) unit rows of images whose like is unwanted.
        avoid_texts: words for what is unwanted.
        images: the reference images themselves, opened only if a composer looks at them
            (learned composers do; training-free ones use ``references``).

    Examples:
        >>> import numpy as np
        >>> from isa_cli import Query
        >>> query = Query(np.eye(2, 4, dtype=np.float32), "at night", avoid_texts=("people",))
        >>> query.references.shape, query.modifier
        ((2, 4), 'at night')
    """

    references: Vectors
    modifier: str = ""
    avoid_images: Vectors | None = None
    avoid_texts: tuple[str, ...] = ()
    images: tuple[Callable[[], Image], ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """The answers to Q queries, best first.

    Attributes:
        keys: one uint64 array per query, at most k long (shorter when the gallery is).
        scores: float32 cosines in [-1, 1], parallel to ``keys``, falling; equal scores by
            rising key, so that an answer never depends on the engine.
    """

    keys: list[Keys]
    scores: list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How an index stands to the catalogue that it is a copy of.

    Attributes:
        engine: what a person calls it: ``exact``, ``HNSW``.
        vectors: how many it has taken.
        behind: how many of the catalogue's vectors it has yet to take; what that costs is the
            engine's affair, an answer is right all the same.
        reason: why it is of no use until it is made again, to follow a colon; '' if it is.
        bytes: what it takes beside the catalogue, as far as the engine knows.
        place: where it is: a file of the gallery's folder, an address, or '' for nowhere.
    """

    engine: str
    vectors: int
    behind: int = 0
    reason: str = ""
    bytes: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer, for people: rank from 1, the cosine, and how far it stands out here.

    Attributes:
        rank: from 1.
        score: cosine of the composed query and the photo's vector.
        z: the score in standard deviations above this gallery's mean score for this query
            (ours); a cosine means little across models and modalities, this can be compared.
        photo: what was found.
        similar: photos folded into this answer by ``--group``.
        companions: the same shot in other files beside it: the RAW, an edited copy.

    Examples:
        >>> from isa_cli import Hit, Photo
        >>> photo = Photo(1, "ab12", (b"/photos/dog.jpg",), 2048, PhotoInfo("JPEG", 640, 480))
        >>> hit = Hit(rank=1, score=0.31, z=2.4, photo=photo)
        >>> f"{hit.score:.3f} {hit.photo.path.name}"
        '0.310 dog.jpg'
    """

    rank: int
    score: float
    z: float
    photo: Photo
    similar: tuple[Photo, ...] = ()
    companions: tuple[Photo, ...] = ()

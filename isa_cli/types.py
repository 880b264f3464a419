"""The nouns and the protocols that every room of the house shares; standard library only.

Arrays live outside torch: wherever a signature says ``Vectors`` it means a float32 numpy array
(N, D) with unit rows, and ``Keys`` a uint64 array (N,).  Shapes use one letter each, everywhere:
B batch, Q queries, N gallery vectors, D joint embedding, k answers, H, W, C pixels.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Vectors: TypeAlias = NDArray[np.float32]  # (N, D), unit rows
    Keys: TypeAlias = NDArray[np.uint64]  # (N,), each below 2**63
    Pixels: TypeAlias = NDArray[np.uint8]  # (H, W, 3), RGB, already resized for one encoder


# --- spaces ------------------------------------------------------------------------------------


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

    ``path`` is absolute and kept as bytes (``os.fsencode``): a file name need not be text.
    """

    path: bytes
    size: int
    mtime_ns: int


# --- what is asked of a gallery ----------------------------------------------------------------

Field: TypeAlias = Literal[
    "taken_at", "camera", "format", "width", "height", "long_side", "pixels", "bytes"
]
Scalar: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``; a photo that lacks the field never matches."""

    field: Field
    op: Literal["=", "<", "<=", ">", ">="]
    value: Scalar


@dataclass(frozen=True, slots=True)
class Contains:
    """The text field contains ``value``, ignoring case (``--camera pixel``)."""

    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of ``values``."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Under:
    """A file of the photo is ``folder`` itself or lies below it (absolute, ``os.fsencode``)."""

    folder: bytes


@dataclass(frozen=True, slots=True)
class Near:
    """The photo was taken within ``km`` kilometres of a point, along a great circle."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds; no parts at all always holds."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; no parts at all never holds."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold (a photo that lacks the part's field therefore matches)."""

    part: Where


Where: TypeAlias = "Compare | Contains | In | Under | Near | And | Or | Not"


# --- vectors and indexes -----------------------------------------------------------------------


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


class Rows(Protocol):
    """What a local index reads from the catalogue, which is the truth about vectors."""

    def count(self) -> int:
        """Return N, the number of vectors."""

    def select(self, where: Where) -> Keys:
        """Return the keys of the vectors that ``where`` keeps, rising."""

    def vectors(
        self, keys: Keys | None = None, *, after: int = 0
    ) -> Iterator[tuple[Keys, Vectors]]:
        """Yield (keys, vectors) in chunks by rising key.

        Args:
            keys: only these; keys that no longer exist are passed over.  ``None``: all.
            after: only keys greater than this one.
        """


@runtime_checkable
class VectorIndex(Protocol):
    """Nearest neighbours by cosine; every engine passes ``tests/contracts/test_vector_index.py``.

    Keys stay below 2**63 and vectors are finite unit rows; an engine refuses others with
    ``ValueError``.  A write is visible to the next search of the same object and durable after
    ``flush``.
    """

    @property
    def space(self) -> EmbeddingSpace:
        """The space that every stored vector lives in."""

    def __len__(self) -> int:
        """Return the number of vectors that can be found."""

    def upsert(self, keys: Keys, vectors: Vectors) -> None:
        """Add vectors, replacing those whose key is present; idempotent."""

    def remove(self, keys: Keys) -> None:
        """Forget these keys; unknown ones are passed over."""

    def known(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of these keys are stored, for resuming and reconciling."""

    def search(
        self, queries: Vectors, k: int, where: Where | None = None, *, exact: bool = False
    ) -> Matches:
        """Return the k best vectors of each query among those that ``where`` keeps.

        Filters are exact at any selectivity: when m < k vectors match, all m come back.
        """

    def flush(self) -> None:
        """Make all writes durable."""

    def close(self) -> None:
        """Release files and connections; closing twice is harmless."""


# --- encoders and composers --------------------------------------------------------------------


class GalleryEncoder(Protocol):
    """The heavy side: photos in, vectors out.  Preprocessing belongs to the encoder."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""

    @property
    def lanes(self) -> int:
        """How many ``encode`` calls may usefully run at once, each from its own thread."""

    @property
    def batch_size(self) -> int:
        """How many photos per ``encode`` call suit this device."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the pixels that ``prepare`` returns, for the image decoder's hint."""

    def prepare(self, image: Image) -> Pixels:
        """Return one photo resized and cropped as the model wants it; safe in many threads."""

    def encode(self, batch: Sequence[Pixels]) -> Vectors:
        """Return (B, D) unit rows for B prepared photos."""


class TextEncoder(Protocol):
    """Words in, vectors out, in the same space as the gallery's."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts."""


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
    """

    references: Vectors
    modifier: str = ""
    avoid_images: Vectors | None = None
    avoid_texts: tuple[str, ...] = ()
    images: tuple[Callable[[], Image], ...] = ()


class Composer(Protocol):
    """Turns queries into one vector each; every baseline is a composer too."""

    @property
    def name(self) -> str:
        """What ``--method`` calls it."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""

    def compose(self, queries: Sequence[Query]) -> Vectors:
        """Return (Q, D) unit rows, one per query."""


# --- results -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Photo:
    """A content of the gallery and where its files are.

    Attributes:
        key: the content's key in the catalogue.
        digest: hex digest of the file's bytes.
        paths: every file with this content (``os.fsencode``), sorted; at least one.
        bytes: file size.
        info: what the bytes say.
    """

    key: int
    digest: str
    paths: tuple[bytes, ...]
    bytes: int
    info: PhotoInfo


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
    """

    rank: int
    score: float
    z: float
    photo: Photo
    similar: tuple[Photo, ...] = ()


# --- reporting ---------------------------------------------------------------------------------


class Progress(Protocol):
    """A running count that somebody may be watching."""

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""


class Reporter(Protocol):
    """How the library speaks: it never prints.  ``cli/console.py`` puts this on stderr."""

    def note(self, message: str) -> None:
        """Say one line that a person would want to know."""

    def warn(self, message: str) -> None:
        """Say one line about something that went wrong and was survived."""

    def progress(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Progress]:
        """Show progress towards ``total`` (``None``: unknown) while the context is open."""


class Silent:
    """A reporter for libraries' callers and tests: says nothing."""

    def note(self, message: str) -> None:
        """Drop the line."""

    def warn(self, message: str) -> None:
        """Drop the line."""

    def progress(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Progress]:
        """Return a context whose progress goes nowhere."""
        return nullcontext(self)

    def advance(self, count: int = 1) -> None:
        """Drop the count."""

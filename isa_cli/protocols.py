"""The seams: what an index, an encoder, a composer must be able to do, whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.filters import Where
    from isa_cli.types import EmbeddingSpace, IndexStatus, Keys, Matches, Pixels, Query, Vectors


class VectorRows(Protocol):
    """What an index reads from the catalogue, which is the truth about vectors.

    Keys rise and none is given out twice, so a vector never changes under its key.
    """

    def count(self, *, after: int = 0) -> int:
        """Return N, the number of vectors, or of those with keys greater than ``after``."""

    def select(self, where: Where) -> Keys:
        """Return the keys of the vectors that ``where`` keeps, rising."""

    def chunks(self, keys: Keys | None = None, *, after: int = 0) -> Iterator[tuple[Keys, Vectors]]:
        """Yield (keys, vectors) in chunks by rising key.

        Args:
            keys: only these; keys that no longer exist are passed over.  ``None``: all.
            after: only keys greater than this one.
        """


@runtime_checkable
class VectorIndex(Protocol):
    """Nearest neighbours by cosine; every engine passes ``tests/contracts/test_vector_index.py``.

    An engine keeps a copy of the catalogue's vectors, which ``stores.sync`` brings up to date;
    ``known``, ``held_keys`` and ``status`` speak of that copy.  An answer is the catalogue's: what
    the copy still has and the catalogue has not is no answer, and what the copy lacks is made up
    for (``stores.scoring.score_candidates`` does both).  An engine may throw its copy away when
    it likes, to make a better one: the next ``sync`` fills it again.

    Keys stay below 2**63 and vectors are finite unit rows; an engine refuses others with
    ``ValueError``.  A write is visible to the next search of the same object and durable after
    ``flush``.  Several threads may search at once, also while one writes.

    Examples:
        >>> import isa_cli, tempfile
        >>> library = isa_cli.open(tempfile.mkdtemp() + "/gallery", model="isa-mini")
        >>> _ = library.index([wardrobe])
        >>> with library.reading() as (gallery, _):
        ...     index = gallery.index
        ...     isinstance(index, isa_cli.VectorIndex), len(index), index.status().engine
        ...     found = index.search(gallery.catalog.vectors.sample(1), k=3)  # (1, D) unit rows
        ...     found.keys[0].shape, bool(found.scores[0][0] > 0.99)
        (True, 24, 'exact')
        ((3,), True)
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
        """Return which of these keys the copy has, for resuming and reconciling."""

    def held_keys(self) -> Iterator[Keys]:
        """Yield the keys that the copy has, rising, in chunks; those may be removed meanwhile."""

    def search(
        self, queries: Vectors, k: int, where: Where | None = None, *, exact: bool = False
    ) -> Matches:
        """Return the k best vectors of each query among those that ``where`` keeps.

        Filters are exact at any selectivity: when m < k vectors match, all m come back.
        """

    def status(self) -> IndexStatus:
        """Return how the copy stands to the catalogue; asked of every gallery that is opened."""

    def flush(self) -> None:
        """Make all writes durable."""

    def close(self) -> None:
        """Release files and connections; closing twice is harmless."""


class GalleryEncoder(Protocol):
    """The heavy side: photos in, vectors out.  Preprocessing belongs to the encoder.

    Examples:
        >>> import numpy as np
        >>> from isa_cli.types import EmbeddingSpace
        >>> class MeanColour:
        ...     space = EmbeddingSpace("mean-colour", 3, "0" * 64)
        ...     lanes, batch_size, input_size = 1, 16, (8, 8)
        ...     def prepare(self, image):
        ...         return np.asarray(image.convert("RGB").resize((8, 8)))  # (H, W, 3) uint8
        ...     def encode(self, batch):
        ...         means = np.stack([p.reshape(-1, 3).mean(0) for p in batch]) + 1  # (B, 3)
        ...         return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype("f4")
        >>> from PIL import Image
        >>> encoder = MeanColour()
        >>> encoder.encode([encoder.prepare(Image.new("RGB", (90, 60), "red"))]).round(2).tolist()
        [[1.0, 0.0, 0.0]]
    """

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


class Composer(Protocol):
    """Turns queries into one vector each; every baseline is a composer too.

    Examples:
        >>> import numpy as np
        >>> from isa_cli import Query
        >>> class ImageAlone:
        ...     name = "image-alone"
        ...     def __init__(self, space):
        ...         self.space = space
        ...     def compose(self, queries):
        ...         rows = np.stack([query.references.mean(axis=0) for query in queries])
        ...         return rows / np.linalg.norm(rows, axis=1, keepdims=True)  # (Q, D)
        >>> ImageAlone(space=None).compose([Query(np.eye(2, 3, dtype=np.float32))]).round(3)
        array([[0.707, 0.707, 0.   ]], dtype=float32)
    """

    @property
    def name(self) -> str:
        """What ``--method`` calls it."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""

    def compose(self, queries: Sequence[Query]) -> Vectors:
        """Return (Q, D) unit rows, one per query."""

"""Files in, outcomes out: what embedding is, for whoever does it, wherever.

Plain functions of files and an encoder.  They know no catalogue and share nothing: ``embed`` and
all that it is given and gives back may go to another process or machine, and as a file has the
same outcome every time, doing it twice does no harm.  ``recorder`` takes what comes back.

::

    stamp -> read, digest, decode, resize -> Decoded, or Same, or Failed     (load)
    Decoded, ... -> the encoder, one call -> Embedded, ...                   (encode)

On this machine ``indexing`` calls ``load`` and ``encode`` themselves, in threads of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import ImageError, ModelError
from isa_cli.gallery.read_ahead import ReadAhead, batched
from isa_cli.gallery.records import Embedded, Failed, Same
from isa_cli.images import digest, open_image, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.gallery.records import Outcome
    from isa_cli.protocols import GalleryEncoder
    from isa_cli.types import FileStamp, PhotoInfo, Pixels

    Vector = NDArray[np.float32]  # (D,)


@dataclass(slots=True)
class Decoded:
    """A new picture on its way to the encoder: resized already, or still waiting for that.

    Attributes:
        stamp: the file.
        digest: of its bytes.
        info: what the bytes say.
        picture: the encoder's pixels, or a picture that its ``prepare`` has not seen yet.
    """

    stamp: FileStamp
    digest: bytes
    info: PhotoInfo
    picture: Image | Pixels


def embed(
    stamps: Iterable[FileStamp],
    encoder: GalleryEncoder,
    *,
    known: Callable[[bytes], bool] | None = None,
    batch_size: int | None = None,
    workers: int = 1,
) -> list[Outcome]:
    """The outcome of each file, in their order.

    Args:
        stamps: files that this machine can read.
        encoder: of the space that the vectors are meant for; nobody checks that later.
        known: whether bytes with this digest need no embedding, a set's ``__contains__`` say;
            their files are ``Same``.  ``None``: everything is embedded.
        batch_size: photos per encoder call; ``None``: what suits the encoder.
        workers: threads that decode ahead of the encoder.

    Raises:
        ModelError: the encoder fails on whole batches.
    """
    size = batch_size or encoder.batch_size
    read = partial(load, input_size=encoder.input_size, known=known, prepare=encoder.prepare)
    with ReadAhead(stamps, read, workers=workers, ahead=workers + size) as loaded:
        batches = batched(loaded, lambda _: size, is_decoded)
        return [outcome for batch in batches for outcome in encode(batch, encoder)]


def load(
    stamp: FileStamp,
    *,
    input_size: tuple[int, int],
    known: Callable[[bytes], bool] | None = None,
    prepare: Callable[[Image], Image | Pixels] | None = None,
) -> Decoded | Same | Failed:
    """Return one file as a picture, as a copy of something known, or as a failure.

    The file is read once: digest and picture come from the same bytes.

    Args:
        stamp: the file.
        input_size: (height, width) that the encoder will want, a hint to the decoder.
        known: asked for the digest before anything is decoded; see ``embed``.
        prepare: makes the encoder's pixels of the picture; ``None``: it stays one.
    """
    key = None
    try:
        data = read_file(stamp.path)
        key = digest(data)
        if known is not None and known(key):
            return Same(stamp, key)
        image, info = open_image(data, at_least=input_size)
        return Decoded(stamp, key, info, image if prepare is None else prepare(image))
    except ImageError as error:
        return Failed(stamp, error.reason, key)


def encode(batch: Sequence[Decoded | Same | Failed], encoder: GalleryEncoder) -> list[Outcome]:
    """Return the outcomes of one batch, in order, with the vectors of what was decoded.

    Raises:
        ModelError: the encoder fails on every picture of a batch of several.
    """
    pixels = [
        item.picture if isinstance(item.picture, np.ndarray) else encoder.prepare(item.picture)
        for item in batch
        if isinstance(item, Decoded)
    ]
    vectors = iter(_encode_or_blame(encoder, pixels))
    return [_outcome(item, next(vectors)) if isinstance(item, Decoded) else item for item in batch]


def is_decoded(item: object) -> bool:
    """Return whether the encoder has work with it: what fills a batch."""
    return isinstance(item, Decoded)


def _outcome(item: Decoded, vector: Vector | str) -> Embedded | Failed:
    if isinstance(vector, str):
        return Failed(item.stamp, vector, item.digest)
    return Embedded(item.stamp, item.digest, item.info, vector)


def _encode_or_blame(encoder: GalleryEncoder, pixels: Sequence[Pixels]) -> list[Vector | str]:
    """Return one vector (D,) per picture; where a batch fails, the reason for the guilty ones.

    Raises:
        ModelError: every picture of a batch of several failed; then the model is to blame.  A
            picture alone takes the blame itself, or it would stop every run it is left over for.
    """
    if not pixels:
        return []
    try:
        return list(encoder.encode(pixels))
    except ModelError:
        results: list[Vector | str] = []
        for one in pixels:
            try:
                results.append(encoder.encode([one])[0])
            except ModelError as error:
                results.append(error.message)
        if len(pixels) > 1 and all(isinstance(result, str) for result in results):
            raise
        return results

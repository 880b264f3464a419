"""An encoder of one's own: photos by their mean colour, words by the colours that they name.

    python examples/encoder_of_your_own.py ~/Pictures "navy and white"

Whatever turns a picture into a vector can be indexed: a class with these names is a
``GalleryEncoder``, and with ``encode_text`` a ``TextEncoder`` too (``isa_cli.protocols``).  The
space tells a gallery whose vectors it holds: another digest whenever the vectors would differ.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageColor

from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from isa_cli.types import Pixels, Vectors


class MeanColour:
    """Both encoders: a vector is how far a colour is from grey, and a little of what is not."""

    space = EmbeddingSpace("mean colour", 4, sha256(b"mean colour, 8 x 8, grey 0.1").hexdigest())
    lanes = 1
    batch_size = 64
    input_size = (8, 8)

    def prepare(self, image: Image) -> Pixels:
        """Return one photo (RGB and upright) as an 8 x 8 thumbnail."""
        return np.asarray(image.resize((8, 8)))

    def encode(self, batch: Sequence[Pixels]) -> Vectors:
        """Return (B, 4) unit rows for B thumbnails."""
        return self._rows([pixels.mean(axis=(0, 1)) for pixels in batch])

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, 4) unit rows for B texts; words that name no colour count as grey."""
        return self._rows([np.mean(self._colours(text), axis=0) for text in texts])

    def _colours(self, text: str) -> list[tuple[int, ...]]:
        named = [word for word in re.findall("[a-z]+", text.lower()) if word in ImageColor.colormap]
        return [ImageColor.getrgb(word) for word in named] or [(128, 128, 128)]

    def _rows(self, colours: Sequence[Sequence[float]]) -> Vectors:
        from_grey = np.array(colours, np.float32) / 255 - 0.5
        rows = np.insert(from_grey, 3, 0.1, axis=1)  # grey itself must have a direction
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def main() -> None:
    """Index a folder by its colours, and print the five photos nearest to some words."""
    folder, words = Path(sys.argv[1]), sys.argv[2]
    encoder = MeanColour()
    with (
        tempfile.TemporaryDirectory() as home,
        Gallery.open(Path(home), writable=True, space=encoder.space) as gallery,
    ):
        index_folders(
            gallery,
            [os.fsencode(folder.expanduser().absolute())],
            lambda: encoder,
            encoder.input_size,
            IndexOptions(),
            Silent(),
            threading.Event(),
        )
        found = gallery.index.search(encoder.encode_text([words]), k=5)
        photos = gallery.catalog.photos.of(found.keys[0])
        for key, score in zip(found.keys[0].tolist(), found.scores[0], strict=True):
            for photo in photos[key]:
                print(f"{score:.3f} {photo.path}")


if __name__ == "__main__":
    main()

"""Photos and vectors to measure with where the user has none; all seeded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli.gallery.records import Embedded
from isa_cli.images import DIGEST_SIZE
from isa_cli.types import FileStamp, PhotoInfo

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.types import EmbeddingSpace, Vectors


def unit(rows: NDArray[Any]) -> Vectors:
    """Return the rows at length 1, float32."""
    scaled: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def clusters(n: int, dim: int, rng: np.random.Generator) -> Vectors:
    """Return (n, dim) unit rows as CLIP's: in a narrow cone, in n / 100 clusters of Zipf sizes."""
    cone = unit(rng.standard_normal((1, dim)))
    centres = unit(rng.standard_normal((max(1, n // 100), dim)))
    member = rng.zipf(1.3, size=n) % len(centres)
    noise = rng.standard_normal((n, dim), dtype=np.float32) / np.sqrt(dim)
    return unit(0.8 * cone + 0.6 * centres[member] + 0.45 * noise)


def decaying(n: int, dim: int, rng: np.random.Generator) -> Vectors:
    """Return (n, dim) unit rows with variance 1/i along the i-th of randomly turned axes.

    No clusters: the hard case for an HNSW graph.
    """
    spread = (1 + np.arange(dim, dtype=np.float32)) ** -0.5
    axes = np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32)
    return unit((rng.standard_normal((n, dim), dtype=np.float32) * spread) @ axes)


def fill(catalog: Catalog, space: EmbeddingSpace, vectors: Vectors) -> None:
    """Catalogue one photo per vector, with a path and EXIF as real ones have."""
    catalog.metadata.set_space(space)
    info = PhotoInfo("JPEG", 4_000, 3_000, 1, "2024-05-01T12:30:00", "Camera", 48.1, 11.5)
    for start in range(0, len(vectors), 5_000):
        catalog.record(
            [
                Embedded(
                    FileStamp(_path(number), 4_000_000, 1_700_000_000_000_000_000 + number),
                    hashlib.blake2b(number.to_bytes(8, "big"), digest_size=DIGEST_SIZE).digest(),
                    info,
                    vectors[number],
                )
                for number in range(start, min(start + 5_000, len(vectors)))
            ]
        )


def _path(number: int) -> bytes:
    folder = b"/home/somebody/Pictures/%d/%03d holiday at the sea" % (
        2_000 + number % 25,
        number // 400,
    )
    return b"%s/IMG_%06d.jpg" % (folder, number)


def make_photos(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write seeded JPEGs of 1600 x 1200 pixels that cost as much to decode as photos do."""
    from PIL import Image  # noqa: PLC0415 - only for people without photos at hand

    rng = np.random.default_rng(seed)
    paths = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        smooth = np.asarray(coarse.resize((1600, 1200), Image.Resampling.BICUBIC), np.int16)
        grain = rng.integers(-12, 13, smooth.shape, np.int16)
        path = folder / f"{number:05d}.jpg"
        Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(path, quality=88)
        paths.append(path)
    return paths

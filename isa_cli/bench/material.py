"""What is measured with: photos, and galleries that nobody will miss."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.bench import synthetic
from isa_cli.config import usable_cores
from isa_cli.errors import ImageError
from isa_cli.filters import And
from isa_cli.gallery.catalog.connecting import reader, writer
from isa_cli.gallery.gallery import CATALOG, Gallery
from isa_cli.gallery.records import Embedded
from isa_cli.images import digest, looks_like_photo, open_image, read_file
from isa_cli.types import EmbeddingSpace, FileStamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.reporting import Reporter

KINDS = {"clusters": synthetic.clusters, "decaying": synthetic.decaying}
"""Generated vectors: like CLIP's, and the hard case."""


# --- photos ------------------------------------------------------------------------------------


def photos_in(folder: Path) -> list[Path]:
    """Return everything below a folder that is called like a photo, by name."""
    found = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if looks_like_photo(os.fsencode(path)))


def photos_of(gallery: Gallery) -> list[Path]:
    """Return one file of each photo in a gallery, by key, whether it is still there or not."""
    photos = gallery.catalog.photos.of(gallery.catalog.vectors.select(And(())))
    return [Path(os.fsdecode(same[0].paths[0])) for _, same in sorted(photos.items())]


def choose(paths: Sequence[Path], count: int) -> list[Path]:
    """Return up to ``count`` photos, spread evenly, all of them readable and no two the same.

    Only such photos cost the pipeline what they cost the bare decoder and the bare encoder.
    """
    spread = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
    chosen = [paths[position] for position in spread]
    with ThreadPoolExecutor(usable_cores()) as pool:
        digests = pool.map(_digest_of_a_photo, chosen)
    different = {key: path for key, path in zip(digests, chosen, strict=True) if key is not None}
    return list(different.values())


def _digest_of_a_photo(path: Path) -> bytes | None:
    try:
        data = read_file(path)
        open_image(data, at_least=(1, 1))
    except ImageError:
        return None
    return digest(data)


# --- galleries -----------------------------------------------------------------------------------


def copy_gallery(folder: Path, into: Path) -> Path:
    """Return a copy of a gallery, catalogue and index, that may be changed as the original may not.

    Raises:
        GalleryError: it cannot be read.
    """
    into.mkdir()
    with closing(reader(folder / CATALOG)) as ours, closing(writer(into / CATALOG)) as copy:
        ours.backup(copy)
    with Gallery.open(into) as gallery:
        index = gallery.catalog.metadata.index_file()
    if index is not None and (folder / index.name).exists():
        shutil.copy(folder / index.name, into)
    return into


def generate_gallery(
    into: Path, kind: str, count: int, dim: int, reporter: Reporter
) -> tuple[Path, Path]:
    """Return a gallery of ``count`` generated vectors and the one photo of it that is a file."""
    into.mkdir()
    name = f"generated {kind}"
    space = EmbeddingSpace(name, dim, blake2b(name.encode()).hexdigest())
    vectors = KINDS[kind](count, dim, np.random.default_rng(0))
    (photo,) = synthetic.make_photos(into, 1)
    folder = into / "gallery"
    with Gallery.open(folder, writable=True, space=space, reporter=reporter) as gallery:
        synthetic.fill(gallery.catalog, space, vectors[1:])
        data, stamp = photo.read_bytes(), FileStamp.of(os.fsencode(photo), photo.stat())
        info = open_image(data, at_least=(1, 1))[1]
        gallery.catalog.record([Embedded(stamp, digest(data), info, vectors[0])])
        gallery.refresh_index()
    return folder, photo

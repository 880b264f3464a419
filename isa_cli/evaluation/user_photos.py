"""The pictures that a user's questions are asked of: a folder's, or a gallery's."""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import GalleryError, UsageError
from isa_cli.gallery.ignore import ScanOptions
from isa_cli.gallery.walk import Tally, scan
from isa_cli.images import digest, looks_like_photo, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.gallery.records import KnownFile
    from isa_cli.types import Vectors


@dataclass(frozen=True, eq=False)
class UserPhotos:
    """N photos, copies being one.

    Attributes:
        name: what the report calls them.
        files: (N,) every file of each photo, absolute (``os.fsencode``); at least one.
        roots: folders that a question's paths may start from.
        vectors: (N, D) float32 unit rows where they are stored; ``None``: to be embedded.
    """

    name: str
    files: Sequence[tuple[bytes, ...]]
    roots: tuple[bytes, ...]
    vectors: Vectors | None = None
    positions: Mapping[bytes, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Note where each file's photo is."""
        found = {path: at for at, paths in enumerate(self.files) for path in paths}
        object.__setattr__(self, "positions", found)

    @property
    def images(self) -> list[Path]:
        """One file of each photo; one that is still there, if any is."""
        return [
            Path(os.fsdecode(next((path for path in paths if os.path.exists(path)), paths[0])))  # noqa: PTH110
            for paths in self.files
        ]

    @classmethod
    def of_folder(cls, folder: Path) -> UserPhotos:
        """Return the pictures at or below a folder; files with the same bytes are one photo.

        Raises:
            UsageError: there is none.
            ImageError: one of two files of the same size can't be read.
        """
        root = os.path.abspath(os.fsencode(folder))
        by_size: dict[int, list[bytes]] = defaultdict(list)
        for stamp in scan([root], _Nothing(), ScanOptions(), Tally(), looks_like_photo):
            by_size[stamp.size].append(stamp.path)
        files = sorted(copies for paths in by_size.values() for copies in _by_content(paths))
        if not files:
            raise UsageError(
                f"there is no picture in {folder}",
                "--gallery names the folder of the pictures, or a gallery of isa index",
            )
        return cls(folder.name, files, (root,))

    @classmethod
    def of_gallery(cls, gallery: Gallery) -> UserPhotos:
        """Return a gallery's photos with their stored vectors.

        Raises:
            GalleryError: it is empty.
        """
        catalog = gallery.catalog
        files: list[tuple[bytes, ...]] = []
        rows = [np.empty((0, gallery.space.dim), np.float32)]
        for keys, vectors in catalog.vectors.chunks():
            photos = catalog.photos.of(keys)
            held = [photos.get(key, []) for key in keys.tolist()]
            rows.append(np.repeat(vectors, [len(each) for each in held], axis=0))
            files += [photo.paths for each in held for photo in each]
        if not files:
            raise GalleryError(
                f"the gallery {gallery.folder} is empty", "fill it with: isa index FOLDER"
            )
        return cls(
            gallery.folder.name, files, tuple(catalog.metadata.roots()), np.concatenate(rows)
        )


class _Nothing:
    """A catalogue that knows no file: the scan lists them all."""

    def files_in(self, folder: bytes) -> dict[bytes, KnownFile]:  # noqa: ARG002
        return {}

    def folders_under(self, root: bytes) -> list[bytes]:  # noqa: ARG002
        return []


def _by_content(paths: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """Return files of one size, copies together; one whose size no other has is not read."""
    if len(paths) == 1:
        return [(paths[0],)]
    same: dict[bytes, list[bytes]] = defaultdict(list)
    for path in sorted(paths):
        same[digest(read_file(path))].append(path)
    return [tuple(copies) for copies in same.values()]

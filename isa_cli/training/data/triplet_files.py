"""The pictures of a gallery that triplets name, found by path or by what their bytes are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from isa_cli.errors import ImageError, TrainingError
from isa_cli.filters import And
from isa_cli.images import digest, read_file
from isa_cli.training.data.photos import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.reporting import Reporter
    from isa_cli.triplets import Triplet
    from isa_cli.types import Photo

_CHUNK = 4_096
_NAMED = 4
"""Missing pictures that a message names; the others are counted."""


class Picture(NamedTuple):
    """A picture of the gallery.  Copies are one: what they have in common is the vector.

    Attributes:
        key: of its vector in the catalogue.
        content: what its bytes are: the head of their digest.
        path: a file of it that is still there (``os.fsencode``); ``None``: all are gone.
    """

    key: int
    content: int
    path: bytes | None


def pictures_of(
    gallery: Gallery, file: Path, triplets: Sequence[Triplet], reporter: Reporter
) -> list[tuple[Triplet, Picture, Picture]]:
    """Return each triplet with its reference and its target in the gallery.

    Only the reference's file must still be there: it is looked at, a target is a vector.

    Args:
        gallery: that has the pictures.
        file: where the triplets are from, for messages.
        triplets: of that file.
        reporter: shows progress.

    Raises:
        TrainingError: pictures are missing; says which by line.
    """
    named = {
        path: os.path.abspath(os.fsencode(path))  # noqa: PTH100 - as bytes, like the catalogue's
        for triplet in triplets
        for path in (triplet.reference, triplet.target)
    }
    found = _find(gallery.catalog, named.values(), reporter)
    missing = []
    for triplet in triplets:
        reference, target = (found.get(named[p]) for p in (triplet.reference, triplet.target))
        if reference is None or reference.path is None:
            missing.append((triplet.line, triplet.reference))
        if target is None:
            missing.append((triplet.line, triplet.target))
    if missing:
        raise _missing(gallery, file, missing)
    return [(one, found[named[one.reference]], found[named[one.target]]) for one in triplets]


def _find(catalog: Catalog, paths: Iterable[bytes], reporter: Reporter) -> Mapping[bytes, Picture]:
    """Return the pictures of these paths, by path; those that the catalogue lacks are left out."""
    wanted = frozenset(paths)
    found = _by_path(catalog, wanted, reporter)
    # moved, copied or reached through a link: the catalogue knows such a file by another name
    other = {path: _known_name(catalog, path) for path in wanted - found.keys()}
    names = frozenset(name for name in other.values() if name is not None)
    moved = _by_path(catalog, names, reporter) if names else {}
    return found | {path: moved[name] for path, name in other.items() if name in moved}


def _by_path(
    catalog: Catalog, wanted: frozenset[bytes], reporter: Reporter
) -> dict[bytes, Picture]:
    every = catalog.vectors.select(And(()))
    found: dict[bytes, Picture] = {}
    with reporter.progress("looking for the triplets' pictures", len(every), "photo") as progress:
        for start in range(0, len(every), _CHUNK):
            chunk = every[start : start + _CHUNK]
            for key, photos in catalog.photos.of(chunk).items():
                here = [path for photo in photos for path in photo.paths if path in wanted]
                if here:
                    found |= dict.fromkeys(here, _picture(key, photos))
            progress.advance(len(chunk))
    return found


def _picture(key: int, photos: Sequence[Photo]) -> Picture:
    path = next(filter(None, map(readable, photos)), None)
    return Picture(key, int(photos[0].digest[:16], 16), path)


def _known_name(catalog: Catalog, path: bytes) -> bytes | None:
    """Return a path under which the catalogue knows the bytes of a file, if it does."""
    try:
        photo = catalog.photos.by_digest(digest(read_file(path)))
    except ImageError:
        return None
    return photo.paths[0] if photo else None


def _missing(gallery: Gallery, file: Path, missing: Sequence[tuple[int, Path]]) -> TrainingError:
    shown = "; ".join(f"line {line}: {path}" for line, path in missing[:_NAMED])
    more = f"; and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return TrainingError(
        f"{file} names pictures that are not in the gallery {gallery.folder}, or whose file is "
        f"gone: {shown}{more}",
        f"put them in first: isa index {missing[0][1].parent} --gallery {gallery.folder}",
    )

"""From folders as a person names them to what is indexed: checked before anything is created."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from isa_cli.errors import GalleryMissing, UsageError
from isa_cli.filters import Or, Under
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.records import Forgotten
from isa_cli.gallery.spelling import is_known, known_root, known_spellings
from isa_cli.paths import catalogued
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from isa_cli.encoders.foundation import Foundation
    from isa_cli.gallery.catalog import Catalog
    from isa_cli.reporting import Reporter

TOLD = "told of the demo model"
"""The gallery's setting that says so."""


def roots_of(names: Sequence[str | Path], gallery: Path) -> list[bytes]:
    """The folders and files to index, as the catalogue writes them.

    One that neither exists nor is known is refused: a typing error, not a disk pulled out.  It is
    looked at before the gallery is opened for writing, so that a typing error creates nothing.

    Raises:
        UsageError: a name is empty, or there is no such folder.
    """
    if not all(map(str, names)):
        raise UsageError("the folder's name is empty", "isa index . means the one you are in")
    roots = [catalogued(str(name)) for name in names]
    missing = [root for root in roots if not os.path.lexists(root)]
    if missing:
        try:
            with Gallery.open(gallery) as opened:
                known = opened.catalog.metadata.roots()
        except GalleryMissing:
            known = []
        for root in missing:
            if root not in known:
                raise UsageError(f"there is no folder {printable(root)}", "check the path")
    return roots


@contextmanager
def opened_for_indexing(folder: Path, reporter: Reporter, *, dry_run: bool) -> Iterator[Gallery]:
    """A gallery to write; for a dry run to read, or an empty one that leaves no trace."""
    if not dry_run:
        with Gallery.open(folder, writable=True, reporter=reporter) as gallery:
            yield gallery
        return
    with TemporaryDirectory() as elsewhere:
        try:
            gallery = Gallery.open(folder, reporter=reporter)
        except GalleryMissing:
            gallery = Gallery.open(Path(elsewhere), writable=True, reporter=reporter)
        with gallery:
            yield gallery


def as_known(roots: Sequence[bytes], catalog: Catalog, reporter: Reporter) -> list[bytes]:
    """Folders, each once, by the names that they have in the gallery already; (): all of them.

    Raises:
        UsageError: there are none.
    """
    if not roots:
        known = catalog.metadata.roots()
        if not known:
            raise UsageError("no folder is known yet", "say which: isa index ~/Pictures")
        return known
    names = {root: known_root(catalog, root) for root in roots}
    for root, name in names.items():
        if name != root:
            shown = printable(root), printable(name)
            reporter.note(f"{shown[0]} is known as {shown[1]}, and indexed under that name")
    return list(dict.fromkeys(names.values()))


def spelled(catalog: Catalog, paths: Sequence[bytes]) -> tuple[list[bytes], tuple[bytes, ...]]:
    """Paths as the catalogue writes them, each once, and those that it does not know."""
    names = {path: known_spellings(catalog, path) for path in paths}
    wanted = dict.fromkeys(one for spellings in names.values() for one in spellings)
    unknown = (path for path, (one, *_) in names.items() if not is_known(catalog, one))
    return list(wanted), tuple(unknown)


def adopt(gallery: Gallery, foundation: Foundation) -> None:
    """Take a model as a writable gallery's own.

    It comes before the work, so that a wrong model is refused even where nothing is left to embed.

    Raises:
        SpaceMismatch: the gallery holds another model's vectors.
        ModelError: the model can't be had.
    """
    gallery.expect(foundation.space)
    gallery.catalog.metadata.set_setting("model", foundation.name)


def tell_of_demo_model(
    gallery: Gallery, foundation: Foundation, roots: Sequence[bytes], reporter: Reporter
) -> None:
    """Say, once for a gallery, that the bundled model knows nothing of ordinary photos."""
    from isa_cli.encoders.names import BUNDLED  # noqa: PLC0415 - a search has no use for it
    from isa_cli.wardrobe.folder import TRUTH  # noqa: PLC0415

    if foundation.name != BUNDLED or gallery.catalog.metadata.setting(TOLD):
        return
    if all(os.path.isfile(os.path.join(root, os.fsencode(TRUTH))) for root in roots):  # noqa: PTH113, PTH118
        return
    reporter.warn(
        f"isa: {BUNDLED} knows only the demo's wardrobe of drawn garments; on photos its answers "
        "mean little"
    )
    reporter.warn("  → for photos: isa index FOLDER --model small --gallery DIR")
    gallery.catalog.metadata.set_setting(TOLD, "yes")


def would_forget(catalog: Catalog, paths: Sequence[bytes]) -> Forgotten:
    """What ``Gallery.forget`` would remove, failures included; nothing is changed."""
    import numpy as np  # noqa: PLC0415 - a library that only opens needs none

    where = Or(tuple(Under(path) for path in paths))

    def is_meant(path: bytes) -> bool:
        return any(path == top or path.startswith(top.rstrip(b"/") + b"/") for top in paths)

    files = {path for path, _ in catalog.photos.failures() if is_meant(path)}
    gone, keys = 0, []
    for key, photos in catalog.photos.of(
        catalog.vectors.select(where)
    ).items():  # several may share a vector
        lost = [all(map(is_meant, photo.paths)) for photo in photos]
        files.update(path for photo in photos for path in photo.paths if is_meant(path))
        gone += sum(lost)
        keys += [key] if all(lost) else []
    return Forgotten(len(files), gone, np.array(sorted(keys), np.uint64))

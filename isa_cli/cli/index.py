"""``isa index``: embed what is new in folders of photos."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.cli.paths import catalogued
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from isa_cli.backbones import ModelFiles
    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.config import Settings
    from isa_cli.gallery.encoder import BackboneEncoder
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.gallery.indexing import Options, Summary


def index(
    folders: Annotated[list[str] | None, typer.Argument(metavar="FOLDER", hidden=True)] = None,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="PATTERN", help="Only these, as in .gitignore."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Not these, as in .gitignore."),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Also hidden files and folders.")
    ] = False,
    include_derivatives: Annotated[
        bool,
        typer.Option(
            "--include-derivatives",
            help="Also what other programs made: recycle bins, snapshots, thumbnails, caches.",
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed and has not changed.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Forget the photos of folders that are gone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look and count, and change nothing.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most N files.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=1, metavar="N", help="Photos per batch.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Decoding threads.")
    ] = None,
    gallery: options.GalleryOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Embed the photos below FOLDERs that are new or changed.

    Without FOLDER: of all folders that were ever named.  It may be stopped and run again at any
    time: what is saved stays, and an unchanged, moved or copied photo is not embedded again.
    """
    settings = options.settings(gallery=gallery, model=model, device=device, precision=precision)
    roots = [_root(folder) for folder in folders or []]
    _check_roots(roots, settings.gallery)

    from isa_cli.cli.summary import report
    from isa_cli.gallery import scan
    from isa_cli.gallery.indexing import Options

    which = scan.Options(
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        hidden=hidden,
        include_derivatives=include_derivatives,
        retry_failed=retry_failed,
        prune=prune,
    )
    how = Options(which, batch_size=batch_size, workers=workers, limit=limit, dry_run=dry_run)
    reporter = console.ConsoleReporter(quiet=quiet)
    if not dry_run and not settings.gallery.exists():
        _files(options.model_for(model, settings), settings, reporter)  # no model, no gallery
    with _opened(settings.gallery, reporter, dry_run=dry_run) as opened:
        roots = _as_known(roots, opened, reporter) or _known_roots(opened)
        summary = _run(opened, roots, settings, model, how, reporter)
    return report(summary, quiet=quiet, dry_run=dry_run)


def _root(path: str) -> bytes:
    """Return a folder or file as the catalogue writes it."""
    if not path:
        raise UsageError("the folder's name is empty", "isa index . means the one you are in")
    return catalogued(path)


def _check_roots(roots: Sequence[bytes], folder: Path) -> None:
    """Refuse a root that neither exists nor is known: a typing error, not a disk pulled out.

    Looked at before the gallery is opened for writing, so that a typing error creates nothing.
    """
    missing = [root for root in roots if not os.path.lexists(root)]
    if not missing:
        return
    from isa_cli.errors import GalleryMissing
    from isa_cli.gallery.gallery import Gallery

    try:
        with Gallery.open(folder) as gallery:
            known = gallery.catalog.roots()
    except GalleryMissing:
        known = []
    for root in missing:
        if root not in known:
            raise UsageError(f"there is no folder {console.printable(root)}", "check the path")


@contextmanager
def _opened(folder: Path, reporter: ConsoleReporter, *, dry_run: bool) -> Iterator[Gallery]:
    """Open the gallery to write; for a dry run to read, or an empty one that leaves no trace."""
    from isa_cli.errors import GalleryMissing
    from isa_cli.gallery.gallery import Gallery

    if not dry_run:
        with Gallery.open(folder, writable=True, reporter=reporter) as gallery:
            yield gallery
        return
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as elsewhere:
        try:
            gallery = Gallery.open(folder, reporter=reporter)
        except GalleryMissing:
            gallery = Gallery.open(Path(elsewhere), writable=True, reporter=reporter)
        with gallery:
            yield gallery


def _as_known(roots: Sequence[bytes], gallery: Gallery, reporter: ConsoleReporter) -> list[bytes]:
    """Return folders, each once, by the names that they have in the gallery already."""
    from isa_cli.gallery.spelling import known_root

    known = {root: known_root(gallery.catalog, root) for root in roots}
    for root, name in known.items():
        if name != root:
            shown = console.printable(root), console.printable(name)
            reporter.note(f"{shown[0]} is known as {shown[1]}, and indexed under that name")
    return list(dict.fromkeys(known.values()))


def _known_roots(gallery: Gallery) -> list[bytes]:
    roots = gallery.catalog.roots()
    if not roots:
        raise UsageError("no folder is known yet", "say which: isa index ~/Pictures")
    return roots


def _run(
    gallery: Gallery,
    roots: Sequence[bytes],
    settings: Settings,
    model: str | None,
    how: Options,
    reporter: ConsoleReporter,
) -> Summary:
    """Index, saying on what device, and stop in good order when a signal asks."""
    from isa_cli.gallery.indexing import index_folders

    name = options.model_for(model, settings, gallery)
    if how.dry_run:  # asks no hub, and no model is needed to look at files
        size, make_encoder = (0, 0), _no_encoder
    else:
        size, make_encoder = encoder_for(name, gallery, settings, reporter)
        _tell_of_demo_model(name, roots, gallery, reporter)
    farewell = "isa: stopping; the batch under way is finished and saved (again to stop at once)"
    with console.stop_on_signals(farewell) as stop:
        return index_folders(gallery, roots, make_encoder, size, how, reporter, stop)


def encoder_for(
    name: str, gallery: Gallery, settings: Settings, reporter: ConsoleReporter
) -> tuple[tuple[int, int], Callable[[], BackboneEncoder]]:
    """Return a model's input size and what loads it, once the gallery has taken it as its own.

    The check comes first, so that a wrong model is refused even where nothing is left to embed.
    """
    files = _files(name, settings, reporter)
    gallery.expect(files.space)
    gallery.catalog.set_setting("model", name)

    def make_encoder() -> BackboneEncoder:
        # Here and not above: torch takes seconds to import, in which files are decoded already.
        from isa_cli.backbones import load_backbone
        from isa_cli.gallery.encoder import BackboneEncoder

        place = {"device": settings.device, "precision": settings.precision}
        backbone = load_backbone(files, parts={"image"}, reporter=reporter, **place)
        reporter.note(backbone.describe())
        return BackboneEncoder(backbone)

    return files.preprocess.size, make_encoder


def _tell_of_demo_model(
    name: str, roots: Sequence[bytes], gallery: Gallery, reporter: ConsoleReporter
) -> None:
    """Say, once for a gallery, that the bundled model knows nothing of ordinary photos."""
    from isa_cli.backbones.names import BUNDLED

    if name != BUNDLED or gallery.catalog.setting("told of the demo model"):
        return
    from isa_cli.wardrobe.folder import TRUTH

    if all(os.path.isfile(os.path.join(root, os.fsencode(TRUTH))) for root in roots):  # noqa: PTH113, PTH118
        return
    reporter.warn(
        f"isa: {BUNDLED} knows only the demo's wardrobe of drawn garments; on photos its answers "
        "mean little\n  → for photos: isa index FOLDER --model small --gallery DIR"
    )
    gallery.catalog.set_setting("told of the demo model", "yes")


def _files(name: str, settings: Settings, reporter: ConsoleReporter) -> ModelFiles:
    """Return a model's files, fetched if need be."""
    from isa_cli.backbones import locate

    if {settings.device, settings.precision} != {"auto"}:
        from isa_cli.backbones.devices import choose_place

        # A typing error is told before gigabytes are downloaded.
        choose_place(settings.device, settings.precision)
    return locate(name, reporter)


def _no_encoder() -> BackboneEncoder:
    raise ValueError("a dry run embeds nothing")

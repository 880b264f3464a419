"""``isa index``: embed what is new in folders of photos."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from isa_cli.cli import console, options
from isa_cli.cli.paths import catalogued
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.config import Settings
    from isa_cli.gallery.encoder import BackboneEncoder
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.gallery.indexing import Options, Summary


@click.command()
@click.argument("paths", nargs=-1, metavar="[FOLDER]...")
@click.option("--include", multiple=True, metavar="PATTERN", help="Only these, as in .gitignore.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Not these, as in .gitignore.")
@click.option("--hidden", is_flag=True, help="Also hidden files and folders.")
@click.option("--retry-failed", is_flag=True, help="Try again what failed and has not changed.")
@click.option("--prune", is_flag=True, help="Forget the photos of folders that are gone.")
@click.option("--dry-run", is_flag=True, help="Look and count, and change nothing.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N files.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Photos per batch.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Decoding threads.")
@options.gallery
@options.model
@options.device
@options.precision
@options.quiet
def index(**given: Any) -> int:
    """Embed the photos below FOLDERs that are new or changed.

    Without FOLDER: of all folders that were ever named.  It may be stopped and run again at any
    time: what is saved stays, and an unchanged, moved or copied photo is not embedded again.
    """
    from isa_cli.cli.summary import report

    settings = options.settings(given)
    roots = [_root(path) for path in given["paths"]]
    _check_roots(roots, settings.gallery)
    reporter = console.ConsoleReporter(quiet=given["quiet"])
    with _opened(settings.gallery, reporter, dry_run=given["dry_run"]) as gallery:
        summary = _run(gallery, roots or _known_roots(gallery), settings, given, reporter)
    return report(summary, quiet=given["quiet"], dry_run=given["dry_run"])


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


def _known_roots(gallery: Gallery) -> list[bytes]:
    roots = gallery.catalog.roots()
    if not roots:
        raise UsageError("no folder is known yet", "say which: isa index ~/Pictures")
    return roots


def _run(
    gallery: Gallery,
    roots: Sequence[bytes],
    settings: Settings,
    given: dict[str, Any],
    reporter: ConsoleReporter,
) -> Summary:
    """Index, saying on what device, and stop in good order when a signal asks."""
    from isa_cli.gallery.indexing import index_folders

    name = options.model_for(given["model"], settings, gallery)
    if given["dry_run"]:  # asks no hub, and no model is needed to look at files
        size, make_encoder = (0, 0), _no_encoder
    else:
        size, make_encoder = _model(name, gallery, settings, reporter)
    farewell = "isa: stopping; the batch under way is finished and saved (again to stop at once)"
    with console.stop_on_signals(farewell) as stop:
        return index_folders(gallery, roots, make_encoder, size, _how(given), reporter, stop)


def _model(
    name: str, gallery: Gallery, settings: Settings, reporter: ConsoleReporter
) -> tuple[tuple[int, int], Callable[[], BackboneEncoder]]:
    """Return a model's input size and what loads it, once it is known to fit the gallery.

    The check comes first, so that a wrong model is refused even where nothing is left to embed.
    """
    from isa_cli.backbones import load_backbone, locate

    place = {"device": settings.device, "precision": settings.precision}
    if set(place.values()) != {"auto"}:  # a typing error is told before gigabytes are downloaded
        from isa_cli.backbones.devices import choose_place

        choose_place(**place)
    files = locate(name, reporter)
    gallery.expect(files.space)
    gallery.catalog.set_setting("model", name)

    def make_encoder() -> BackboneEncoder:
        from isa_cli.gallery.encoder import BackboneEncoder

        backbone = load_backbone(files, parts={"image"}, reporter=reporter, **place)
        reporter.note(backbone.describe())
        return BackboneEncoder(backbone)

    return files.preprocess.size, make_encoder


def _no_encoder() -> BackboneEncoder:
    raise ValueError("a dry run embeds nothing")


def _how(given: dict[str, Any]) -> Options:
    from isa_cli.gallery import scan
    from isa_cli.gallery.indexing import Options

    which = ("include", "exclude", "hidden", "retry_failed", "prune")
    how = ("batch_size", "workers", "limit", "dry_run")
    return Options(
        scan=scan.Options(**{key: given[key] for key in which}),
        **{key: given[key] for key in how},
    )

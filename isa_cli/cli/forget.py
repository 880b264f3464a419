"""``isa forget``: take photos out of the gallery; the files themselves are never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import ExitCode, UsageError
from isa_cli.paths import catalogued

if TYPE_CHECKING:
    from isa_cli.gallery.catalog import Catalog


def forget(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH", hidden=True)] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Empty the gallery; needs --yes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, really.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be forgotten, and change nothing."),
    ] = False,
    gallery: options.GalleryOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Take files and folders out of the gallery; no file is deleted.

    They need not exist any more.  What is indexed again comes back; an .isaignore
    file, which speaks as .gitignore does, keeps it out.
    """
    from isa_cli.gallery.gallery import Gallery

    _check(paths or [], everything=everything, yes=yes or dry_run)
    wanted = [catalogued(path) for path in paths or []]
    folder = options.settings(gallery=gallery).gallery
    reporter = console.ConsoleReporter(quiet=quiet)
    Gallery.open(folder).close()  # nothing to forget where there is none; never create one
    with Gallery.open(folder, writable=not dry_run, reporter=reporter) as opened:
        if everything:
            wanted = list(opened.catalog.metadata.roots())
        if dry_run:
            files, photos = _would_go(opened.catalog, wanted)
        else:
            done = opened.forget(wanted)
            files, photos = done.files, done.photos
    if not quiet:
        did, gone = ("would forget", "would leave") if dry_run else ("forgot", "left")
        console.say(
            f"{did} {wording.counted(files, 'file')} "
            f"({wording.counted(photos, 'photo')} {gone} the gallery)"
        )
    return 0 if files else ExitCode.NOTHING_FOUND


def _would_go(catalog: Catalog, wanted: list[bytes]) -> tuple[int, int]:
    """Return how many files, failures included, and photos the real thing would take out."""
    from isa_cli.filters import Or, Under

    where = Or(tuple(Under(path) for path in wanted))
    groups = catalog.photos.of(catalog.vectors.select(where), where)
    found = [photo for group in groups.values() for photo in group]

    def is_meant(path: bytes) -> bool:
        return any(path == top or path.startswith(top.rstrip(b"/") + b"/") for top in wanted)

    files = sum(is_meant(path) for photo in found for path in photo.paths)
    failures = sum(is_meant(path) for path, _ in catalog.photos.failures())
    return files + failures, sum(all(map(is_meant, photo.paths)) for photo in found)


def _check(paths: list[str], *, everything: bool, yes: bool) -> None:
    if everything == bool(paths):
        raise UsageError("say what to forget", "isa forget PATH..., or isa forget --all --yes")
    if not all(paths):
        raise UsageError("a path is empty", "isa forget . means the folder you are in")
    if everything and not yes:
        raise UsageError("--all empties the gallery", "add --yes if that is what you want")

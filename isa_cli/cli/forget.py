"""``isa forget``: take photos out of the gallery; the files themselves are never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.cli.paths import catalogued
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from isa_cli.gallery.catalog import Catalog

NOTHING_FOUND = 1


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
    given = [catalogued(path) for path in paths or []]
    folder = options.settings(gallery=gallery).gallery
    reporter = console.ConsoleReporter(quiet=quiet)
    Gallery.open(folder).close()  # nothing to forget where there is none; never create one
    with Gallery.open(folder, writable=not dry_run, reporter=reporter) as opened:
        wanted, unknown = _spelled(opened.catalog, given)
        if everything:
            wanted = list(opened.catalog.roots())
        if dry_run:
            files, photos = _would_go(opened.catalog, wanted)
        else:
            done = opened.forget(wanted)
            files, photos = done.files, done.photos
    if not quiet:
        did, gone = ("would forget", "would leave") if dry_run else ("forgot", "left")
        console.say(
            f"{did} {console.counted(files, 'file')} "
            f"({console.counted(photos, 'photo')} {gone} the gallery)"
        )
        for path in unknown:
            console.say(f"  nothing at or below {console.shortest(path)} is in the gallery")
    return 0 if files else NOTHING_FOUND


def _spelled(catalog: Catalog, paths: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return paths as the catalogue writes them, each once, and those that it does not know."""
    from isa_cli.gallery.spelling import is_known, known_spellings

    spelled = {path: known_spellings(catalog, path) for path in paths}
    wanted = dict.fromkeys(one for spellings in spelled.values() for one in spellings)
    unknown = [path for path, (one, *_) in spelled.items() if not is_known(catalog, one)]
    return list(wanted), unknown


def _would_go(catalog: Catalog, wanted: list[bytes]) -> tuple[int, int]:
    """Return how many files, failures included, and photos the real thing would take out."""
    from isa_cli.types import Or, Under

    where = Or(tuple(Under(path) for path in wanted))
    found = [p for group in catalog.photos(catalog.select(where), where).values() for p in group]

    def is_meant(path: bytes) -> bool:
        return any(path == top or path.startswith(top.rstrip(b"/") + b"/") for top in wanted)

    files = sum(is_meant(path) for photo in found for path in photo.paths)
    failures = sum(is_meant(path) for path, _ in catalog.failures())
    return files + failures, sum(all(map(is_meant, photo.paths)) for photo in found)


def _check(paths: list[str], *, everything: bool, yes: bool) -> None:
    if everything == bool(paths):
        raise UsageError("say what to forget", "isa forget PATH..., or isa forget --all --yes")
    if not all(paths):
        raise UsageError("a path is empty", "isa forget . means the folder you are in")
    if everything and not yes:
        raise UsageError("--all empties the gallery", "add --yes if that is what you want")

"""``isa forget``: take photos out of the gallery; the files themselves are never touched."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import ExitCode, UsageError


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
    _check(paths or [], everything=everything, yes=yes or dry_run)
    library = options.library(gallery, quiet=quiet)
    wanted = [os.fsdecode(root) for root in library.stats.roots] if everything else paths or []
    gone = library.forget(wanted, dry_run=dry_run)
    if not quiet:
        did, left = ("would forget", "would leave") if dry_run else ("forgot", "left")
        console.say(
            f"{did} {wording.counted(gone.files, 'file')} "
            f"({wording.counted(gone.photos, 'photo')} {left} the gallery)"
        )
        for path in gone.unknown:
            console.say(f"  nothing at or below {wording.shortest(path)} is in the gallery")
    return 0 if gone.files else ExitCode.NOTHING_FOUND


def _check(paths: list[str], *, everything: bool, yes: bool) -> None:
    if everything == bool(paths):
        raise UsageError("say what to forget", "isa forget PATH..., or isa forget --all --yes")
    if not all(paths):
        raise UsageError("a path is empty", "isa forget . means the folder you are in")
    if everything and not yes:
        raise UsageError("--all empties the gallery", "add --yes if that is what you want")

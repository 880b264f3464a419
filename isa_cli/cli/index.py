"""``isa index``: embed what is new in folders of photos."""

from __future__ import annotations

from typing import Annotated

import typer

from isa_cli.cli import console, options

FAREWELL = "isa: stopping; the batch under way is finished and saved (again to stop at once)"


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
        bool,
        typer.Option("--retry-failed", help="Try again what failed for good and has not changed."),
    ] = False,
    reread: Annotated[
        bool,
        typer.Option(
            "--reread",
            help="Read again what looks unchanged; only what is another picture is embedded.",
        ),
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
    What failed for a reason outside of the file (a share, a permission, a limit, a missing part)
    is tried again by the next run.  --reread FOLDER reads its files again by their bytes.
    """
    from isa_cli.cli.summary import report

    library = options.library(gallery, model, device, precision, quiet=quiet)
    summary = library.index(
        folders or (),
        include=include or (),
        exclude=exclude or (),
        hidden=hidden,
        include_derivatives=include_derivatives,
        retry_failed=retry_failed,
        reread=reread,
        prune=prune,
        dry_run=dry_run,
        limit=limit,
        batch_size=batch_size,
        workers=workers,
        stop=console.stop_on_signals(FAREWELL),
    )
    return report(summary, quiet=quiet, dry_run=dry_run)

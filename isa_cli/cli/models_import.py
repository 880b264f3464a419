"""``isa models import``: a mapping network that somebody published becomes a query model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import GalleryError, UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.types import EmbeddingSpace


def import_network(
    file: Annotated[str, typer.Argument(metavar="FILE", hidden=True)],
    model: Annotated[
        str,
        typer.Option(
            "--for", metavar="MODEL", help="What it was trained for, such as ViT-L-14/openai."
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="The query model (default: the gallery's own)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the query model that is there.")
    ] = False,
    gallery: options.GalleryOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Make a published network a query model: SEARLE, LinCIR or Pic2Word.

    FILE is what its authors give away; none of it is isa's, and its licence stays what it is.
    Afterwards isa search answers with it.

    \b
      isa models import searle.pt --for ViT-L-14/openai
    """  # noqa: D301 - typer's mark for lines to keep
    if not model:
        raise UsageError("--for is empty", "name a model, such as ViT-L-14/openai")
    if out is not None and gallery is not None:
        raise UsageError("--out and --gallery exclude each other", "choose one of them")
    source = options.existing_file("FILE", file)
    folder = options.settings(gallery=gallery).gallery
    target = _target(out, folder, force=force)

    from isa_cli.encoders import load_backbone, locate
    from isa_cli.encoders.files import digest_of
    from isa_cli.query.checkpoint import save
    from isa_cli.query.importing import header_for, import_published

    reporter = console.ConsoleReporter(quiet=quiet)
    mapper = import_published(source)  # told before a model is fetched
    files = locate(options.absolute_model(model), reporter)
    if out is None:
        _check_space(folder, files.space)
    backbone = load_backbone(
        files, device="cpu", precision="fp32", parts={"text"}, reporter=reporter
    )
    record = {"file": source.name, "sha256": digest_of(source)}
    save(target, header_for(mapper, backbone, record), mapper=mapper)
    if not quiet:
        console.say(f"{wording.printable(str(target))}: {mapper.label}, for {files.space}")
        if out is None:
            console.say("  isa search uses it from now on")
    return 0


def _target(out: str | None, gallery: Path, *, force: bool) -> Path:
    """Return the file to write, where that is possible and harms nothing."""
    from isa_cli.query.lookup import QUERY_MODEL

    if out == "":
        raise UsageError("--out is empty", "give it a value, or leave it out")
    target = absolute(out) if out is not None else gallery / QUERY_MODEL
    if out is not None and not target.parent.is_dir():
        raise UsageError(
            f"--out {wording.printable(out)} lies in a folder that is not there",
            "make the folder first",
        )
    if target.is_dir():
        raise UsageError(f"{wording.printable(str(target))} is a folder", "name a file")
    if target.exists() and not force:
        raise UsageError(
            f"there is a query model already: {wording.printable(str(target))}",
            "--force replaces it, --out FILE writes elsewhere",
        )
    return target


def _check_space(folder: Path, space: EmbeddingSpace) -> None:
    """Refuse a network that is for another model than the gallery's.

    Raises:
        GalleryError: it is; names both.
        GalleryMissing: there is no gallery.
    """
    from isa_cli.gallery.gallery import Gallery

    with Gallery.open(folder) as opened:
        own = opened.space
    if own != space:
        raise GalleryError(
            f"the network would be for {space}, but the gallery {folder} holds {own}",
            "name the gallery's own model with --for, or write it elsewhere with --out FILE",
        )

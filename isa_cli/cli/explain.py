"""``isa explain``: what a learned query is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.cli.arguments import references_and_modifier
from isa_cli.cli.search import page_path
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.library.explained import Explained


def explain(
    what: Annotated[list[str] | None, typer.Argument(metavar="PICTURE WORDS", hidden=True)] = None,
    text: Annotated[
        str | None,
        typer.Option(
            "--text", metavar="WORDS", help="The words, where they look like a file's name."
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", "-k", metavar="N", help="How many answers to take apart.")
    ] = 3,
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", metavar="0..1", help="The weight of what was learned."),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write a page with the picture's maps."),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page.")] = False,
    as_json: options.JsonOption = False,
    gallery: options.GalleryOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Show what each word of a learned query looks at, and what each part contributed.

    \b
      isa explain ref.jpg "same dress but sleeveless"
      isa explain ref.jpg "at night" --html why.html --open
    """  # noqa: D301 - typer's mark for lines to keep
    references, modifier = references_and_modifier(what or (), text)
    if len(references) != 1 or not modifier:
        raise UsageError(
            "isa explain takes one picture and the words that change it",
            'isa explain ref.jpg "same dress but sleeveless"',
        )
    page = page_path(html)
    if open_it and page is None:
        raise UsageError("--open has no page to open", "say where it goes: --html FILE --open")

    library = options.library(gallery, model, device, precision, quiet=quiet)
    explained = library.explain(references[0], modifier, top=top, alpha=alpha)
    _present(explained, page, as_json=as_json, open_it=open_it, quiet=quiet)
    return 0


def _present(
    explained: Explained, page: Path | None, *, as_json: bool, open_it: bool, quiet: bool
) -> None:
    from isa_cli.cli import explain_report

    explain_report.show(explained, as_json=as_json)
    if page is None:
        return
    from isa_cli.cli.explain_page import write

    write(page, explained)
    if not quiet:
        console.say(f"page: {wording.printable(str(page))}")
    if open_it and typer.launch(str(page)) != 0:
        console.say(f"isa: can't open {wording.printable(str(page))}: no program is set for it")

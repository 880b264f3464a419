"""``isa search``: find photos by pictures, words, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.cli.arguments import picture, references_and_modifier
from isa_cli.cli.results import Output, present
from isa_cli.errors import ExitCode, UsageError
from isa_cli.paths import absolute, catalogued
from isa_cli.query.methods import DEFAULT_METHOD, METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isa_cli.library.library import Library
    from isa_cli.search.request import Answer

    Method = str
else:  # typer lists the choices and refuses others
    Method = Literal["auto", *METHODS]

Texts = list[str] | None
"""An option that may be repeated."""


def search(
    what: Annotated[Texts, typer.Argument(metavar="PICTURE|WORDS", hidden=True)] = None,
    text: Annotated[
        str | None,
        typer.Option(
            "--text", metavar="WORDS", help="The words, where they look like a file's name."
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", "-k", metavar="N", help="How many answers.")] = 20,
    avoid_texts: Annotated[
        Texts, typer.Option("--not", metavar="WORDS", help="What must not show.")
    ] = None,
    avoid_images: Annotated[
        Texts, typer.Option("--not-image", metavar="FILE", help="Nothing like it.")
    ] = None,
    under: Annotated[
        Texts, typer.Option("--under", metavar="DIR", help="Only photos below this folder.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", metavar="DATE", help="Taken on or after 2024, 2024-05, 2024-05-01, ..."
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="DATE", help="Taken before the start of 2024, 2024-05, ..."
        ),
    ] = None,
    camera: Annotated[
        Texts, typer.Option("--camera", metavar="NAME", help="Part of the camera's name.")
    ] = None,
    near: Annotated[
        str | None,
        typer.Option("--near", metavar="LAT,LON[,KM]", help="Taken within KM (5) kilometres."),
    ] = None,
    min_size: Annotated[
        str | None,
        typer.Option(
            "--min-size", metavar="SIZE", help="1200 (long side), 12MP, or 2MB (the file)."
        ),
    ] = None,
    types: Annotated[
        Texts, typer.Option("--type", metavar="TYPES", help="jpeg, png, heic, ...")
    ] = None,
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            show_default=False,
            help="How picture and words are put together "
            f"(default: the query model's, else {DEFAULT_METHOD}).",
        ),
    ] = "auto",
    alpha: Annotated[
        float | None, typer.Option("--alpha", metavar="0..1", help="The weight of the words.")
    ] = None,
    include_ref: Annotated[
        bool, typer.Option("--include-ref", help="Let the reference itself be an answer.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with every photo, however many there are.")
    ] = False,
    group: Annotated[
        bool, typer.Option("--group", help="Fold near-duplicates into one answer.")
    ] = False,
    group_at: Annotated[
        float | None,
        typer.Option("--group-at", metavar="0..1", help="The same, from this cosine on."),
    ] = None,
    companions: Annotated[
        bool,
        typer.Option(
            "--companions",
            help="Show what is behind an answer: its RAW or HEIC beside it, edited copies.",
        ),
    ] = False,
    as_json: options.JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_paths: Annotated[bool, typer.Option("--paths", help="Print paths, one a line.")] = False,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="Print paths with a NUL byte after each.")
    ] = False,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write a contact sheet with thumbnails."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Draw thumbnails in the terminal.")
    ] = False,
    open_it: Annotated[
        bool, typer.Option("--open", help="Open the sheet, or the best answer.")
    ] = False,
    gallery: options.GalleryOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Find photos by pictures, by words, or by pictures as words change them.

    \b
      isa search ref.jpg "same dress but sleeveless"
      isa search ref.jpg
      isa search --text "a dog on the beach" --after 2024-05 --under ~/Pictures
      isa search a.jpg b.jpg "at night" --not people --json
    """  # noqa: D301 - typer's mark for lines to keep
    form = _form(json=as_json, csv=as_csv, print0=print0, paths=as_paths)
    references, modifier = references_and_modifier(what or (), text)
    avoided = tuple(picture(name, "--not") for name in avoid_images or ())
    output = Output(
        form,
        page_path(html),
        preview=preview,
        open_it=open_it,
        quiet=quiet,
        companions=companions,
    )

    from isa_cli.library.conditions import where_of

    where = where_of(
        under=under or (),
        after=after,
        before=before,
        camera=camera or (),
        near=near,
        min_size=min_size,
        types=types or (),
    )

    from isa_cli.search.ranking import GROUP_AT  # a mistyped path need not wait for numpy
    from isa_cli.search.request import Request

    request = Request(
        references=references,
        modifier=modifier,
        avoid_texts=tuple(avoid_texts or ()),
        avoid_images=avoided,
        where=where,
        top=top,
        method=method,
        alpha=alpha,
        include_reference=include_ref,
        group=GROUP_AT if group and group_at is None else group_at,
        exact=exact,
    )
    library = options.library(gallery, model, device, precision, quiet=quiet)
    answer = library.ask(request)
    if not answer.hits:
        console.say(f"isa: {_nothing(answer, library, under or ())}")
        return ExitCode.NOTHING_FOUND
    present(answer, request, output)
    return 0


def _nothing(answer: Answer, library: Library, under: Sequence[str]) -> str:
    """Why nothing was found."""
    if answer.total == 0:
        return "nothing found: the gallery is empty; fill it with isa index DIR"
    if answer.considered == 0:
        return f"no photo matches the filters (0 of {answer.total:,}){_astray(library, under)}"
    return "nothing found but the reference itself; --include-ref shows it"


def _astray(library: Library, under: Sequence[str]) -> str:
    """Which of the folders asked for is not there or not indexed, as the end of a line."""
    from isa_cli.gallery.spelling import is_known, known_spellings

    missing = [name for name in under if not absolute(name).is_dir()]
    if missing:
        return f"; there is no folder {wording.printable(missing[0])}"
    with library.reading() as (gallery, _):
        for name in under:
            (path, *_) = known_spellings(gallery.catalog, catalogued(name))
            if not is_known(gallery.catalog, path):
                shown = wording.printable(name)
                return f"; nothing below {shown} is indexed: isa index {shown}"
    return ""


def _form(**asked: bool) -> str:
    """Return the one output format that was asked for."""
    forms = [form for form, wanted in asked.items() if wanted]
    if forms == ["print0", "paths"]:  # -0 says how --paths ends its lines
        return "print0"
    if len(forms) > 1:
        raise UsageError(f"--{' and --'.join(forms)} exclude each other", "choose one of them")
    return forms[0] if forms else "auto"


def page_path(html: str | None) -> Path | None:
    """Return where the page goes, in a folder that is there."""
    if html is None:
        return None
    sheet = absolute(html)
    if not sheet.parent.is_dir():
        raise UsageError(
            f"--html {html} lies in a folder that is not there", "make the folder first"
        )
    return sheet

"""``isa search``: find photos by pictures, words, or both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isa_cli.cli import console, options
from isa_cli.cli.paths import absolute
from isa_cli.errors import UsageError
from isa_cli.query.names import DEFAULT_METHOD, METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.config import Settings
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.search import Answer, Request, Searcher
    from isa_cli.types import Reporter


@click.command()
@click.argument("what", nargs=-1, metavar="[PICTURE]... [WORDS]")
@click.option("--text", metavar="WORDS", help="The words, where they look like a file's name.")
@click.option("--top", "-k", default=20, show_default=True, metavar="N", help="How many answers.")
@click.option("--not", "avoid_texts", multiple=True, metavar="WORDS", help="What must not show.")
@click.option("--not-image", "avoid_images", multiple=True, metavar="FILE", help="Nothing like it.")
@click.option("--under", multiple=True, metavar="DIR", help="Only photos below this folder.")
@click.option("--after", metavar="DATE", help="Taken on or after 2024, 2024-05, 2024-05-01, ...")
@click.option("--before", metavar="DATE", help="Taken before the start of 2024, 2024-05, ...")
@click.option("--camera", multiple=True, metavar="NAME", help="Part of the camera's name.")
@click.option("--near", metavar="LAT,LON[,KM]", help="Taken within KM (5) kilometres.")
@click.option("--min-size", metavar="SIZE", help="1200 (long side), 12MP, or 2MB (the file).")
@click.option("--type", "types", multiple=True, metavar="TYPES", help="jpeg, png, heic, ...")
@click.option(
    "--method",
    default="auto",
    type=click.Choice(["auto", *METHODS]),
    help=f"How picture and words are put together (default: {DEFAULT_METHOD}).",
)
@click.option("--alpha", type=float, metavar="0..1", help="The weight of the words.")
@click.option("--include-ref", is_flag=True, help="Let the reference itself be an answer.")
@click.option("--exact", is_flag=True, help="Compare with every photo, however many there are.")
@click.option("--group", is_flag=True, help="Fold near-duplicates into one answer.")
@click.option("--group-at", type=float, metavar="0..1", help="The same, from this cosine on.")
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--paths", "as_paths", is_flag=True, help="Print paths, one a line.")
@click.option("--print0", "-0", is_flag=True, help="Print paths with a NUL byte after each.")
@click.option("--html", metavar="FILE", help="Write a contact sheet with thumbnails.")
@click.option("--preview", is_flag=True, help="Draw thumbnails in the terminal.")
@click.option("--open", "open_it", is_flag=True, help="Open the sheet, or the best answer.")
@options.gallery
@options.model
@options.device
@options.precision
@options.quiet
def search(**given: Any) -> int:
    """Find photos by pictures, by words, or by pictures as words change them.

    \b
      isa search ref.jpg "same dress but sleeveless"
      isa search ref.jpg
      isa search --text "a dog on the beach" --after 2024-05 --under ~/Pictures
      isa search a.jpg b.jpg "at night" --not people --json
    """  # noqa: D301 - click's mark for lines to keep
    form = _form(given)
    request = _request(given)

    from isa_cli.gallery.gallery import Gallery  # a mistyped path need not wait for numpy

    settings = options.settings(given)
    reporter = console.ConsoleReporter(quiet=given["quiet"])
    with Gallery.open(settings.gallery, reporter=reporter) as gallery:
        searcher = _searcher(gallery, settings, given["model"], reporter)
        answer = searcher.search(request)
        if not answer.hits:
            console.say(f"isa: {_nothing(answer, gallery, given['under'])}")
            return 1
    _present(answer, request, form, given)
    return 0


def _form(given: dict[str, Any]) -> str:
    """Return the one output format that was asked for."""
    flags = {"json": "as_json", "csv": "as_csv", "print0": "print0", "paths": "as_paths"}
    asked = [form for form, flag in flags.items() if given[flag]]
    if asked == ["print0", "paths"]:  # -0 says how --paths ends its lines
        return "print0"
    if len(asked) > 1:
        raise UsageError(f"--{' and --'.join(asked)} exclude each other", "choose one of them")
    return asked[0] if asked else "auto"


def _request(given: dict[str, Any]) -> Request:
    """Return what the flags ask; reads no picture and opens no gallery."""
    from isa_cli.cli import filters
    from isa_cli.cli.arguments import picture, references_and_modifier

    references, modifier = references_and_modifier(given["what"], given["text"])
    avoided = tuple(picture(name) for name in given["avoid_images"])
    if given["html"] is not None and not absolute(given["html"]).parent.is_dir():
        raise UsageError(
            f"--html {given['html']} lies in a folder that is not there", "make the folder first"
        )
    where = filters.where(
        **{
            name: given[name]
            for name in ("under", "after", "before", "camera", "near", "min_size", "types")
        }
    )
    from isa_cli.search import GROUP_AT, Request

    group = given["group_at"] if given["group_at"] is not None else GROUP_AT
    return Request(
        references=references,
        modifier=modifier,
        avoid_texts=given["avoid_texts"],
        avoid_images=avoided,
        where=where,
        top=given["top"],
        method=given["method"],
        alpha=given["alpha"],
        include_reference=given["include_ref"],
        group=group if given["group"] or given["group_at"] is not None else None,
        exact=given["exact"],
    )


def _searcher(
    gallery: Gallery, settings: Settings, flag: str | None, reporter: Reporter
) -> Searcher:
    """Return the searcher, which loads the gallery's model only when it has to."""
    from isa_cli.search import Searcher

    name = options.model_for(flag, settings, gallery)

    def load(parts: frozenset[str]) -> Any:
        from isa_cli.backbones import load_backbone

        place = {"device": settings.device, "precision": settings.precision}
        return load_backbone(name, parts=parts, reporter=reporter, **place)

    return Searcher(gallery, load)


def _nothing(answer: Answer, gallery: Gallery, under: Sequence[str]) -> str:
    """Return why nothing was found."""
    total = gallery.catalog.count()
    if total == 0:
        return "nothing found: the gallery is empty; fill it with isa index DIR"
    if answer.considered == 0:
        missing = [name for name in under if not absolute(name).is_dir()]
        why = f"; there is no folder {console.printable(missing[0])}" if missing else ""
        return f"no photo matches the filters (0 of {total:,}){why}"
    return "nothing found but the reference itself; --include-ref shows it"


def _present(answer: Answer, request: Request, form: str, given: dict[str, Any]) -> None:
    """Print the hits, and draw, write and open what was asked for."""
    from isa_cli.cli import results

    hits = answer.hits
    if given["preview"]:
        from isa_cli.cli.preview import preview_hits

        preview_hits(hits)
    results.show(hits, form)
    to_open = Path(os.fsdecode(hits[0].photo.paths[0]))
    if given["html"] is not None:
        from isa_cli.cli.sheet import write_answer

        to_open = absolute(given["html"])
        write_answer(to_open, answer, request)
        if not given["quiet"]:
            console.say(f"contact sheet: {console.printable(str(to_open))}")
    if given["open_it"] and click.launch(str(to_open)) != 0:
        console.say(f"isa: can't open {console.printable(str(to_open))}: no program is set for it")

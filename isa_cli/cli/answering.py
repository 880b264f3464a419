"""What ``isa search`` does once the command line is read: ask the gallery, show what it says."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from isa_cli.cli import console, options
from isa_cli.cli.paths import absolute, catalogued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.backbones import Backbone
    from isa_cli.config import Settings
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.query.files import QueryFile
    from isa_cli.request import Answer, Request
    from isa_cli.search import Searcher
    from isa_cli.types import Reporter, TextEncoder


@dataclass(frozen=True, slots=True)
class Output:
    """What to do with the answer.

    Attributes:
        form: ``results.show``'s.
        sheet: the contact sheet to write.
        preview: draw thumbnails in the terminal.
        open_it: open the sheet, or the best answer.
        quiet: say nothing that is not asked for.
    """

    form: str
    sheet: Path | None
    preview: bool
    open_it: bool
    quiet: bool


def find(
    request: Request,
    settings: Settings,
    model: str | None,
    under: Sequence[str],
    reporter: Reporter,
) -> Answer:
    """Return what the gallery answers, having said why where that is nothing."""
    from isa_cli.gallery.gallery import Gallery

    with Gallery.open(settings.gallery, reporter=reporter) as gallery:
        if request.where is not None:
            from isa_cli.gallery.spelling import respelled

            request = replace(request, where=respelled(gallery.catalog, request.where))
        if model is not None:  # also where stored vectors would answer without any model
            from isa_cli.backbones import locate

            gallery.expect(locate(options.absolute_model(model), reporter).space)
        answer = searcher(gallery, settings, model, reporter).search(request)
        if not answer.hits:
            console.say(f"isa: {_nothing(answer, gallery, under)}")
    return answer


def searcher(
    gallery: Gallery, settings: Settings, flag: str | None, reporter: Reporter
) -> Searcher:
    """Return the searcher, which loads the gallery's model only when it has to."""
    from isa_cli.search import Searcher

    name = options.model_for(flag, settings, gallery)
    place = {"device": settings.device, "precision": settings.precision}

    def load(parts: frozenset[str]) -> Backbone:
        from isa_cli.backbones import load_backbone

        return load_backbone(name, parts=parts, reporter=reporter, **place)

    def quick() -> TextEncoder | None:
        from isa_cli.backbones import locate
        from isa_cli.backbones.quick import quick_text_encoder

        if set(place.values()) != {"auto"}:  # it knows one device and one precision
            return None
        return quick_text_encoder(locate(name, reporter), reporter)

    def learned() -> QueryFile | None:
        from isa_cli.query.files import query_file

        return query_file(gallery.folder, gallery.space)

    return Searcher(gallery, load, quick, reporter, learned)


def _nothing(answer: Answer, gallery: Gallery, under: Sequence[str]) -> str:
    """Return why nothing was found."""
    total = gallery.catalog.count()
    if total == 0:
        return "nothing found: the gallery is empty; fill it with isa index DIR"
    if answer.considered == 0:
        return f"no photo matches the filters (0 of {total:,}){_astray(gallery, under)}"
    return "nothing found but the reference itself; --include-ref shows it"


def _astray(gallery: Gallery, under: Sequence[str]) -> str:
    """Return which of the folders asked for is not there or not indexed, as the end of a line."""
    from isa_cli.gallery.spelling import is_known, known_spellings

    missing = [name for name in under if not absolute(name).is_dir()]
    if missing:
        return f"; there is no folder {console.printable(missing[0])}"
    for name in under:
        (path, *_) = known_spellings(gallery.catalog, catalogued(name))
        if not is_known(gallery.catalog, path):
            shown = console.printable(name)
            return f"; nothing below {shown} is indexed: isa index {shown}"
    return ""


def present(answer: Answer, request: Request, output: Output) -> None:
    """Print the hits, and draw, write and open what was asked for."""
    from isa_cli.cli import results

    hits = answer.hits
    if output.preview:
        from isa_cli.cli.preview import preview_hits

        preview_hits(hits)
    results.show(hits, output.form)
    to_open = Path(os.fsdecode(hits[0].photo.paths[0]))
    if output.sheet is not None:
        from isa_cli.cli.sheet import write_answer

        to_open = output.sheet
        write_answer(to_open, answer, request)
        if not output.quiet:
            console.say(f"contact sheet: {console.printable(str(to_open))}")
    if output.open_it and typer.launch(str(to_open)) != 0:
        console.say(f"isa: can't open {console.printable(str(to_open))}: no program is set for it")

"""What ``isa search`` does once the command line is read: ask the gallery, show what it says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.config import Settings
    from isa_cli.encoders import Backbone
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.protocols import TextEncoder
    from isa_cli.query.lookup import QueryFile
    from isa_cli.reporting import Reporter
    from isa_cli.search.request import Answer, Request
    from isa_cli.search.searcher import Searcher


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
    """The gallery's answer; where nothing is found, the reason has been said."""
    from isa_cli.gallery.gallery import Gallery

    with Gallery.open(settings.gallery, reporter=reporter) as gallery:
        if model is not None:  # also where stored vectors would answer without any model
            from isa_cli.encoders import locate

            gallery.expect(locate(options.absolute_model(model), reporter).space)
        answer = searcher(gallery, settings, model, reporter).search(request)
        if not answer.hits:
            console.say(f"isa: {_nothing(answer, gallery, under)}")
    return answer


def searcher(
    gallery: Gallery, settings: Settings, flag: str | None, reporter: Reporter
) -> Searcher:
    """Return the searcher, which loads the gallery's model only when it has to."""
    from isa_cli.search.searcher import Searcher

    name = options.model_for(flag, settings, gallery)
    place = {"device": settings.device, "precision": settings.precision}

    def load(parts: frozenset[str]) -> Backbone:
        from isa_cli.encoders import load_backbone

        return load_backbone(name, parts=parts, reporter=reporter, **place)

    def quick() -> TextEncoder | None:
        from isa_cli.encoders import locate
        from isa_cli.encoders.numpy_text import numpy_text_encoder

        if set(place.values()) != {"auto"}:  # it knows one device and one precision
            return None
        return numpy_text_encoder(locate(name, reporter), reporter)

    def learned() -> QueryFile | None:
        from isa_cli.query.lookup import query_file

        return query_file(gallery.folder, gallery.space)

    return Searcher(gallery, load, quick, reporter, learned)


def _nothing(answer: Answer, gallery: Gallery, under: Sequence[str]) -> str:
    """Return why nothing was found."""
    total = gallery.catalog.count()
    if total == 0:
        return "nothing found: the gallery is empty; fill it with isa index DIR"
    if answer.considered == 0:
        missing = [name for name in under if not absolute(name).is_dir()]
        why = f"; there is no folder {wording.printable(missing[0])}" if missing else ""
        return f"no photo matches the filters (0 of {total:,}){why}"
    return "nothing found but the reference itself; --include-ref shows it"


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
        from isa_cli.pages.contact_sheet import answer_sheet
        from isa_cli.pages.page import put

        to_open = output.sheet
        put(to_open, answer_sheet(answer, request))
        if not output.quiet:
            console.say(f"contact sheet: {wording.printable(str(to_open))}")
    if output.open_it and typer.launch(str(to_open)) != 0:
        console.say(f"isa: can't open {wording.printable(str(to_open))}: no program is set for it")

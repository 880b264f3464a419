"""``isa explain``: what a learned query is made of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.cli.arguments import references_and_modifier
from isa_cli.cli.search import page_path
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from isa_cli.config import Settings
    from isa_cli.encoders import Backbone
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.protocols import TextEncoder
    from isa_cli.query.explain import Explanation, Split
    from isa_cli.query.lookup import QueryFile
    from isa_cli.reporting import Reporter
    from isa_cli.search.request import Answer, Request


@dataclass(frozen=True, slots=True)
class Explained:
    """A question, its answer, and how the answer came about.

    Attributes:
        request: one reference and words.
        answer: what ``isa search`` finds.
        explanation: the query, taken apart.
        splits: how the score of each hit comes about.
    """

    request: Request
    answer: Answer
    explanation: Explanation
    splits: list[Split]


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

    from isa_cli.search.request import Request

    request = Request(references, modifier, top=top, alpha=alpha)
    settings = options.settings(gallery=gallery, model=model, device=device, precision=precision)
    explained = take_apart(request, settings, model, console.ConsoleReporter(quiet=quiet))
    _present(explained, page, as_json=as_json, open_it=open_it, quiet=quiet)
    return 0


def take_apart(
    request: Request, settings: Settings, model: str | None, reporter: Reporter
) -> Explained:
    """Return a search's answer and how it came about.

    Args:
        request: one reference and words; the gallery's query model decides the method.
        settings: those in force.
        model: the ``--model`` flag.
        reporter: hears of words that are too long.

    Raises:
        UsageError: the gallery has no query model, so that nothing was learned.
    """
    from isa_cli.gallery.gallery import Gallery

    with Gallery.open(settings.gallery, reporter=reporter) as gallery:
        if model is not None:
            from isa_cli.encoders import locate

            gallery.expect(locate(options.absolute_model(model), reporter).space)
        return _Parts(gallery, settings, model, reporter).of(request)


class _Parts:
    """A gallery, its query model, and the large model that both were made with.

    Args:
        gallery: open.
        settings: those in force.
        flag: the ``--model`` flag.
        reporter: hears what the library has to say.
    """

    def __init__(
        self, gallery: Gallery, settings: Settings, flag: str | None, reporter: Reporter
    ) -> None:
        self._gallery = gallery
        self._file = _query_file(gallery)
        self._name = options.model_for(flag, settings, gallery)
        self._place = {"device": settings.device, "precision": settings.precision}
        self._reporter = reporter
        self._backbone: Backbone | None = None

    def of(self, request: Request) -> Explained:
        """Answers a request as ``take_apart`` says."""
        import numpy as np

        from isa_cli.query.composers import Calibration
        from isa_cli.search.searcher import CALIBRATION_SAMPLE, Searcher

        searcher = Searcher(
            self._gallery, self._load, reporter=self._reporter, query_file=lambda: self._file
        )
        answer = searcher.search(request)
        explanation = self._explanation(request, answer, searcher)
        catalog = self._gallery.catalog
        found = [catalog.vector_of(bytes.fromhex(hit.photo.digest)) for hit in answer.hits]
        gallery = Calibration(catalog.sample(CALIBRATION_SAMPLE))
        return Explained(
            request, answer, explanation, explanation.splits(np.array(found, np.float32), gallery)
        )

    def _load(self, parts: frozenset[str]) -> Backbone:
        """Return the large model; what the search loaded last also serves to explain it."""
        from isa_cli.encoders import load_backbone

        self._backbone = load_backbone(
            self._name, parts=parts, reporter=self._reporter, **self._place
        )
        return self._backbone

    def _explanation(self, request: Request, answer: Answer, text: TextEncoder) -> Explanation:
        from isa_cli.images import digest, open_image, read_file
        from isa_cli.query.explain import Explainer

        backbone = self._backbone
        assert backbone is not None, "a learned composer has loaded it"
        data = read_file(os.fsencode(request.references[0].absolute()))

        def picture(at_least: tuple[int, int] | None = None) -> Image:
            return open_image(data, at_least=at_least)[0]

        blend = 0.0 if answer.alpha is None else 1.0 - answer.alpha
        reference = self._gallery.catalog.vector_of(digest(data)) if blend else None
        if blend and reference is None:  # the search has loaded what it takes
            reference = backbone.encode_images([backbone.prepare(picture(backbone.input_size))])[0]
        model = self._file.load(self._gallery.space)
        explainer = Explainer(model, backbone, text, answer.method)
        return explainer.explain(picture, request.modifier, blend=blend, reference=reference)


def _query_file(gallery: Gallery) -> QueryFile:
    """Return the gallery's query model, of which there must be one."""
    from isa_cli.query.lookup import query_file

    file = query_file(gallery.folder, gallery.space)
    if file is None:
        raise UsageError(
            "this gallery has no query model: its searches mix picture and words by a fixed "
            "formula, and there is nothing learned to explain",
            "isa train makes one from the gallery's own photos",
        )
    return file


def _present(
    explained: Explained, page: Path | None, *, as_json: bool, open_it: bool, quiet: bool
) -> None:
    from isa_cli.cli import explain_report

    explain_report.show(explained, as_json=as_json)
    if page is None:
        return
    from isa_cli.pages.explanation import explanation_page
    from isa_cli.pages.page import put

    put(
        page,
        explanation_page(
            explained.request, explained.answer, explained.explanation, explained.splits
        ),
    )
    if not quiet:
        console.say(f"page: {wording.printable(str(page))}")
    if open_it and typer.launch(str(page)) != 0:
        console.say(f"isa: can't open {wording.printable(str(page))}: no program is set for it")

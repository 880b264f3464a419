"""Where the query side and the gallery side meet: a request in, ranked photos out.

The large model is loaded only when something has to be embedded: a search by a reference that is
in the gallery uses its stored vector, and without words needs no model at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import ImageError, SpaceMismatch, UsageError
from isa_cli.images import digest, open_image, read_file
from isa_cli.query.composers import Calibration, TrainingFree
from isa_cli.query.names import DEFAULT_METHOD, METHODS
from isa_cli.types import Hit, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.backbones import Backbone
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.types import EmbeddingSpace, Photo, Reporter, TextEncoder, Vectors, Where

    Vector = NDArray[np.float32]  # (D,)

CALIBRATION_SAMPLE = 2048
"""Gallery vectors that tell how high scores are here (ours): the deviation is good to 2 %."""

GROUP_AT = 0.95
"""Cosine from which two photos count as the same shot for ``--group`` (ours)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks.

    Attributes:
        references: pictures to start from, in the gallery or not.
        modifier: the words that change them; '' for none.
        avoid_texts, avoid_images: what should not show.
        where: a filter, or ``None``.
        top: k, how many answers.
        method: a name of ``query.names.METHODS``, or ``auto``.
        alpha: weight of the words in [0, 1]; ``None``: the method's default.
        include_reference: let the references themselves be answers.
        group: cosine from which near-duplicates are folded into one answer; ``None``: never.
        exact: compare with every vector, whatever the gallery's size.
    """

    references: tuple[Path, ...] = ()
    modifier: str = ""
    avoid_texts: tuple[str, ...] = ()
    avoid_images: tuple[Path, ...] = ()
    where: Where | None = None
    top: int = 20
    method: str = "auto"
    alpha: float | None = None
    include_reference: bool = False
    group: float | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and how.

    Attributes:
        hits: best first.
        method: the composer that answered.
        alpha: its weight of the words; ``None`` where it does not weigh.
        considered: how many photos' vectors the filter left to compare with.
    """

    hits: list[Hit]
    method: str
    alpha: float | None
    considered: int


@dataclass(frozen=True, slots=True)
class _Reference:
    digest: bytes
    vector: Vector


class Searcher:
    """Answers requests over one gallery; keeps the model and the calibration between them.

    Args:
        gallery: open, for reading at least.
        load: loads the gallery's model with the parts asked for, ``{"image", "text"}``.
        quick: makes an encoder of words that needs no torch, or ``None`` where the model has none;
            asked once, when there are words.
        reporter: hears of words that are too long for the model.
    """

    def __init__(
        self,
        gallery: Gallery,
        load: Callable[[frozenset[str]], Backbone],
        quick: Callable[[], TextEncoder | None] = lambda: None,
        reporter: Reporter | None = None,
    ) -> None:
        self._gallery = gallery
        self._load = load
        self._quick = quick
        self._text: TextEncoder | None = None
        self._reporter = reporter
        self._backbone: Backbone | None = None
        self._parts: frozenset[str] = frozenset()  # what the loaded model has
        self._soon: frozenset[str] = frozenset()  # what this search will need besides
        self._calibration: Calibration | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """The gallery's space."""
        return self._gallery.space

    def search(self, request: Request) -> Answer:
        """Return the photos that answer a request, best first.

        Raises:
            UsageError: nothing was asked, or something impossible.
            ImageError: a reference cannot be opened.
            ModelError: the model is needed and cannot be loaded.
            SpaceMismatch: the model loaded is not the gallery's.
        """
        method = _method(request)
        words = bool(request.avoid_texts) or (bool(request.modifier) and method != "image")
        if words and self._text is None:
            self._text = self._quick()
            if self._text is not None:
                self._check(self._text.space)
        self._soon = frozenset({"text"} if words and self._text is None else ())
        paths = () if method == "text" else request.references
        references = [self._reference(path) for path in paths]
        avoided = [self._reference(path) for path in request.avoid_images]
        composer = TrainingFree(method, self, self._calibrate(), request.alpha)
        query = Query(
            references=self._stack(references),
            modifier=request.modifier,
            avoid_images=self._stack(avoided) if avoided else None,
            avoid_texts=request.avoid_texts,
        )
        vector = composer.compose([query])[0]
        hidden = frozenset() if request.include_reference else {r.digest for r in references}
        hits, considered = self._hits(vector, request, hidden)
        mixed = len(references) > 0 and bool(request.modifier) and method not in {"image", "text"}
        return Answer(hits, method, composer.alpha if mixed else None, considered)

    # --- what goes in ---

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts; loads the text tower when first asked."""
        if self._text is None:
            from isa_cli.query.text import BackboneTextEncoder  # noqa: PLC0415 - torch

            self._text = BackboneTextEncoder(self._with({"text"}), self._reporter)
        return self._text.encode_text(texts)

    def _with(self, parts: set[str]) -> Backbone:
        """Return the model with at least these parts, loading it if need be."""
        if self._backbone is None or not parts <= self._parts:
            wanted = self._parts | parts | self._soon
            backbone = self._load(wanted)
            self._check(backbone.space)
            self._backbone, self._parts = backbone, wanted
        return self._backbone

    def _check(self, space: EmbeddingSpace) -> None:
        """Refuse an encoder of another space than the gallery's."""
        if space != self.space:
            raise SpaceMismatch(self.space, space)

    def _reference(self, path: Path) -> _Reference:
        """Return a picture's digest and vector: the stored one where the gallery knows it."""
        raw = os.fsencode(path.absolute())
        try:
            data = read_file(raw)
            key = digest(data)
            stored = self._gallery.catalog.vector_of(key)
            if stored is not None:
                return _Reference(key, stored)
            backbone = self._with({"image"})
            image, _ = open_image(data, at_least=backbone.input_size)
        except ImageError as error:
            raise ImageError(f"{path}: {error.reason}", error.hint) from error
        return _Reference(key, backbone.encode_images([backbone.prepare(image)])[0])

    def _stack(self, references: Sequence[_Reference]) -> Vectors:
        rows = [reference.vector for reference in references]
        return np.stack(rows) if rows else np.empty((0, self.space.dim), np.float32)

    def _calibrate(self) -> Calibration:
        if self._calibration is None:
            self._calibration = Calibration(self._gallery.catalog.sample(CALIBRATION_SAMPLE))
        return self._calibration

    # --- what comes out ---

    def _hits(
        self, vector: Vector, request: Request, hidden: AbstractSet[bytes]
    ) -> tuple[list[Hit], int]:
        """Return ranked hits; asks for more vectors until hiding and folding leave enough."""
        catalog, index = self._gallery.catalog, self._gallery.index
        where = request.where
        considered = catalog.count() if where is None else len(catalog.select(where))
        k = min(request.top + len(hidden), considered)
        hits: list[Hit] = []
        while k > 0:
            matches = index.search(vector[None], k, where, exact=request.exact)
            keys, scores = matches.keys[0], matches.scores[0]
            photos = catalog.photos(keys, where)
            found = [
                (int(key), float(score), photo)
                for key, score in zip(keys, scores, strict=True)
                for photo in photos.get(int(key), ())
                if bytes.fromhex(photo.digest) not in hidden
            ]
            hits = self._ranked(found, vector, request.group)
            if len(hits) >= request.top or k >= considered:
                break
            k = min(4 * k, considered)
        return hits[: request.top], considered

    def _ranked(
        self, found: list[tuple[int, float, Photo]], vector: Vector, group: float | None
    ) -> list[Hit]:
        mean, deviation = self._calibrate().mean_and_deviation(vector)
        heads = self._folded(found, group) if group is not None else [[item] for item in found]
        return [
            Hit(
                rank=rank,
                score=score,
                z=(score - mean) / deviation,
                photo=photo,
                similar=tuple(other for _, _, other in rest),
            )
            for rank, ((_, score, photo), *rest) in enumerate(heads, start=1)
        ]

    def _folded(
        self, found: list[tuple[int, float, Photo]], group: float
    ) -> list[list[tuple[int, float, Photo]]]:
        """Return the answers with near-duplicates behind the best of them, order kept."""
        keys = np.unique(np.array([key for key, _, _ in found], np.uint64))
        rows: dict[int, Vector] = {}
        for chunk, vectors in self._gallery.catalog.vectors(keys):
            rows.update(zip(chunk.tolist(), vectors, strict=True))
        groups: list[list[tuple[int, float, Photo]]] = []
        heads = np.empty((len(found), self.space.dim), np.float32)
        for item in found:
            likeness = heads[: len(groups)] @ rows[item[0]]
            if groups and likeness.max() >= group:
                groups[int(likeness.argmax())].append(item)
            else:
                heads[len(groups)] = rows[item[0]]
                groups.append([item])
        return groups


def _method(request: Request) -> str:
    """Return the composer to use, having checked that the request asks something possible."""
    _check_numbers(request)
    if request.method not in {"auto", *METHODS}:
        raise UsageError(
            f"no composer is called {request.method!r}", f"there are {', '.join(METHODS)}"
        )
    if not request.references and not request.modifier:
        raise UsageError(
            "nothing to search for: give a reference picture, words, or both",
            'isa search ref.jpg "at night", isa search ref.jpg, or isa search --text "a dog"',
        )
    if not request.references:
        return _only("text", request.method, missing="a reference picture")
    if not request.modifier:
        return _only("image", request.method, missing="words")
    return DEFAULT_METHOD if request.method == "auto" else request.method


def _only(method: str, asked: str, missing: str) -> str:
    """Return the one method that is left where half of a query is missing."""
    if asked in {"image", "text"} and asked != method:
        raise UsageError(f"--method {asked} needs {missing}")
    return method


def _check_numbers(request: Request) -> None:
    if request.alpha is not None and not 0.0 <= request.alpha <= 1.0:
        raise UsageError(f"--alpha is {request.alpha}, but a weight lies between 0 and 1")
    if request.group is not None and not -1.0 <= request.group <= 1.0:
        raise UsageError(f"--group-at is {request.group}, but a cosine lies between -1 and 1")
    if request.top < 1:
        raise UsageError(f"--top is {request.top}, but at least 1 answer has to be asked for")

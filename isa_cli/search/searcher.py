"""Where the query side and the gallery side meet: a request in, ranked photos out.

The large model is loaded only when something has to be embedded: a search by a reference that is
in the gallery uses its stored vector, and without words needs no model at all.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import ImageError, SpaceMismatch
from isa_cli.images import digest, open_image, read_file
from isa_cli.query.composers import Calibration, TrainingFree
from isa_cli.query.methods import DEFAULT_ALPHA, DEFAULT_METHOD, LEARNED, TRAINING_FREE
from isa_cli.query.tuned import TUNED, from_json
from isa_cli.search.request import Answer, asked, learned_method
from isa_cli.types import Hit, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from isa_cli.encoders import Backbone
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.protocols import Composer, TextEncoder
    from isa_cli.query.lookup import QueryFile
    from isa_cli.query.tuned import Choice
    from isa_cli.reporting import Reporter
    from isa_cli.search.request import Request
    from isa_cli.types import EmbeddingSpace, Photo, Vectors

    Vector = NDArray[np.float32]  # (D,)

CALIBRATION_SAMPLE = 2048
"""Gallery vectors that tell how high scores are here (ours): the deviation is good to 2 %."""

GROUP_AT = 0.95
"""Cosine from which two photos count as the same shot for ``--group`` (ours)."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of the question, read but not yet opened."""

    path: Path
    data: bytes
    digest: bytes

    def open(self, at_least: tuple[int, int] | None = None) -> Image:
        """Return the picture itself; ``ImageError`` if it can't be opened."""
        with _named(self.path):
            return open_image(self.data, at_least=at_least)[0]


class Searcher:
    """Answers requests over one gallery; keeps the model and the calibration between them.

    Args:
        gallery: open, for reading at least.
        load: loads the gallery's model with the parts asked for, ``{"image", "text"}``.
        quick: makes an encoder of words that needs no torch, or ``None`` where the model has none;
            asked once, when there are words.
        reporter: hears of words that are too long for the model.
        query_file: finds this gallery's query model, or ``None`` where there is none; asked once,
            when a reference and words are to be put together.
    """

    def __init__(
        self,
        gallery: Gallery,
        load: Callable[[frozenset[str]], Backbone],
        quick: Callable[[], TextEncoder | None] = lambda: None,
        reporter: Reporter | None = None,
        query_file: Callable[[], QueryFile | None] = lambda: None,
    ) -> None:
        self._gallery = gallery
        self._load = load
        self._quick = quick
        self._text: TextEncoder | None = None
        self._reporter = reporter
        self._query_file = lru_cache(maxsize=1)(query_file)
        self._composers: dict[tuple[str, float | None], Composer] = {}
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
        method = self._method(request)
        words = bool(request.avoid_texts) or (bool(request.modifier) and method != "image")
        if words and self._text is None and method not in LEARNED:
            self._text = self._quick()
            if self._text is not None:
                self._check(self._text.space)
        self._soon = frozenset({"text"} if words and self._text is None else ())
        if method in LEARNED:
            self._soon |= self._learned.header.parts
        references = [self._picture(p) for p in (() if method == "text" else request.references)]
        avoided = [self._picture(path) for path in request.avoid_images]
        alpha = self._usual_alpha(method) if request.alpha is None else request.alpha
        seen = references if _needs_vectors(method, alpha) else []
        query = Query(
            references=self._stack(seen),
            modifier=request.modifier,
            avoid_images=self._stack(avoided) if avoided else None,
            avoid_texts=request.avoid_texts,
            images=tuple(picture.open for picture in references),
        )
        vector = self._composer(method, alpha).compose([query])[0]
        hidden = frozenset() if request.include_reference else {r.digest for r in references}
        hits, considered = self._hits(vector, request, hidden)
        mixed = len(references) > 0 and bool(request.modifier) and method not in {"image", "text"}
        return Answer(hits, method, alpha if mixed else None, considered)

    def _method(self, request: Request) -> str:
        """Return the composer to use, having checked that the request asks something possible."""
        method = asked(request)
        if method not in {"auto", *LEARNED}:
            return method
        file = self._query_file()
        usual = self._tuned.method if self._tuned else DEFAULT_METHOD
        return learned_method(method, file.header.methods if file else (), usual)

    @cached_property
    def _tuned(self) -> Choice | None:
        """What was chosen for this gallery among the training-free composers."""
        choice = from_json(self._gallery.catalog.metadata.setting(TUNED))
        return choice if choice and choice.method in TRAINING_FREE else None

    def _usual_alpha(self, method: str) -> float | None:
        """Return the weight that was chosen for a composer, or else its default."""
        alpha = None
        if method in LEARNED:
            alpha = self._learned.header.alpha(method)
        elif self._tuned and self._tuned.method == method:
            alpha = self._tuned.alpha
        return DEFAULT_ALPHA.get(method) if alpha is None else alpha

    @property
    def _learned(self) -> QueryFile:
        """The query model's file, once the method is known to need it."""
        file = self._query_file()
        assert file is not None
        return file

    def _composer(self, method: str, alpha: float | None) -> Composer:
        """Return a composer, made once: a learned one has weights to load."""
        key = (method, alpha)
        if key not in self._composers:
            self._composers[key] = self._made(method, alpha)
        return self._composers[key]

    def _made(self, method: str, alpha: float | None) -> Composer:
        if method not in LEARNED:
            return TrainingFree(method, self, self._calibrate(), alpha)
        from isa_cli.query.isa import IsaComposer  # noqa: PLC0415 - torch

        file = self._learned
        model = file.load(self.space)
        backbone = self._with(file.header.parts)
        blend = 0.0 if alpha is None else 1.0 - alpha
        calibration = self._calibrate()
        return IsaComposer(model, backbone, self, calibration, blend, self._reporter, method)

    # --- what goes in ---

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts; loads the text tower when first asked."""
        if self._text is None:
            from isa_cli.encoders.text_encoder import BackboneTextEncoder  # noqa: PLC0415 - torch

            self._text = BackboneTextEncoder(self._with({"text"}), self._reporter)
        return self._text.encode_text(texts)

    def _with(self, parts: AbstractSet[str]) -> Backbone:
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

    def _picture(self, path: Path) -> _Picture:
        with _named(path):
            data = read_file(os.fsencode(path.absolute()))
            return _Picture(path, data, digest(data))

    def _vector(self, picture: _Picture) -> Vector:
        """Return a picture's vector: the stored one where the gallery knows it."""
        stored = self._gallery.catalog.vectors.of(picture.digest)
        if stored is not None:
            return stored
        backbone = self._with({"image"})
        image = picture.open(backbone.input_size)
        row: Vector = backbone.encode_images([backbone.prepare(image)])[0]
        return row

    def _stack(self, pictures: Sequence[_Picture]) -> Vectors:
        rows = [self._vector(picture) for picture in pictures]
        return np.stack(rows) if rows else np.empty((0, self.space.dim), np.float32)

    def _calibrate(self) -> Calibration:
        if self._calibration is None:
            self._calibration = Calibration(
                self._gallery.catalog.vectors.sample(CALIBRATION_SAMPLE)
            )
        return self._calibration

    # --- what comes out ---

    def _hits(
        self, vector: Vector, request: Request, hidden: AbstractSet[bytes]
    ) -> tuple[list[Hit], int]:
        """Return ranked hits; asks for more vectors until hiding and folding leave enough."""
        catalog, index = self._gallery.catalog, self._gallery.index
        where, vectors = request.where, catalog.vectors
        considered = vectors.count() if where is None else len(vectors.select(where))
        k = min(request.top + len(hidden), considered)
        hits: list[Hit] = []
        while k > 0:
            matches = index.search(vector[None], k, where, exact=request.exact)
            keys, scores = matches.keys[0], matches.scores[0]
            photos = catalog.photos.of(keys, where)
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
        for chunk, vectors in self._gallery.catalog.vectors.chunks(keys):
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


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put a picture's path before what is wrong with it."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{path}: {error.reason}", error.hint) from error


def _needs_vectors(method: str, alpha: float | None) -> bool:
    """Return whether a composer looks at the references' vectors, and not at pictures alone."""
    return method not in LEARNED or (alpha is not None and alpha < 1.0)

"""Answers requests over one gallery: what is asked becomes a vector, the vector ranked photos.

The large model is loaded only when something has to be embedded: a search by a reference that is
in the gallery uses its stored vector, and without words needs no model at all.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import SpaceMismatch
from isa_cli.query.composers import Calibration, TrainingFree
from isa_cli.query.lookup import query_file
from isa_cli.query.methods import DEFAULT_ALPHA, DEFAULT_METHOD, LEARNED, TRAINING_FREE
from isa_cli.query.tuned import TUNED, from_json
from isa_cli.search.ranking import ranked
from isa_cli.search.references import read_reference
from isa_cli.search.request import Answer, asked, learned_method
from isa_cli.types import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isa_cli.encoders.foundation import Foundation
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.protocols import Composer
    from isa_cli.query.lookup import QueryFile
    from isa_cli.query.tuned import Choice
    from isa_cli.reporting import Reporter
    from isa_cli.search.references import ReferencePicture
    from isa_cli.search.request import Request
    from isa_cli.types import EmbeddingSpace, Vectors

    Vector = NDArray[np.float32]  # (D,)

CALIBRATION_SAMPLE = 2048
"""Gallery vectors that tell how high scores are here (ours): the deviation is good to 2 %."""


class Searcher:
    """Answers requests over one gallery; any number of threads may ask at once.

    Composers, with their weights, and the calibration are made once and kept.

    Args:
        gallery: open, for reading at least.
        foundation: the gallery's large model.
        reporter: hears of words that are too long for the model.
    """

    def __init__(
        self, gallery: Gallery, foundation: Foundation, reporter: Reporter | None = None
    ) -> None:
        self._gallery = gallery
        self._foundation = foundation
        self._reporter = reporter
        self._lock = threading.RLock()
        self._composers: dict[tuple[str, float | None], Composer] = {}

    @property
    def space(self) -> EmbeddingSpace:
        """The gallery's space."""
        return self._gallery.space

    def search(self, request: Request) -> Answer:
        """The photos that answer a request, best first.

        Raises:
            UsageError: nothing was asked, or something impossible.
            ImageError: a reference cannot be opened.
            ModelError: the model is needed and cannot be loaded.
            SpaceMismatch: the model is not the gallery's.
        """
        method = self._method(request)
        references = [read_reference(r) for r in (() if method == "text" else request.references)]
        avoided = [read_reference(r) for r in request.avoid_images]
        alpha = self._usual_alpha(method) if request.alpha is None else request.alpha
        seen = references if _needs_vectors(method, alpha) else []
        stored = [self._stored(picture) for picture in (*seen, *avoided)]
        words = bool(request.avoid_texts) or (bool(request.modifier) and method != "image")
        self._load(method, unknown=any(row is None for row in stored), words=words)
        rows = [
            self._embedded(picture) if row is None else row
            for picture, row in zip((*seen, *avoided), stored, strict=True)
        ]
        query = Query(
            references=self._stacked(rows[: len(seen)]),
            modifier=request.modifier,
            avoid_images=self._stacked(rows[len(seen) :]) if avoided else None,
            avoid_texts=request.avoid_texts,
            images=tuple(picture.open for picture in references),
        )
        vector = self._composer(method, alpha).compose([query])[0]
        hidden = {picture.digest for picture in references if picture.digest is not None}
        beside = [picture.path for picture in references if picture.path]
        if request.include_reference:
            hidden, beside = set(), []
        hits, considered = ranked(self._gallery, vector, request, hidden, self.calibration, beside)
        mixed = bool(references) and bool(request.modifier) and method not in {"image", "text"}
        total = self._gallery.catalog.vectors.count()
        return Answer(hits, method, alpha if mixed else None, considered, total)

    # --- how -------------------------------------------------------------------------------------

    @cached_property
    def query_file(self) -> QueryFile | None:
        """The gallery's query model, of which the header is read; ``None``: there is none.

        Raises:
            ModelError: the file is no query model.
        """
        return query_file(self._gallery.folder, self.space)

    @cached_property
    def calibration(self) -> Calibration:
        """How high scores are in this gallery."""
        return Calibration(self._gallery.catalog.vectors.sample(CALIBRATION_SAMPLE))

    def _method(self, request: Request) -> str:
        """The composer to use, once the request is known to ask something possible."""
        method = asked(request)
        if method not in {"auto", *LEARNED}:
            return method
        own = self.query_file.header.methods if self.query_file else ()
        return learned_method(method, own, self._tuned.method if self._tuned else DEFAULT_METHOD)

    @cached_property
    def _tuned(self) -> Choice | None:
        """What was chosen for this gallery among the training-free composers."""
        choice = from_json(self._gallery.catalog.metadata.setting(TUNED))
        return choice if choice and choice.method in TRAINING_FREE else None

    def _usual_alpha(self, method: str) -> float | None:
        """The weight that was chosen for a composer, or else its default."""
        alpha = None
        if method in LEARNED:
            alpha = self._learned.header.alpha(method)
        elif self._tuned and self._tuned.method == method:
            alpha = self._tuned.alpha
        return DEFAULT_ALPHA.get(method) if alpha is None else alpha

    @property
    def _learned(self) -> QueryFile:
        """The query model's file, once the method is known to need it."""
        assert self.query_file is not None
        return self.query_file

    def _composer(self, method: str, alpha: float | None) -> Composer:
        """A composer, made once: a learned one has weights to load."""
        with self._lock:
            if (method, alpha) not in self._composers:
                self._composers[method, alpha] = self._made(method, alpha)
            return self._composers[method, alpha]

    def _made(self, method: str, alpha: float | None) -> Composer:
        if method not in LEARNED:
            return TrainingFree(method, self._foundation, self.calibration, alpha)
        from isa_cli.query.isa import IsaComposer  # noqa: PLC0415 - torch

        return IsaComposer(
            self._learned.load(self.space),
            self._foundation.clip(self._learned.header.parts),
            self._foundation.torch_text_encoder(),
            self.calibration,
            0.0 if alpha is None else 1.0 - alpha,
            self._reporter,
            method,
        )

    # --- what goes in ----------------------------------------------------------------------------

    def _load(self, method: str, *, unknown: bool, words: bool) -> None:
        """Load all that a search needs of the large model, in one go.

        Args:
            method: of the search.
            unknown: a picture has to be embedded.
            words: words have to be read.
        """
        if not (unknown or words or method in LEARNED):
            return
        if self._foundation.space != self.space:
            raise SpaceMismatch(self.space, self._foundation.space)
        parts = {"image"} if unknown else set()
        if method in LEARNED:
            parts |= self._learned.header.parts
        elif words:
            parts |= self._foundation.parts_for_words
        self._foundation.preload(parts)

    def _stored(self, picture: ReferencePicture) -> Vector | None:
        """A picture's vector (D,) where the gallery knows its bytes."""
        if picture.digest is None:
            return None
        return self._gallery.catalog.vectors.of(picture.digest)

    def _embedded(self, picture: ReferencePicture) -> Vector:
        """The vector (D,) of a picture from elsewhere."""
        backbone = self._foundation.clip({"image"})
        image = picture.open(backbone.input_size)
        row: Vector = backbone.encode_images([backbone.prepare(image)])[0]
        return row

    def vector_of(self, picture: ReferencePicture) -> Vector:
        """The vector (D,) of a picture: the stored one where the gallery knows it.

        Raises:
            ImageError: it can't be opened.
            ModelError: the model is needed and cannot be loaded.
        """
        stored = self._stored(picture)
        return self._embedded(picture) if stored is None else stored

    def _stacked(self, rows: Sequence[Vector]) -> Vectors:
        return np.stack(rows) if rows else np.empty((0, self.space.dim), np.float32)


def _needs_vectors(method: str, alpha: float | None) -> bool:
    """Whether a composer looks at the references' vectors, and not at pictures alone."""
    return method not in LEARNED or (alpha is not None and alpha < 1.0)

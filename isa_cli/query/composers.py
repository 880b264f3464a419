"""Training-free composers: a reference vector and a text vector in, one query vector out.

Every composer here is *linear in the gallery vector*: the score of a photo x is ``q . x`` for one
vector q, so that any index can answer it.  That also holds for the calibrated sum, whose constant
terms shift all scores alike and can be left out.

Sources: sum and slerp as in the training-free baselines of Slerp+TAT and SEARLE; the calibrated
sum and the treatment of several references and of unwanted things are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.query.methods import DEFAULT_ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from isa_cli.protocols import TextEncoder
    from isa_cli.types import EmbeddingSpace, Query, Vectors

    Vector = NDArray[np.float32]  # (D,)
    Mix = Callable[["Vector", "Vector", float, "Calibration"], "Vector"]

AVOID_WEIGHT = 0.5
"""How hard an unwanted thing pushes, in standard deviations of the wanted score (ours)."""


@dataclass(frozen=True)
class Calibration:
    """How high this gallery's scores are for a given query vector, and how far they spread.

    CLIP's images and texts live in two separate cones (the modality gap): image-image scores are
    high and wide, text-image scores low and narrow, so a raw sum lets the image win.  Measured in
    the gallery's own standard deviations the two can be compared.

    Attributes:
        sample: (S, D) unit rows drawn evenly from the gallery.
    """

    sample: Vectors

    def mean_and_deviation(self, vector: Vector) -> tuple[float, float]:
        """Return the mean and standard deviation of the sample's scores for a vector (D,).

        A gallery too small to tell, or one whose photos all score alike, has deviation 1: then
        nothing is rescaled.
        """
        if len(self.sample) < 2:  # noqa: PLR2004 - one score has no spread
            return 0.0, 1.0
        scores = self.sample @ vector
        deviation = float(scores.std())
        return float(scores.mean()), deviation if deviation > 1e-6 else 1.0  # noqa: PLR2004

    def standardised(self, vector: Vector) -> Vector:
        """Return the vector rescaled so that its scores spread by one over this gallery."""
        return vector / np.float32(self.mean_and_deviation(vector)[1])


def unit(vector: Vector) -> Vector:
    """Return the vector at length 1; a vector without direction is returned as it is."""
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 1e-12 else vector  # noqa: PLR2004


def weighted_sum(image: Vector, words: Vector, alpha: float, _: Calibration) -> Vector:
    """Return ``(1 - alpha) v + alpha w``."""
    return (1 - alpha) * image + alpha * words


def slerp(image: Vector, words: Vector, alpha: float, _: Calibration) -> Vector:
    """Return the point at ``alpha`` of the great circle from the image to the words.

    ``sin((1-a)t)/sin t v + sin(at)/sin t w`` with t the angle between v and w; nearly parallel
    vectors are summed instead, where the formula divides by zero.
    """
    angle = float(np.arccos(np.clip(image @ words, -1.0, 1.0)))
    if np.sin(angle) < 1e-4:  # noqa: PLR2004
        return (1 - alpha) * image + alpha * words
    weights = np.sin([(1 - alpha) * angle, alpha * angle]) / np.sin(angle)
    return np.float32(weights[0]) * image + np.float32(weights[1]) * words


def calibrated(image: Vector, words: Vector, alpha: float, gallery: Calibration) -> Vector:
    """Return the sum of both vectors, each in standard deviations of this gallery's scores."""
    return (1 - alpha) * gallery.standardised(image) + alpha * gallery.standardised(words)


def image_only(image: Vector, _words: Vector, _alpha: float, _: Calibration) -> Vector:
    """Return the reference: what a search without words would ask."""
    return image


def text_only(_image: Vector, words: Vector, _alpha: float, _: Calibration) -> Vector:
    """Return the words: what a search without a reference would ask."""
    return words


MIXES: dict[str, Mix] = {
    "image": image_only,
    "text": text_only,
    "sum": weighted_sum,
    "slerp": slerp,
    "calibrated": calibrated,
}


class TrainingFree:
    """A composer that mixes a reference vector and a text vector by a fixed formula.

    Args:
        name: a key of ``MIXES``.
        text: the large text encoder; asked only when a query has words that count.
        calibration: the scores of the gallery that will be searched.
        alpha: weight of the words in [0, 1]; ``None``: the method's default.
    """

    def __init__(
        self, name: str, text: TextEncoder, calibration: Calibration, alpha: float | None = None
    ) -> None:
        if name not in MIXES:
            raise ValueError(f"no training-free composer is called {name!r}")
        self._name = name
        self._mix = MIXES[name]
        self._text = text
        self._calibration = calibration
        self.alpha = DEFAULT_ALPHA.get(name, 0.5) if alpha is None else alpha

    @property
    def name(self) -> str:
        """What ``--method`` calls it."""
        return self._name

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._text.space

    def compose(self, queries: Sequence[Query]) -> Vectors:
        """Return (Q, D) unit rows; all texts of all queries go through the encoder at once.

        Raises:
            ValueError: a query with neither a usable reference nor words.
        """
        words = self._encode_all(queries)
        return np.stack([self._compose_one(query, words) for query in queries])

    def _encode_all(self, queries: Sequence[Query]) -> dict[str, Vector]:
        texts = {text for query in queries for text in (*query.avoid_texts, self._words_of(query))}
        wanted = sorted(texts - {""})
        if not wanted:
            return {}
        return dict(zip(wanted, self._text.encode_text(wanted), strict=True))

    def _words_of(self, query: Query) -> str:
        ignored = self._name == "image" and len(query.references) > 0
        return "" if ignored else query.modifier

    def _compose_one(self, query: Query, words: dict[str, Vector]) -> Vector:
        text = words.get(self._words_of(query))
        image = unit(query.references.mean(axis=0)) if len(query.references) else text
        if text is None:
            text = image
        if image is None or text is None:
            raise ValueError("a query needs a reference or words")
        wanted = image if image is text else self._mix(image, text, self.alpha, self._calibration)
        return unit(pushed_away(unit(wanted), query, words, self._calibration))


def pushed_away(
    wanted: Vector, query: Query, words: Mapping[str, Vector], gallery: Calibration
) -> Vector:
    """Return a query vector (D,) with what the query does not want taken off it (ours).

    Args:
        wanted: a unit vector.
        query: says what is unwanted.
        words: the vectors of its texts.
        gallery: tells how far scores spread; both sides are measured by that.
    """
    unwanted = [words[text] for text in query.avoid_texts if text]
    if query.avoid_images is not None:
        unwanted.extend(query.avoid_images)
    if not unwanted:
        return wanted
    push = np.stack([gallery.standardised(vector) for vector in unwanted]).sum(axis=0)
    pushed: Vector = gallery.standardised(wanted) - np.float32(AVOID_WEIGHT) * push
    return pushed

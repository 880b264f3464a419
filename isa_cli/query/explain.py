"""What a learned query is made of: where each token looks, what it is near, what it adds.

The measures are ours.  Attention is the token learner's own; what a token adds is found by reading
the sentence once more with a word in its place that means nothing in particular.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from isa_cli.query.composers import Calibration, slerp, unit
from isa_cli.query.image2sentence import image_to_sentence
from isa_cli.query.isa import BESIDE
from isa_cli.query.reading import reader_of
from isa_cli.query.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.protocols import TextEncoder
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.image2sentence import Picture
    from isa_cli.query.token_learner import Sentence
    from isa_cli.query.vocabulary import Neighbour
    from isa_cli.types import Pixels, Vectors

    Vector = NDArray[np.float32]  # (D,)
    Map = NDArray[np.float32]  # (H, W)

QUERY, REFERENCE, WORDS = "query", "reference", "words"
LEARNED, SLERP = "learned", "slerp"
"""The parts of a query, by name; the last two are those of a blend."""

MEANING = {
    REFERENCE: "the picture's sentence, read without the words",
    WORDS: "the words, read without the picture",
    LEARNED: "both, as learned",
    SLERP: "both, mixed by slerp",
}
"""What the parts are, for people."""

NO_MAP = "no map: it is made from the picture as a whole"
"""What is told of a token without ``attention``."""


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """One word of a picture's sentence.

    Attributes:
        attention: (H, W) how much of each place it holds, 1 in sum over all tokens; ``None`` from
            a mapper that looks at no places.
        nearest: real words whose embeddings point its way, best first.
        loss: 1 - cosine between the learned query and the same with the mean word embedding in
            this token's place: 0 where it adds nothing.
    """

    attention: Map | None
    nearest: tuple[Neighbour, ...]
    loss: float

    @property
    def share(self) -> float | None:
        """The share of the picture that it holds; all tokens' shares add up to 1."""
        return None if self.attention is None else float(self.attention.mean())


class Score(NamedTuple):
    """How a photo stands to one vector.

    Attributes:
        cosine: of both.
        z: the same in standard deviations above the gallery's mean for that vector.
    """

    cosine: float
    z: float


@dataclass(frozen=True, slots=True)
class Split:
    """How the score of one photo comes about.

    Attributes:
        scores: by part, with ``QUERY`` for the whole.
    """

    scores: Mapping[str, Score]

    @property
    def gain(self) -> float:
        """How far the query lifts the photo above the better of reference and words, in z."""
        return self.scores[QUERY].z - max(self.scores[REFERENCE].z, self.scores[WORDS].z)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A learned query, taken apart.

    Attributes:
        tokens: of the sentence, in its order.
        query: (D,) the vector that is searched for.
        parts: unit vectors (D,) by name: the sentence read without the words, and the words
            without the sentence; in a blend also the learned vector and slerp's.
        seen: the picture as the mapper's encoder got it, which is what attention lies over.
        vocabulary: how many real words the tokens were compared with.
    """

    tokens: tuple[Token, ...]
    query: Vector
    parts: Mapping[str, Vector]
    seen: Pixels
    vocabulary: int

    def cosines(self) -> dict[str, float]:
        """Return the cosine of the query with each of its parts."""
        return {name: float(self.query @ part) for name, part in self.parts.items()}

    def splits(self, photos: Vectors, gallery: Calibration) -> list[Split]:
        """Return how the scores of K photos (K, D) come about, in their order."""
        vectors = {QUERY: self.query, **self.parts}
        levels = {name: gallery.mean_and_deviation(vector) for name, vector in vectors.items()}

        def score(name: str, photo: Vector) -> Score:
            mean, deviation = levels[name]
            cosine = float(vectors[name] @ photo)
            return Score(cosine, (cosine - mean) / deviation)

        return [Split({name: score(name, photo) for name in vectors}) for photo in photos]


class Explainer:
    """Takes queries of a query model apart.

    Args:
        model: of any kind.
        backbone: loaded with the parts that the model's header names.
        text: encodes the words by themselves.
        method: one of the model's; ``None``: its best.

    Raises:
        ModelError: the model does not say what it looks with, or its template does not fit.
    """

    def __init__(
        self,
        model: QueryModel,
        backbone: Backbone,
        text: TextEncoder,
        method: str | None = None,
    ) -> None:
        self._image_to_sentence = image_to_sentence(model, backbone)
        self._prepare = (model.light or backbone).prepare
        self._reader = reader_of(model, backbone, method or model.header.method)
        self._backbone = backbone
        self._text = text

    @torch.inference_mode()
    def explain(
        self,
        picture: Picture,
        modifier: str,
        *,
        blend: float = 0.0,
        reference: Vector | None = None,
        nearest: int = 3,
    ) -> Explanation:
        """Return one query, taken apart.

        Args:
            picture: opens the reference.
            modifier: words, at least one.
            blend: weight of slerp's answer beside the learned one, as the composer has it.
            reference: (D,) the picture's vector in the gallery's space; needed for a blend.
            nearest: how many real words to name for each token.

        Raises:
            ImageError: the picture can't be opened.
            ModelError: the model gave no usable numbers.
            ValueError: a blend without ``reference``.
        """
        sentence = self._image_to_sentence.sentences([picture])
        sentence = sentence._replace(tokens=sentence.tokens.float())
        tokens = sentence.tokens[0]  # (L, E)
        vocabulary = Vocabulary(self._backbone, self._reader)
        learned, alone, without = self._read(sentence, modifier, vocabulary.mean)
        parts = {REFERENCE: alone, WORDS: self._text.encode_text([modifier])[0]}
        query = learned
        if blend:
            if reference is None:
                raise ValueError("a blend needs the reference's vector")
            parts |= {LEARNED: learned, SLERP: _slerp(reference, parts[WORDS])}
            query = unit((1 - blend) * learned + blend * parts[SLERP])
        maps = _maps(sentence.attention, len(tokens))
        near = vocabulary.nearest(tokens, nearest)
        losses = (1 - without @ learned).clip(min=0).tolist()  # rounding may go below
        return Explanation(
            tuple(Token(*each) for each in zip(maps, near, losses, strict=True)),
            query,
            parts,
            self._prepare(picture()),
            len(vocabulary),
        )

    def _read(
        self, sentence: Sentence, modifier: str, neutral: Tensor
    ) -> tuple[Vector, Vector, Vectors]:
        """Return the query (D,), the sentence alone (D,), and the query without each token (L, D).

        Args:
            sentence: of one picture.
            modifier: the words.
            neutral: (E,) what stands in for a token that is left out.
        """
        count = sentence.tokens.shape[1]
        sentences = sentence.tokens.repeat(count + 2, 1, 1)  # (L + 2, L, E)
        left_out = torch.arange(count, device=sentences.device)
        sentences[left_out + 2, left_out] = neutral.to(sentences)
        maps = sentence.features  # (1, C, H, W)
        seen = None if maps is None else maps.expand(count + 2, -1, -1, -1)
        features = self._reader.read(sentences, [modifier, "", *[modifier] * count], seen)
        rows = self._backbone.unit_rows(features)
        return rows[0], rows[1], rows[2:]


def _slerp(reference: Vector, words: Vector) -> Vector:
    """The vector (D,) that the composer of that name makes of both."""
    no_gallery = Calibration(np.empty((0, len(reference)), np.float32))
    return unit(slerp(unit(reference), words, BESIDE, no_gallery))


def _maps(attention: Tensor | None, count: int) -> Sequence[Map | None]:
    """Return the L attention maps (H, W) of the first picture."""
    if attention is None:
        return [None] * count
    return list(attention[0].float().cpu().numpy())

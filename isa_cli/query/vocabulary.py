"""The real words that a text tower knows, as points near which a made-up word may lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.query.reading import SentenceReader

_ROWS = 8192
"""Word embeddings looked up at once."""

_LEAST = 2
"""Letters of a word; single ones are pieces of everything."""


class Neighbour(NamedTuple):
    """A real word.

    Attributes:
        word: as a person writes it.
        cosine: of its embedding and the token's.
    """

    word: str
    cosine: float


class Vocabulary:
    """The whole words among a tokenizer's tokens, with their embeddings.

    Args:
        backbone: loaded with its text part.
        reader: of its text tower.

    Attributes:
        mean: (E,) the mean embedding of all tokens that were ever trained: no word in particular.
    """

    def __init__(self, backbone: Backbone, reader: SentenceReader) -> None:
        table = _table(reader.embedding)
        trained = table.count_nonzero(dim=-1) > 0  # (V,)
        self.mean = table[trained].mean(dim=0)
        words = whole_words(_pieces(backbone._tokenizer))  # noqa: SLF001 - its words
        kept = [(i, word) for i, word in words.items() if i < len(table) and trained[i]]
        self._words = [word for _, word in kept]
        self._table = normalize(table[[number for number, _ in kept]], dim=-1)  # (N, E)

    def __len__(self) -> int:
        """Return N, the number of words."""
        return len(self._words)

    def nearest(self, tokens: Tensor, count: int) -> list[tuple[Neighbour, ...]]:
        """Return for each of L tokens (L, E) the words nearest to it by cosine, best first."""
        cosines = normalize(tokens.to(self._table), dim=-1) @ self._table.T  # (L, N)
        best = cosines.topk(min(count, len(self)), dim=-1)
        return [
            tuple(Neighbour(self._words[n], c) for n, c in zip(numbers, values, strict=True))
            for numbers, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


def whole_words(pieces: Mapping[int, str]) -> dict[int, str]:
    """Return the tokens that are a word by themselves, as a person writes them.

    Whole is what a tokenizer marks as such: CLIP's by its end (``dress</w>``; such a token may
    also end a longer word), SentencePiece's and GPT-2's by their start, BERT's where nothing is
    marked as a continuation.

    Args:
        pieces: a tokenizer's tokens by id, as it writes them.
    """
    texts = pieces.values()
    end = "</w>" if any(text.endswith("</w>") for text in texts) else ""  # CLIP's has a Ġ too
    starts = "" if end else "▁Ġ"
    start = next((mark for mark in starts if any(text.startswith(mark) for text in texts)), "")
    # byte-level tokens write other letters than these as pairs of odd ones
    plain = str.isalpha if start == "▁" or not (start or end) else _is_ascii_word
    return {
        number: word
        for number, text in pieces.items()
        if text.startswith(start) and text.endswith(end)
        if len(word := text.removeprefix(start).removesuffix(end)) >= _LEAST and plain(word)
    }


def _is_ascii_word(word: str) -> bool:
    return word.isascii() and word.isalpha()


def _pieces(tokenizer: Any) -> Mapping[int, str]:
    """Return a tokenizer's tokens by id."""
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is None:  # open_clip's own
        pieces: Mapping[int, str] = tokenizer.decoder
        return pieces
    return {number: text for text, number in inner.get_vocab().items()}


@torch.inference_mode()
def _table(embedding: Any) -> Tensor:
    """Return the embeddings of all tokens (V, E) in float32, as the tower looks them up."""
    weight = embedding.weight
    starts = range(0, len(weight), _ROWS)
    chunks = [torch.arange(i, min(i + _ROWS, len(weight)), device=weight.device) for i in starts]
    # not the weight itself: some towers scale what they look up
    return torch.cat([embedding(ids).float() for ids in chunks])

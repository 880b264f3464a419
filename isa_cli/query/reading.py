"""A sentence of word embeddings, and a modifier, through the large text tower.

The tower is never re-implemented.  It reads an ordinary text in which placeholder words keep the
sentence's place, and a forward hook on its word embedding puts the sentence there.  That the
sentence is read within a prompt is the paper's [stated]; how it gets there is ours.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from isa_cli.errors import ModelError
from isa_cli.query.slots import SlottedTexts
from isa_cli.query.text import text_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from isa_cli.backbones import Backbone
    from isa_cli.query.prompt import Template
    from isa_cli.types import Reporter

_ROWS = 8192
"""Word embeddings measured at once."""


class Read(NamedTuple):
    """What the tower made of B texts.

    Attributes:
        features: (B, D) text features, not normalised.
        slots: (B, L, D) the hidden states of the sentence's own positions, after the tower's last
            norm and projection, not normalised.
    """

    features: Tensor
    slots: Tensor


class SentenceReader:
    """Reads sentences of L word embeddings with a frozen text tower.

    Several threads may read with one tower: a hook acts on its own thread only.

    Args:
        backbone: loaded with its text part.
        template: the words around the sentence.
        tokens: L, how many positions a sentence fills.
        reporter: is warned, once each, of modifiers that are longer than the tower reads.
        trim: cut the padding that cannot matter; without, the same is read, later.

    Raises:
        ModelError: the template does not fit into the tower's context, or its tokenizer moves
            words about so that no place can be kept.
    """

    def __init__(
        self,
        backbone: Backbone,
        template: Template,
        tokens: int,
        reporter: Reporter | None = None,
        *,
        trim: bool = True,
    ) -> None:
        if tokens < 1:
            raise ValueError(f"a sentence has at least one token, not {tokens}")
        self.template = template
        self.tokens = tokens
        self._backbone = backbone
        self._trim = trim
        self._tower = getattr(backbone.network, "text", backbone.network)
        self.embedding = _word_embedding(self._tower)
        self._texts = SlottedTexts(backbone, template, tokens, reporter)

    @property
    def width(self) -> int:
        """E, the length of a word embedding."""
        return int(self.embedding.weight.shape[1])

    @cached_property
    def mean_norm(self) -> float:
        """Mean length of the word embeddings; rows of zeros, words never trained, do not count."""
        weight = self.embedding.weight
        total, count = 0.0, 0
        with torch.inference_mode():
            for start in range(0, len(weight), _ROWS):
                ids = torch.arange(start, min(start + _ROWS, len(weight)), device=weight.device)
                # not the weight itself: some towers scale what they look up
                norms = torch.linalg.vector_norm(self.embedding(ids).float(), dim=-1)
                total += float(norms.sum())
                count += int(norms.count_nonzero())
        if not 0 < total < float("inf"):
            raise ModelError(f"the word embeddings of {self._backbone.describe()} are damaged")
        return total / count

    def read(self, sentences: Tensor, modifiers: Sequence[str]) -> Tensor:
        """Return the text features (B, D), not normalised; gradients reach the sentences.

        Args:
            sentences: (B, L, E) word embeddings.
            modifiers: B texts of any length; '' for none.

        Raises:
            ModelError: the tokenizer took a placeholder from its place.
        """
        self._check(sentences, modifiers)
        if not modifiers:
            return sentences.new_empty(0, self._backbone.space.dim)
        ids, slots = self._texts.place(modifiers)
        return self._through_the_tower(ids, slots, sentences)

    def read_tokens(self, sentences: Tensor, modifiers: Sequence[str]) -> Read:
        """Return what ``read`` returns and what became of the sentence's tokens, in one pass.

        Args:
            sentences: (B, L, E) word embeddings.
            modifiers: B texts of any length; '' for none.

        Raises:
            ModelError: the tokenizer took a placeholder from its place.
        """
        self._check(sentences, modifiers)
        if not modifiers:
            dim = self._backbone.space.dim
            return Read(sentences.new_empty(0, dim), sentences.new_empty(0, self.tokens, dim))
        ids, slots = self._texts.place(modifiers)
        rows = torch.arange(len(ids), device=ids.device)[:, None]  # (B, 1)
        kept: list[Tensor] = []

        def keep(output: Any) -> None:
            states = getattr(output, "last_hidden_state", output)  # (B, T, W)
            kept.append(states[rows, slots])  # (B, L, W)

        with _hook(self._tower.transformer, keep):
            features = self._through_the_tower(ids, slots, sentences)
        return Read(features, _projected(self._tower, kept[0]))

    def _check(self, sentences: Tensor, modifiers: Sequence[str]) -> None:
        wanted = (len(modifiers), self.tokens, self.width)
        if tuple(sentences.shape) != wanted:
            raise ValueError(f"sentences must be {wanted}, not {tuple(sentences.shape)}")

    def _through_the_tower(self, ids: Tensor, slots: Tensor, sentences: Tensor) -> Tensor:
        """Return the features (B, D) of texts (B, T) with the sentences (B, L, E) in their slots.

        Raises:
            ModelError: the tower did not look its words up.
        """
        index = slots[:, :, None].expand(-1, -1, self.width)  # (B, L, E)
        calls = 0

        def splice(words: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return words.scatter(1, index, sentences.to(words))  # (B, T, E)

        with _hook(self.embedding, splice):
            features = text_features(self._backbone.network, ids, trim=self._trim)
        if calls != 1:  # or the answer would have nothing to do with the sentence
            raise ModelError(f"the text tower of {self._backbone.describe()} takes no sentences")
        return features


def _word_embedding(tower: Any) -> nn.Embedding:
    """Return the module that looks words up: open_clip's own, or a transformers model's."""
    if hasattr(tower, "token_embedding"):
        embedding: nn.Embedding = tower.token_embedding
    else:
        embedding = tower.transformer.get_input_embeddings()
    return embedding


def _projected(tower: Any, states: Tensor) -> Tensor:
    """Return hidden states (B, L, W) as the tower makes features of them, (B, L, D)."""
    if hasattr(tower, "ln_final"):
        states = tower.ln_final(states)  # position by position: the same as over the whole text
    projection = getattr(tower, "text_projection", getattr(tower, "proj", None))
    if projection is None:
        return states
    projected: Tensor = (
        projection(states) if isinstance(projection, nn.Module) else states @ projection
    )
    return projected


@contextmanager
def _hook(module: nn.Module, act: Callable[[Any], Tensor | None]) -> Iterator[None]:
    """Let ``act`` see, and replace, what a module gives out on this thread, for the context's time.

    The module may be in use on other threads, whose outputs pass as they are.
    """
    owner = threading.get_ident()

    def hook(_module: nn.Module, _args: Any, output: Any) -> Tensor | None:
        return act(output) if threading.get_ident() == owner else None

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()

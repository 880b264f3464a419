"""A sentence of word embeddings, and a modifier, through the large text tower.

The tower is never re-implemented.  It reads an ordinary text in which placeholder words keep the
sentence's place, and a forward hook on its word embedding puts the sentence there.  That the
sentence is read within a prompt is the paper's [stated]; how it gets there is ours.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from isa_cli.encoders.text_encoder import text_features
from isa_cli.errors import ModelError, UsageError
from isa_cli.query.header import TWO_STAGE
from isa_cli.query.hooks import (
    check_layers,
    fed,
    hooked,
    layers_of,
    projected,
    state_width,
    word_embedding,
)
from isa_cli.query.prompt import Template
from isa_cli.query.slots import SlottedTexts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.query.adapters import Adapters
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.injection import Injection
    from isa_cli.query.slots import Placed
    from isa_cli.reporting import Reporter

TOGETHER = 32
"""Texts read at once on a CPU, where what fills a short one up costs as much as words."""

_ROWS = 8192
"""Word embeddings measured at once."""


REMADE = "train it again, or fetch it again"


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
        injection: lets the sentence look at the picture again within the tower.
        adapters: change what the tower's layers give out while a sentence is read, and only then.

    Raises:
        ModelError: the template does not fit into the tower's context, or its tokenizer moves
            words about so that no place can be kept.
        UsageError: injection or adapters are for layers that the tower does not have.
    """

    def __init__(
        self,
        backbone: Backbone,
        template: Template,
        tokens: int,
        reporter: Reporter | None = None,
        *,
        trim: bool = True,
        injection: Injection | None = None,
        adapters: Adapters | None = None,
    ) -> None:
        if tokens < 1:
            raise ValueError(f"a sentence has at least one token, not {tokens}")
        self.template = template
        self.tokens = tokens
        self._backbone = backbone
        self._trim = trim
        self._tower = getattr(backbone.network, "text", backbone.network)
        self.embedding = word_embedding(self._tower)
        self._texts = SlottedTexts(backbone, template, tokens, reporter)
        device = backbone.place.device
        self._injection = injection.to(device) if injection else None
        self._adapters = adapters.to(device) if adapters else None
        self._layers = layers_of(self._tower) if injection or adapters else []
        check_layers(injection.config.layers if injection else (), len(self._layers))
        check_layers(adapters.config.layers if adapters else (), len(self._layers), first=0)

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

    def read(
        self, sentences: Tensor, modifiers: Sequence[str], features: Tensor | None = None
    ) -> Tensor:
        """Return the text features (B, D), not normalised; gradients reach the sentences.

        Args:
            sentences: (B, L, E) word embeddings.
            modifiers: B texts of any length; '' for none.
            features: (B, C, H, W) the feature maps of the pictures, which an injection looks at.

        Raises:
            ModelError: the tokenizer took a placeholder from its place.
        """
        self._check(sentences, modifiers)
        if not modifiers:
            return sentences.new_empty(0, self._backbone.space.dim)
        groups = self._groups(modifiers)
        parts = [
            self._through_the_tower(
                self._texts.place([modifiers[row] for row in rows]),
                sentences[rows],
                None if features is None else features[rows],
            )
            for rows in groups
        ]
        back = torch.tensor([row for rows in groups for row in rows]).argsort()
        return torch.cat(parts)[back.to(parts[0].device)]

    def _groups(self, modifiers: Sequence[str]) -> list[list[int]]:
        """Return the rows that are read together: where padding costs, texts of like length."""
        rows = sorted(range(len(modifiers)), key=lambda row: len(modifiers[row]))
        if not self._trim or self._backbone.place.device.type != "cpu":
            return [rows]
        return [rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER)]

    def read_tokens(
        self, sentences: Tensor, modifiers: Sequence[str], features: Tensor | None = None
    ) -> Read:
        """Reads as ``read`` does, and gives the outputs at the sentence's tokens too, in one pass.

        Args:
            sentences: (B, L, E) word embeddings.
            modifiers: B texts of any length; '' for none.
            features: (B, C, H, W) the feature maps of the pictures, which an injection looks at.

        Raises:
            ModelError: the tokenizer took a placeholder from its place.
        """
        self._check(sentences, modifiers)
        if not modifiers:
            dim = self._backbone.space.dim
            return Read(sentences.new_empty(0, dim), sentences.new_empty(0, self.tokens, dim))
        placed = self._texts.place(modifiers)
        rows = torch.arange(len(modifiers), device=placed.ids.device)[:, None]  # (B, 1)
        kept: list[Tensor] = []

        def keep(output: Any) -> None:
            states = getattr(output, "last_hidden_state", output)  # (B, T, W)
            kept.append(states[rows, placed.slots])  # (B, L, W)

        with hooked(self._tower.transformer, keep):
            read = self._through_the_tower(placed, sentences, features)
        return Read(read, projected(self._tower, kept[0]))

    def _check(self, sentences: Tensor, modifiers: Sequence[str]) -> None:
        wanted = (len(modifiers), self.tokens, self.width)
        if tuple(sentences.shape) != wanted:
            raise ValueError(f"sentences must be {wanted}, not {tuple(sentences.shape)}")

    def _through_the_tower(
        self, placed: Placed, sentences: Tensor, pictures: Tensor | None
    ) -> Tensor:
        """Return the features (B, D) of B texts with the sentences (B, L, E) in their slots.

        Raises:
            ModelError: the tower did not look its words up.
        """
        index = placed.slots[:, :, None].expand(-1, -1, self.width)  # (B, L, E)
        calls = 0

        def splice(words: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return words.scatter(1, index, sentences.to(words))  # (B, T, E)

        with ExitStack() as hooks:
            hooks.enter_context(hooked(self.embedding, splice))
            for change in self._changes(placed.slots, pictures):
                hooks.enter_context(change)
            features = text_features(self._backbone.network, placed.ids, trim=self._trim)
        if calls != 1:  # or the answer would have nothing to do with the sentence
            raise ModelError(f"the text tower of {self._backbone.describe()} takes no sentences")
        return features

    def _changes(
        self, slots: Tensor, pictures: Tensor | None
    ) -> Iterator[AbstractContextManager[None]]:
        """Yield what injection and adapters do to the layers: before each the one, the other after.

        What is injected behind the last layer, no other position would ever see.  Adapter 0 acts
        on the words as the first layer reads them.
        """
        if self._injection is not None:
            if pictures is None:
                raise ValueError("an injection needs the pictures' feature maps")
            inject = partial(self._injection, slots=slots, features=pictures)
            for number in self._injection.config.layers:
                yield fed(self._layers[number - 1], partial(inject, number))
        if self._adapters is not None:
            for number in self._adapters.config.layers:
                adapt = partial(self._adapters, number)
                yield (
                    hooked(self._layers[number - 1], adapt)
                    if number
                    else fed(self._layers[0], adapt)
                )


def reader_of(
    model: QueryModel, backbone: Backbone, method: str, reporter: Reporter | None = None
) -> SentenceReader:
    """The reader of a query model's sentences for one of its methods.

    Args:
        model: of the backbone's space.
        backbone: loaded with its text part.
        method: of ``model.header.methods``; only ``two-stage`` reads with injection and adapters.
        reporter: is warned of modifiers that are longer than the tower reads.

    Raises:
        ModelError: what the model's header says does not go with the tower, or is no template.
    """
    header, in_two_stages = model.header, method == TWO_STAGE
    injection = model.injection if in_two_stages else None
    adapters = model.adapters if in_two_stages else None
    try:
        reader = SentenceReader(
            backbone,
            Template.from_dict(header.template),
            header.mapper.tokens,
            reporter,
            injection=injection,
            adapters=adapters,
        )
    except UsageError as error:  # not the user's words: the file's
        raise ModelError(f"the query model can't be used: {error.message}", REMADE) from error
    _check_width("words", header.mapper.out, reader.width)
    tower = getattr(backbone.network, "text", backbone.network)
    for part in (injection, adapters):
        if part is not None:
            _check_width("states", part.config.width, state_width(tower))
    return reader


def _check_width(what: str, own: int, towers: int) -> None:
    if own != towers:
        raise ModelError(
            f"the query model can't be used: its {what} have {own:,} numbers, those of the text "
            f"tower {towers:,}",
            REMADE,
        )

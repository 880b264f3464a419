"""Texts in which L placeholder words keep a sentence's place, as token ids.

The place is known by position, counted for each row, never by a token id: any word may be part of
a modifier, the placeholder itself included.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from isa_cli.encoders.texts import SHOWN
from isa_cli.errors import ModelError
from isa_cli.query.prompt import first_slot
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.query.prompt import Template
    from isa_cli.reporting import Reporter

PLACEHOLDERS = ("x", "a", "the", "photo", "thing", "word")
"""Words that may keep the place; the first that is one token wherever it stands is taken."""

_CLEANINGS = 8


class Placed(NamedTuple):
    """B texts.

    Attributes:
        ids: (B, T) token ids.
        slots: (B, L) positions of the sentence's tokens.
    """

    ids: Tensor
    slots: Tensor


class _Place(NamedTuple):
    """Where the sentence is after the words before it, and the L ids that are there meanwhile."""

    first: int
    holders: list[int]


class SlottedTexts:
    """Makes token ids with L slots out of modifiers.

    Args:
        backbone: loaded with its text part.
        template: the words around the sentence.
        tokens: L, how many positions a sentence fills.
        reporter: is warned, once each, of modifiers that are longer than the tower reads.

    Raises:
        ModelError: the template does not fit into the tower's context, or the tokenizer moves
            words about so that no place can be kept.
    """

    def __init__(
        self, backbone: Backbone, template: Template, tokens: int, reporter: Reporter | None
    ) -> None:
        self._backbone = backbone
        self._template = template
        self._tokens = tokens
        self._reporter = reporter
        self._warned: set[str] = set()
        self._tokenizer: Any = backbone._tokenizer  # noqa: SLF001 - its cleaning, its special words
        self._special = _special_words(self._tokenizer)
        self._holder, self._places = self._choose_holder()
        with torch.inference_mode(mode=False):  # or no later read could be trained through
            self._plain = self._tokenized([""])

    def place(self, modifiers: Sequence[str]) -> Placed:
        """Return the token ids of B texts and where their slots are.

        Raises:
            ModelError: the tokenizer took a placeholder from its place.
        """
        if not any(modifiers):  # nearly every text of a training run
            ids, slots = self._plain
            return Placed(ids.expand(len(modifiers), -1), slots.expand(len(modifiers), -1))
        row_of = {text: row for row, text in enumerate(dict.fromkeys(modifiers))}
        ids, slots = self._tokenized(list(row_of))
        rows = torch.tensor([row_of[text] for text in modifiers], device=ids.device)
        return Placed(ids[rows], slots[rows])

    def _tokenized(self, modifiers: Sequence[str]) -> Placed:
        """Do what ``place`` does, for texts that differ."""
        pieces = [self._template.around(self._as_words(text)) for text in modifiers]
        ids, cut = self._backbone.tokenize(
            [before + _repeated(self._holder, self._tokens) + after for before, after in pieces]
        )
        self._warn([text for text, was_cut in zip(modifiers, cut, strict=True) if was_cut])
        places = [self._places[before] for before, _ in pieces]
        first = torch.tensor([place.first for place in places], device=ids.device)
        slots = first[:, None] + torch.arange(self._tokens, device=ids.device)  # (B, L)
        holders = torch.tensor([place.holders for place in places], device=ids.device)
        if not torch.equal(ids.gather(1, slots), holders):
            raise self._moves_words()
        return Placed(ids, slots)

    def _warn(self, modifiers: list[str]) -> None:
        """Say of each, once, that its end is not read."""
        for text in modifiers:
            if self._reporter is not None and text not in self._warned:
                self._reporter.warn(
                    f"too long for the model, the end was cut: {printable(text[:SHOWN])}…"
                )
            self._warned.add(text)

    def _as_words(self, text: str) -> str:
        """Return a modifier in which nothing is read as a special token.

        ``<end_of_text>`` typed by a person would end the text there, and so would
        ``&lt;end_of_text>``, which the tokenizer cleans up first.  A space after its first
        character makes words of it.
        """
        if self._special is None:
            return text
        clean = text
        for _ in range(_CLEANINGS):  # cleaning a text can show what needs cleaning
            before, clean = clean, self._tokenizer.clean_fn(clean)
            if clean == before:
                break
        if not self._special.search(clean):
            return text
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", clean)

    # --- at the start ---

    def _choose_holder(self) -> tuple[str, dict[str, _Place]]:
        """Return a placeholder word, and the sentence's place by the words before it."""
        fits = False
        for word in PLACEHOLDERS:
            pieces = [self._template.around(), self._template.around(word)]
            whole = [before + _repeated(word, self._tokens) + after for before, after in pieces]
            whole += [before + _repeated(word, self._tokens + 1) for before, _ in pieces]
            if any(self._backbone.tokenize(whole)[1]):
                continue
            fits = True
            places = {before: self._find(before, word) for before, _ in pieces}
            found = {before: place for before, place in places.items() if place is not None}
            if len(found) == len(places):
                return word, found
        if fits:
            raise self._moves_words()
        raise ModelError(
            f"a sentence of {self._tokens} tokens does not fit into what the text tower of "
            f"{self._backbone.describe()} reads",
            "take fewer tokens or a shorter template",
        )

    def _find(self, before: str, word: str) -> _Place | None:
        """Return where the sentence is, or ``None`` if each ``word`` is not one token there."""
        counts = range(self._tokens + 2)  # one more: it shows where the last one ends
        rows = self._backbone.tokenize([before + _repeated(word, count) for count in counts])[0]
        first = first_slot(rows.tolist())
        if first is None:
            return None
        return _Place(first, rows[-1, first : first + self._tokens].tolist())

    def _moves_words(self) -> ModelError:
        return ModelError(
            f"the tokenizer of {self._backbone.describe()} moves words about, so that no "
            "sentence can be put among them",
            "take another model",
        )


def _repeated(word: str, count: int) -> str:
    return " ".join([word] * count)


def _special_words(tokenizer: Any) -> re.Pattern[str] | None:
    """The pattern of a tokenizer's special tokens; ``None``: it has none."""
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is None:  # open_clip's own
        words = [tokenizer.decoder[number] for number in tokenizer.all_special_ids]
    else:
        words = list(inner.all_special_tokens)
    if not words:
        return None
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE)

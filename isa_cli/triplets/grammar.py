"""Which words of a caption belong together, as far as the captions themselves tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.triplets.words import COLOURS, DETERMINERS, FUNCTION, LONG_PLACES, PLACES, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isa_cli.triplets.words import Caption


DONE = 0.05
"""A word is a verb if this share of its uses are "is ...ing" or "are ...ing"."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Changed words, with those that belong to them.

    Attributes:
        words: "a brown dog", or "riding a bike".
        core: the changed ones alone: "brown".
        place: the preposition before them, or ''.
        joined: the word before them, whatever it is, or ''.
        is_verb: it is something that is done.
    """

    words: tuple[str, ...]
    core: tuple[str, ...]
    place: str
    joined: str = ""
    is_verb: bool = False

    @property
    def has_head(self) -> bool:
        """Whether the last word is one of the changed: "a brown dog" is another dog."""
        return self.words[-1] == self.core[-1]

    @property
    def is_colour(self) -> bool:
        """Whether another colour is all that changes."""
        return len(self.core) == 1 and stem(self.core[0]) in COLOURS and not self.has_head


class Grammar:
    """What many captions tell about their words.

    Args:
        captions: of all photos.
    """

    def __init__(self, captions: Iterable[Caption]) -> None:
        said: Counter[str] = Counter()
        doing: Counter[str] = Counter()
        forms: dict[str, Counter[str]] = {}
        for caption in captions:
            said.update(caption.stems)
            for at, found in zip(caption.places, caption.stems, strict=True):
                token = caption.tokens[at]
                if token.endswith("ing") and token != found:  # a swing is none
                    forms.setdefault(found, Counter())[token] += 1
                    # "a dog is running"; but a building is no doing
                    doing[found] += at > 0 and caption.tokens[at - 1] in {"is", "are"}
        self._doing = {
            found: max(forms[found], key=lambda form: (forms[found][form], form))
            for found, count in doing.items()
            if count >= DONE * said[found]
        }

    def phrase(self, caption: Caption, first: int, last: int) -> Phrase | None:
        """Return the phrase around some of a caption's content words; ``None`` if there is none.

        Args:
            caption: whose.
            first: of its content words, counted among them.
            last: the same; it belongs to the change too.
        """
        tokens = caption.tokens
        start, end = caption.places[first], caption.places[last]
        core, stop = tokens[start : end + 1], self._end(tokens, end)
        verbs = [at for at in range(start, end + 1) if self._is_verb(tokens, at)]
        past = any(
            _is_past(tokens[at]) and not (at + 1 < stop and self._belongs(tokens, at + 1))
            for at in range(start, end + 1)
        )
        if past or verbs not in ([], [start]):
            return None  # "dressed in red" is neither a thing nor dressing
        if verbs:
            rest = tokens[start + 1 : stop] if end > start else ()
            return Phrase((self._doing[stem(tokens[start])], *rest), core, "", is_verb=True)
        begin = self._begin(tokens, start)
        joined = tokens[begin - 1] if begin else ""
        return Phrase(tokens[begin:stop], core, _place(tokens[:begin]), joined=joined)

    def _is_verb(self, tokens: Sequence[str], at: int) -> bool:
        before = tokens[at - 1] if at else ""
        is_named = before in DETERMINERS or stem(before) in COLOURS  # "a green slide"
        return stem(tokens[at]) in self._doing and not is_named

    def _belongs(self, tokens: Sequence[str], at: int) -> bool:
        """Return whether a word may stand within "a big brown dog"."""
        return tokens[at] not in FUNCTION and not self._is_verb(tokens, at)

    def _begin(self, tokens: Sequence[str], at: int) -> int:
        """Return where the phrase around a word begins, its article included."""
        while at and self._belongs(tokens, at - 1):
            at -= 1
        if at > 1 and _are_colours(tokens[at - 2 : at + 1]):
            return self._begin(tokens, at - 2)
        if at and tokens[at - 1] in DETERMINERS:
            return at - 1
        if at > 1 and tokens[at - 1] == "of" and self._belongs(tokens, at - 2):
            return self._begin(tokens, at - 2)  # "a group of children"
        return at

    def _end(self, tokens: Sequence[str], at: int) -> int:
        """Return where the phrase around a word has ended."""
        at += 1
        while at < len(tokens) and self._belongs(tokens, at):
            at += 1
        if _are_colours(tokens[at - 1 : at + 2]):
            return self._end(tokens, at + 1)
        return at


def _place(before: Sequence[str]) -> str:
    """Return the preposition that some words end with, or ''."""
    for words in LONG_PLACES:
        if tuple(before[-len(words) :]) == words:
            return " ".join(words)
    return before[-1] if before and before[-1] in PLACES else ""


def _is_past(token: str) -> bool:
    return token.endswith("ed") and stem(token) != token


def _are_colours(tokens: Sequence[str]) -> bool:
    """Return whether the words are as "black and white" are, which belong together."""
    return tokens[1:-1] == ("and",) and {stem(tokens[0]), stem(tokens[-1])} <= COLOURS

"""The words around a sentence: a template, which is data, and where in the text its slots are."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SENTENCE = "{sentence}"
MODIFIER = "{modifier}"
PLAIN = "a photo of {sentence}"
MODIFIED = "a photo of {sentence}, {modifier}"

LONGEST = 1_000
"""Characters of a template (ours): no text tower reads as many words."""

SHOWN = 120
"""Characters of a wrong one in a message."""


@dataclass(frozen=True, slots=True)
class Template:
    """How a sentence and a modifier are put to the text tower; stored in a checkpoint.

    Training reads ``a photo of {S}`` and a query ``a photo of {S}, {modifier}`` [stated]; the
    words themselves are chosen on a validation set [ours].

    Attributes:
        plain: the text without a modifier.
        modified: the text with one.

    Raises:
        UsageError: a text that leaves something out, says it twice, or says the modifier first.
    """

    plain: str = PLAIN
    modified: str = MODIFIED

    def __post_init__(self) -> None:
        """Refuse what could not be read."""
        _check(self.plain, [SENTENCE])
        _check(self.modified, [SENTENCE, MODIFIER])

    def around(self, modifier: str = "") -> tuple[str, str]:
        """Return the text before the sentence and the text after it.

        Args:
            modifier: any text at all, braces included; '' or only spaces: there is none.
        """
        modifier = modifier.strip()
        before, _, after = (self.modified if modifier else self.plain).partition(SENTENCE)
        return before, after.replace(MODIFIER, modifier)

    def as_dict(self) -> dict[str, str]:
        """The template as the dictionary that ``from_dict`` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Template:
        """Return the template that ``as_dict`` described.

        Raises:
            UsageError: it is not one.
        """
        names = {field.name for field in fields(cls)}
        if values.keys() != names or not all(isinstance(text, str) for text in values.values()):
            raise UsageError(
                f"{_shown(repr(dict(values)))} is no template",
                f"it takes {' and '.join(sorted(names))}, each a text",
            )
        return cls(**{name: str(text) for name, text in values.items()})


def _check(text: str, wanted: list[str]) -> None:
    """Refuse a text in which the wanted marks do not stand once each, in that order."""
    hint = f'write for example "{MODIFIED if MODIFIER in wanted else PLAIN}"'
    if len(text) > LONGEST:
        raise UsageError(f"a template has {len(text):,} characters, at most {LONGEST:,} fit", hint)
    bare, told = text, _shown(text)
    for mark in (SENTENCE, MODIFIER):
        if text.count(mark) != wanted.count(mark):
            times = "exactly once" if mark in wanted else "only where there is a modifier"
            raise UsageError(f'the template "{told}" must say {mark} {times}', hint)
        bare = bare.replace(mark, "")
    if "{" in bare or "}" in bare:
        raise UsageError(f'the template "{told}" has a brace that means nothing', hint)
    before, _, after = text.partition(SENTENCE)
    if MODIFIER in before:
        raise UsageError(f'the template "{told}" must say {SENTENCE} before {MODIFIER}', hint)
    # glued to other letters the sentence's words would not be words of their own
    if not (before[-1:].isspace() or not before) or after[:1].isalnum() or after[:1] == "{":
        raise UsageError(f'the template "{told}" must let {SENTENCE} stand by itself', hint)


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def first_slot(rows: Sequence[Sequence[int]]) -> int | None:
    """Return the position of the sentence's first token, if each placeholder word is one token.

    It is found by counting tokens, never by looking for an id: any word may be part of a modifier.

    Args:
        rows: token ids of the text before the sentence with 0, 1, 2, ... placeholder words.
            Where two neighbours first differ, one has its next placeholder and the other its end.
    """
    starts = {_common(one, two) - words for words, (one, two) in enumerate(pairwise(rows))}
    return starts.pop() if len(starts) == 1 else None


def _common(one: Sequence[int], two: Sequence[int]) -> int:
    """Return how many leading ids two rows share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=True)))

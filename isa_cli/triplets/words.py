"""The words of captions, and which of them say what is seen.  English only: closed lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

TOKEN = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*|[.,;:!?]")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


DETERMINERS = _set("a an the this that these those his her its their my our your some one")
PLACES = _set(
    "in on at near by beside behind under through across along inside outside around into onto"
    " over against between among down up"
)
"""Prepositions that say where or, before clothes, in what."""

LONG_PLACES = (("in", "front", "of"), ("on", "top", "of"), ("next", "to"))
"""Prepositions of several words."""

CLAUSE = _set(
    ". , ; : ! ? is are be being been was were am has have having had do does did can will while if"
    " so but than then it he she they who which what whose where when"
)
"""What is within a sentence, and not within a phrase."""

FUNCTION = (
    DETERMINERS
    | PLACES
    | CLAUSE
    | _set(
        """
        to of and or with without for from out off as him them himself herself itself themselves
        there here ones other another each both all any very just also about above below toward
        towards past during upon away back front top next middle side together underwater outdoors
        indoors upside doing
        """
    )
)
"""Words and marks that don't say what is seen."""

SHORTEST = 3
"""Letters that are a word; what ends in -ing or -s and has no more is not cut."""

_ALIKE = {
    "men": "man", "women": "woman", "children": "child", "kid": "child", "gray": "grey",
    "sat": "sit", "stood": "stand", "ran": "run", "held": "hold", "wore": "wear", "rode": "rid",
    "snowy": "snow", "grassy": "grass", "rocky": "rock", "sandy": "sand", "muddy": "mud",
    "sunny": "sun", "dirty": "dirt", "wooded": "wood", "wooden": "wood", "bicycle": "bike",
    "biking": "bike", "bicyclist": "biker",
}  # fmt: skip


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return the part that "runs", "run" and "running" share; a key, not a word."""
    word = _singular(word)
    if word in _ALIKE:
        return _ALIKE[word]
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= SHORTEST and re.search("[aeiouy]", base):
            doubled = base[-1] == base[-2] and base[-1] not in "aeiouls"
            return base[:-1] if doubled else base.removesuffix("e")
    return word.removesuffix("e") if len(word) > SHORTEST else word


def _singular(word: str) -> str:
    if len(word) <= SHORTEST or not word.endswith("s") or word[-2] in "su'":
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("xes", "hes", "sses")) else word[:-1]


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


COLOURS = _stems("red orange yellow green blue purple pink brown black white grey tan")
"""Stems of colours."""

VAGUE = _stems(
    "person people someone somebody thing something group several many few various different area"
    " scene background picture photo image animal look show go get stuff piece part"
)
"""Stems of words that other people leave out or replace; a change of them is none."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What one person said of a photo.

    Attributes:
        photo: whose.
        tokens: all words and marks, in lower case.
        places: where among them the words are that say what is seen.
        stems: of those words.
    """

    photo: int
    tokens: tuple[str, ...]
    places: tuple[int, ...]
    stems: tuple[str, ...]

    @classmethod
    def of(cls, photo: int, text: str) -> Caption:
        """Return a caption's words."""
        tokens = tuple(TOKEN.findall(text.lower().replace("\u2019", "'")))
        places = tuple(at for at, token in enumerate(tokens) if token not in FUNCTION)
        return cls(photo, tokens, places, tuple(stem(tokens[at]) for at in places))

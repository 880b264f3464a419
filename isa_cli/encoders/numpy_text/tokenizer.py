"""Token ids of texts, equal to open_clip's ``SimpleTokenizer``, from its own vocabulary.

Only what a text needs is imported and built: plain ASCII, which most queries are, needs neither
ftfy nor regex, and ids come from the merges' ranks, so that no table of tokens is built.
"""

from __future__ import annotations

import gzip
import html
import importlib.util
import re
from itertools import count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

VOCABULARY_SIZE = 49408
START, END = 49406, 49407
"""Ids of start-of-text and end-of-text, the two highest."""

_BYTES = 256
_MERGES = VOCABULARY_SIZE - 2 * _BYTES - 2
_NEVER = VOCABULARY_SIZE
"""A rank after every merge's."""

_SPECIAL = {"<start_of_text>": START, "<end_of_text>": END}
_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
_PATTERN = rf"{'|'.join(_SPECIAL)}|{_CONTRACTIONS}|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+"
_PLAIN_PATTERN = re.compile(
    rf"{'|'.join(_SPECIAL)}|{_CONTRACTIONS}|[a-z]+|[0-9]|[^\sa-z0-9]+", re.ASCII
)


def read_merges() -> dict[str, int] | None:
    """Return CLIP's merges, ``"left right"`` to rank; ``None`` if they can't be had.

    They lie beside open_clip's code, which is not imported.
    """
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            # the first line is a heading; most of the file lies beyond what CLIP uses
            lines = [line.rstrip("\n") for line in islice(file, 1, _MERGES + 1)]
    except (OSError, EOFError, ValueError):
        return None
    return dict(zip(lines, count())) if len(lines) == _MERGES else None


class Tokenizer:
    """Byte pair encoding as CLIP does it.

    Args:
        merges: see ``read_merges``.
        context_length: how many ids a text has, those of start and end included.
    """

    def __init__(self, merges: dict[str, int], context_length: int) -> None:
        self._merges = merges
        self._context_length = context_length
        self._letters = _letters_of_bytes()
        letters = list(self._letters.values())
        ends = [f"{letter}</w>" for letter in letters]
        # ids of the symbols that occurred so far: bytes, bytes at a word's end, merges by rank
        self._ids = {symbol: number for number, symbol in enumerate(letters + ends)}
        self._words: dict[str, list[int]] = {word: [number] for word, number in _SPECIAL.items()}

    def tokenize(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], list[bool]]:
        """Return ids (B, T), padded with 0, and which texts were too long and got cut."""
        length = self._context_length
        ids = np.zeros((len(texts), length), np.int64)
        cut = []
        for row, text in zip(ids, texts, strict=True):
            tokens = [START, *self.encode(text), END]
            cut.append(len(tokens) > length)
            if cut[-1]:
                tokens[length - 1 :] = [END]
            row[: len(tokens)] = tokens
        return ids, cut

    def encode(self, text: str) -> list[int]:
        """Return the ids of a whole text, without start and end."""
        return [number for word in split(text) for number in self._encode_word(word)]

    def _encode_word(self, word: str) -> list[int]:
        if word not in self._words:
            *letters, last = (self._letters[byte] for byte in word.encode())
            symbols = self._merge([*letters, f"{last}</w>"])
            self._words[word] = [self._ids[symbol] for symbol in symbols]
        return self._words[word]

    def _merge(self, symbols: list[str]) -> list[str]:
        """Return the symbols after every merge that applies, the lowest rank first."""
        while len(symbols) > 1:
            ranked = ((self._merges.get(f"{a} {b}", _NEVER), a, b) for a, b in pairwise(symbols))
            rank, left, right = min(ranked)
            if rank == _NEVER:
                break
            self._ids[left + right] = 2 * _BYTES + rank
            symbols = _joined(symbols, left, right)
        return symbols


def split(text: str) -> list[str]:
    """Return the words of a text, cleaned: mended, unescaped, in lower case."""
    if text.isascii() and text.isprintable() and "&" not in text:
        return _PLAIN_PATTERN.findall(text.lower())  # nothing to mend or to unescape
    import ftfy  # noqa: PLC0415 - these two take 80 ms, and most queries do without
    import regex  # type: ignore[import-untyped]  # noqa: PLC0415

    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    text = " ".join(text.split()).lower()
    words: Any = regex.findall(_PATTERN, text, regex.IGNORECASE)
    return list(words)


def _joined(symbols: list[str], left: str, right: str) -> list[str]:
    """Return the symbols with every (left, right) made one, from the left."""
    joined: list[str] = []
    position = 0
    while position < len(symbols):
        if symbols[position : position + 2] == [left, right]:
            joined.append(left + right)
            position += 2
        else:
            joined.append(symbols[position])
            position += 1
    return joined


def _letters_of_bytes() -> dict[int, str]:
    """Return the letter that stands for each byte in the vocabulary, in the order of its ids.

    Printable bytes of Latin-1 stand for themselves; the others get letters from 256 on.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    printable += range(ord("®"), ord("ÿ") + 1)
    others = [byte for byte in range(_BYTES) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    return letters | {byte: chr(_BYTES + number) for number, byte in enumerate(others)}

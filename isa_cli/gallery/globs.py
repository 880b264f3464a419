r"""Gitignore's patterns, held against a path in time that grows with both and never explodes.

A glob of many stars is quickly written (``*a*a*a*a*a*a*b``), and as an ordinary regular expression
it takes ages to fail.  It need not: where a piece between two stars fits at its first place, no
later place can be better, for what is left of the name only gets shorter.  So every piece is
looked for once and never given back (``(?>...)``).  The same holds for folders between ``**``.

What a pattern means is what git makes of it (``wildmatch.c`` with its pathname flag), runs of
three and more stars included: as a whole segment they are ``**``, elsewhere one star.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_LENGTH: Final = 4096
"""Characters of the longest pattern: no system's paths are longer."""

MAX_LINES: Final = 10_000
"""Lines of one list (ours); one with wildcards costs each path about a third of a microsecond."""

MAX_WILDCARDS: Final = 100_000
"""Wildcards in one list (ours); to read that many takes a second or two."""

_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}

_ITEM: Final = r"(?:\[:[^\]]*:\]|\\.|[^\\])"  # of a set: a class, or one character

_TOKEN: Final = re.compile(
    r"(?P<stars>\*+)|(?P<slash>\\?/)|\\(?P<escaped>.)|(?P<any>\?)|(?P<plain>[^*/\\?\[]+)"
    rf"|\[(?P<set>[!^]?(?>{_ITEM})(?>(?!\]){_ITEM})*+)\]|(?P<open>\[)|(?P<end>\\)",
    re.DOTALL,
)

_MEMBER: Final = re.compile(
    r"\[:(?P<name>[^\]]*):\]|(?P<low>\\.|[^\\])(?:-(?P<high>\\.|[^\]\\]))?", re.DOTALL
)

_PLAIN: Final = {"plain", "escaped", "slash"}

_LEVELS: Final = r"(?:[^/]+/)*?"  # any folders, as few as will do

_Segment = list[str]
"""The regexes of what stands between a segment's stars; none at all for ``**``."""


class _FitsNothingError(Exception):
    """A pattern that no path fits: a set that is not closed, or of a kind that is none."""


@dataclass(frozen=True, slots=True)
class Glob:
    """One pattern.

    Attributes:
        keeps: it begins with ``!``: what it fits is not meant after all.
        folders: it ends with a slash: no file fits it.
        named: it has no other slash, and is held against the last part of a path.
        literal: the one text that fits, where there are no wildcards.
        regex: fits that part or the whole path, where there are.
    """

    keeps: bool
    folders: bool
    named: bool
    literal: str | None
    regex: re.Pattern[str] | None


class Globs:
    """A list of patterns, of which a later one overrules those before it."""

    def __init__(self, globs: Iterable[Glob] = ()) -> None:
        self._tried: list[tuple[int, Glob]] = []  # last ones first, as in the next
        self._looked_up: dict[tuple[bool, str | None], list[tuple[int, Glob]]] = {}
        for item in reversed(list(enumerate(globs))):
            glob = item[1]
            if glob.literal is None:
                self._tried.append(item)
            else:
                self._looked_up.setdefault((glob.named, glob.literal), []).append(item)

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Return whether the last pattern that fits a path means it; ``None`` where none fits.

        Args:
            path: relative, no slash at its end.  The folders that it leads through don't count.
            is_folder: whether it leads to one.
        """
        _, glob = self._last(path, is_folder=is_folder)
        return None if glob is None else not glob.keeps

    def covers(self, path: str) -> bool:
        """Return whether a file is meant, be it by itself or with a folder that it lies in.

        What fits the file itself overrules what fits a folder; else the last pattern decides.
        """
        _, glob = self._last(path, is_folder=False)
        if glob is None:
            ends = (at for at, char in enumerate(path) if char == "/")
            found = (self._last(path[:end], is_folder=True) for end in ends)
            _, glob = max(found, key=lambda item: item[0], default=(-1, None))
        return glob is not None and not glob.keeps

    def _last(self, path: str, *, is_folder: bool) -> tuple[int, Glob | None]:
        """Return the last pattern that fits a path, and its number."""
        name = path[path.rfind("/") + 1 :]
        last: tuple[int, Glob | None] = (-1, None)
        named = self._looked_up.get((True, name), ())
        for items in (named, self._looked_up.get((False, path), ()), self._tried):
            for number, glob in items:
                if number < last[0]:
                    break
                if glob.folders and not is_folder:
                    continue
                if glob.regex is None or glob.regex.fullmatch(name if glob.named else path):
                    last = (number, glob)
                    break
        return last


def read(lines: Sequence[str], one: str) -> tuple[Globs, list[str]]:
    """Return a list's patterns, and what is to be said of lines that are out of all proportion.

    Args:
        lines: as in a ``.gitignore``.
        one: what to call a line: it is named by this and its number.

    Raises:
        ValueError: a line means nothing; the message says which.
    """
    found: list[Glob] = []
    refused: dict[str, list[int]] = {}
    left = MAX_WILDCARDS
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        wildcards = sum(line.count(char) for char in "*?[")
        if reason := _excess(number, line, wildcards - left):
            refused.setdefault(reason, []).append(number)
            continue
        left -= wildcards
        try:
            glob = parse(line)
        except ValueError as error:
            shown = line if len(line) <= 60 else f"{line[:60]}..."  # noqa: PLR2004
            raise ValueError(f"pattern {number}, {shown!r}, {error}") from error
        if glob is not None:
            found.append(glob)
    return Globs(found), [f"{_numbers(one, at)} ({why})" for why, at in refused.items()]


def _excess(number: int, line: str, wildcards: int) -> str:
    """Return why a line is out of all proportion, or ''; ``wildcards``: how many are too many."""
    if number > MAX_LINES:
        return f"a list may have {MAX_LINES:,}"
    if len(line) > MAX_LENGTH:
        return f"more than {MAX_LENGTH:,} characters, and no path has so many"
    return f"a list may have {MAX_WILDCARDS:,} wildcards" if wildcards > 0 else ""


def _numbers(one: str, numbers: Sequence[int]) -> str:
    """Return ``line 3``, or ``lines 3, 7, 9 and 12 more``."""
    first = ", ".join(f"{number:,}" for number in numbers[:3])
    more = f" and {len(numbers) - 3:,} more" if len(numbers) > 3 else ""  # noqa: PLR2004
    return f"{one}{'s' * (len(numbers) > 1)} {first}{more}"


def parse(line: str) -> Glob | None:
    """Return the pattern in a line; ``None`` where there is none, or one that nothing fits.

    Raises:
        ValueError: it means nothing.
    """
    text = _trimmed(line)
    if not text or text.startswith("#"):
        return None
    keeps = text.startswith("!")
    text = text[keeps:]
    if not text:
        raise ValueError("means nothing")
    folders = text.endswith("/")
    text = text.removesuffix("/")
    named = "/" not in text
    text = text.removeprefix("/")
    try:
        tokens = _tokens(text)
        if all(token.lastgroup in _PLAIN for token in tokens):
            literal = "".join(token[token.lastgroup or 0] for token in tokens)
            return Glob(keeps, folders, named, literal.replace("\\/", "/"), None)
        return Glob(keeps, folders, named, None, re.compile(_regex(_segments(text, tokens))))
    except _FitsNothingError:
        return None


def _tokens(text: str) -> list[re.Match[str]]:
    """Return the pieces of a pattern.

    Raises:
        ValueError: it means nothing.
    """
    found = []
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "end":
            raise ValueError("means nothing")
        if token.lastgroup == "open":
            raise _FitsNothingError
        found.append(token)
    if not found:
        raise _FitsNothingError
    return found


def _trimmed(line: str) -> str:
    """Return a line without white space at its end, but for a space behind a backslash."""
    text = line.rstrip()
    backslashes = len(text) - len(text.rstrip("\\"))
    return text + " " if backslashes % 2 and line[len(text) :].startswith(" ") else text


def _segments(text: str, tokens: Sequence[re.Match[str]]) -> list[_Segment]:
    """The parts of a pattern between its slashes."""
    segments: list[_Segment] = [[""]]
    for token in tokens:
        segment = segments[-1]
        if token.lastgroup == "slash":
            segments.append([""])
        elif token.lastgroup != "stars":
            segment[-1] += _one(token)
        elif segment == [""] and len(token[0]) > 1 and _ends_segment(text, token.end()):
            segment.clear()
        else:
            segment.append("")
    return segments


def _ends_segment(text: str, at: int) -> bool:
    return at == len(text) or text.startswith(("/", "\\/"), at)


def _one(token: re.Match[str]) -> str:
    """Return the regex of characters, as many as it fits, that are no star and no slash."""
    if token.lastgroup == "any":
        return "[^/]"
    if token.lastgroup == "set":
        return _set(token["set"])
    return re.escape(token["escaped"] or token["plain"])


def _set(text: str) -> str:
    """Return the regex of a set of characters; a range that runs backwards is its first one."""
    negated = text[0] in "!^"
    members = ""
    for member in _MEMBER.finditer(text, 1 if negated else 0):
        name, low, high = member.groups()
        if name is not None:
            if name not in _CLASSES:
                raise _FitsNothingError
            members += _CLASSES[name]
            continue
        low, high = low[-1], (high or low)[-1]
        members += re.escape(low) + (f"-{re.escape(high)}" if low < high else "")
    return f"[^/{members}]" if negated else f"(?!/)[{members}]"


def _regex(segments: Sequence[_Segment]) -> str:
    """Return the regex that a whole path has to fit."""
    runs: list[list[str]] = [[]]  # between ``**``
    for segment in segments:
        if segment:
            runs[-1].append(_fit(segment))
        else:
            runs.append([])
    first, *middle = ("/".join(run) for run in runs)
    if not middle:
        return first
    last = middle.pop()
    found = "".join(f"(?>{_LEVELS}{run}/)" for run in middle if run)
    return f"{first}{'/' if first else ''}{found}{_LEVELS + last if last else '(?s:.+)'}"


def _fit(segment: _Segment) -> str:
    """Return the regex of one segment with its stars."""
    first, *middle = segment
    if not middle:
        return first
    last = middle.pop()
    if not (first or middle or last):
        return "[^/]+"
    found = "".join(f"(?>[^/]*?{piece})" for piece in middle)
    return f"{first}{found}" + (f"(?>[^/]*?{last}(?![^/]))" if last else "[^/]*+")

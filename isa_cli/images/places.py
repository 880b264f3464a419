"""Where a photo was taken, out of the ways in which degrees are written; signed degrees, WGS 84.

A hemisphere is a letter or a word (``N``, ``north``, ``South latitude``).  A minus agrees with
south and west and contradicts north and east: then the degrees have two meanings, and none is
taken.  Without a hemisphere the sign alone decides (ours: EXIF and XMP both demand one).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isa_cli.images.plain import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One of the two coordinates: how far it goes, and the words for its two hemispheres."""

    limit: int
    plus: re.Pattern[str]
    minus: re.Pattern[str]

    def sign(self, hemisphere: str) -> int:
        """Return 1 or -1; 0 for a word that is none of this axis."""
        word = hemisphere.strip(" .")
        return bool(self.plus.fullmatch(word)) - bool(self.minus.fullmatch(word))


def _word(direction: str, line: str) -> re.Pattern[str]:
    more = rf"(?:\s+(?:{line[:3]}|{line}|hemisphere))?"
    return re.compile(rf"(?:{direction[0]}|{direction}(?:ern)?){more}", re.IGNORECASE)


LATITUDE: Final = Coordinate(90, _word("north", "latitude"), _word("south", "latitude"))
LONGITUDE: Final = Coordinate(180, _word("east", "longitude"), _word("west", "longitude"))

_NUMBER: Final = r"\d+(?:\.\d*)?(?:/\d+)?"
_BETWEEN: Final = r"[\s,;:°º'′’\"″”]"  # noqa: RUF001 - the marks of minutes, as people type them
_UNIT: Final = re.compile(
    r"(?<![a-z])(?:deg|degrees?|min|minutes?|sec|seconds?)(?![a-z])", re.IGNORECASE
)
_DEGREES: Final = re.compile(
    rf"(?P<before>[a-z][a-z .]*)?(?P<sign>[+-]?)(?P<parts>{_NUMBER}(?:{_BETWEEN}+{_NUMBER}){{0,2}})"
    rf"{_BETWEEN}*(?P<after>[a-z][a-z .]*)?",
    re.ASCII | re.IGNORECASE,
)
_LONGEST: Final = 64  # characters


def place(latitude: float | None, longitude: float | None) -> tuple[float, float] | None:
    """Return both, or ``None``: one alone is no place, and (0, 0) is a receiver without a fix."""
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    return latitude, longitude


def read_degrees(value: Any, hemisphere: Any, axis: Coordinate) -> float | None:
    """Return signed degrees; ``None`` unless numbers and hemisphere have one meaning, in range.

    Args:
        value: degrees, minutes and seconds, or fewer of them, each with a fraction: numbers, one
            number, or a text such as ``48,8.22N``.  What is unknown at the end (0/0) is left out.
        hemisphere: its letter or word; ``None`` where there is none.  A blank one is a writer
            that did not know it, and makes no place.
        axis: ``LATITUDE`` or ``LONGITUDE``.
    """
    if isinstance(value, (str, bytes)):
        return _read_text(plain_text(value), hemisphere, axis)
    try:
        parts = [float(part) for part in (value if isinstance(value, (tuple, list)) else [value])]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return _signed(parts[:3], hemisphere, axis)


def _read_text(text: str, hemisphere: Any, axis: Coordinate) -> float | None:
    """Return the degrees of ``48,8.22N``, ``48,8,13N``, ``N 48° 8' 13"`` or ``-48.137``."""
    found = _DEGREES.fullmatch(_UNIT.sub(" ", text)) if len(text) <= _LONGEST else None
    if not found:
        return None
    parts = [_ratio(number) for number in re.findall(_NUMBER, found["parts"], re.ASCII)]
    words = [word for word in (found["before"], found["after"], hemisphere) if word is not None]
    signs = {axis.sign(plain_text(word)) for word in words}
    if len(signs) > 1 or max(parts[1:], default=0) >= 60:  # noqa: PLR2004 - 48,137: a comma for a dot?
        return None
    if found["sign"] == "-":
        parts[0] = -parts[0]
    return _signed(parts, words[0] if words else None, axis)


def _ratio(number: str) -> float:
    above, _, below = number.partition("/")
    return float(above) / float(below or 1) if float(below or 1) else math.nan


def _signed(parts: Sequence[float], hemisphere: Any, axis: Coordinate) -> float | None:
    """Return degrees out of up to three numbers; NaN stands for unknown."""
    known = list(parts)
    while known and math.isnan(known[-1]):
        known.pop()
    sign = 0 if hemisphere is None else axis.sign(plain_text(hemisphere))
    if not known or (hemisphere is not None and not sign):
        return None
    below = math.copysign(1, known[0]) < 0 or (known[0] == 0 and min(known) < 0)
    odd = min(known[1:], default=0) < 0 if not below else len({n > 0 for n in known[1:] if n}) > 1
    degrees = math.fsum(abs(part) / 60**power for power, part in enumerate(known))
    if odd or (below and sign > 0) or not degrees <= axis.limit:  # not: NaN
        return None
    return -degrees if below or sign < 0 else degrees

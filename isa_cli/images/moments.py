"""When a photo was taken, out of the many ways in which a date is written; the clock as it stood.

EXIF wants ``2024:05:01 12:30:00``, XMP ``2024-05-01T12:30:00+02:00``, IPTC ``20240501`` and
``123000+0200`` apart, PNG ``Wed, 01 May 2024 12:30:00 +0200``.  Files hold all of them anywhere, so
that one reader takes them all, and refuses what can be read in two ways (``05/06/2024``).

Ours, because the catalogue stores seconds of local time and nothing coarser:

- A year or a month alone is kept as its first second, a day as its midnight.  A month or a day
  that is blank or zero is one that nobody knew; what follows it says nothing.
- A zone is dropped: the clock beside it is the one that was looked at.
- Hour 24 is hour 00 of the day on the stamp, as the phones that write it mean it.
- Second 60 is second 59: a leap second belongs to the day that it ends.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

_FIRST_PHOTO: Final = 1826  # Niépce's; what claims to be older has a dead clock
_LONGEST: Final = 64  # characters; no date needs more, and a longer text costs nothing then

_SEPARATED: Final = re.compile(  # 2024:05:01, 2024-5, 2024: 5: 1, 2024:  :  , 2024年5月1日
    r"(\d{4})(?:\s*[:/._年-]\s*(\d{1,2})?(?:\s*[:/._月-]\s*(\d{1,2})?)?)?(?:\s*日)?(?!\d)",
    re.ASCII,
)
_SPACED: Final = re.compile(r"(\d{4})\s+(\d{1,2})\s+(\d{1,2})(?!\d)", re.ASCII)
_PACKED: Final = re.compile(  # 20240501, 202405011230, 20240501123000
    r"(\d{4})(\d\d)(\d\d)(?=(?:\d{4}(?:\d\d)?)?(?!\d))", re.ASCII
)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([:/. -])(\d{1,2})\2(\d{4})(?!\d)", re.ASCII)

_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_MONTH: Final = rf"(?P<month>{_MONTHS})[a-z]{{0,6}}\.?"
_WEEKDAY: Final = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+)?"
_NAMED: Final = tuple(
    re.compile(_WEEKDAY + form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"(?P<day>\d{{1,2}})[\s-]\s*{_MONTH}[\s,-]\s*(?P<year>\d{{4}})(?!\d)(?P<rest>.*)",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:,\s*|\s+)(?P<year>\d{{4}})(?!\d)(?P<rest>.*)",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})\s+(?P<rest>\d.*\S)\s+(?P<year>\d{{4}})",  # C's asctime
    )
)
_CLOCK: Final = re.compile(
    r"""(?: (?: [,;:T_-] | \s+[,;T_-]? ) \s* )?  # what parts it from the day
    (?: (?P<h>\d{1,2})? \s*[:.h時时]\s* (?P<m>\d{1,2})?
            (?: \s*[:.m分]\s* (?P<s>\d{1,2})? (?:[.,]\d*)? )? \s*[s秒]?
      | (?P<h1>\d\d)-(?P<m1>\d\d)-(?P<s1>\d\d)
      | (?P<h2>\d{1,2})\s+(?P<m2>\d{1,2})\s+(?P<s2>\d{1,2})
      | (?P<h3>\d\d)(?P<m3>\d\d)(?P<s3>\d\d)? (?:[.,]\d*)?
      | (?P<h4>\d{1,2})
    )?
    \s* (?: (?P<half>[ap])\.?m\.? )?
    \s* (?: Z | UTC | GMT | [A-Z]{1,3}T )? \s* (?: [+-]\d{1,2}(?::?\d\d)? )? \s* (?: \([\w\s]*\) )?
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_NOTHING: Final = re.compile(r"[\s0TZ:/.,;?*+_-]*", re.ASCII)  # blanks, zeros, what parts them
_ZONE: Final = re.compile(r"[+-]\d\d:?\d\d$", re.ASCII)


def first_moment(*values: Any) -> tuple[str | None, bool]:
    """Return the first moment that can be read, and whether one before it is there and can't be.

    Args:
        values: tags' values, best first.
    """
    garbled = False
    for value in values:
        if moment := read_moment(value):
            return moment, garbled
        garbled |= not _is_nothing(value)
    return None, garbled


def read_moment(value: Any) -> str | None:
    """Return a date's text as ISO 8601 to the second; ``None`` unless it has one meaning."""
    whole, first = _texts(value)
    return _read(whole) or (_read(first) if first != whole else None)


def _is_nothing(value: Any) -> bool:
    """Return whether a tag is absent, blank or all zeros, as cameras without a clock write it."""
    return _NOTHING.fullmatch(_ZONE.sub("", _texts(value)[0])) is not None


def _texts(value: Any) -> tuple[str, str]:
    """Return a tag's text with NULs as blanks, and only what comes before the first NUL."""
    if isinstance(value, (tuple, list)):
        value = " ".join(str(part) for part in value[:6])
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    text = text.strip("\0 \t\r\n")[: _LONGEST + 1]
    return _tidy(text.replace("\0", " ")), _tidy(text.partition("\0")[0])


def _tidy(text: str) -> str:
    """Return a text with single blanks: runs of them would cost the patterns much time."""
    return " ".join(text.split())


def _read(text: str) -> str | None:
    if len(text) > _LONGEST:
        return None
    year, month, day, rest = _day(text)
    clock = _clock(rest)
    if clock is None:
        return None
    if not (month and day):  # nobody knew
        day, clock = 1, (0, 0, 0)
    try:
        when = datetime(year, month or 1, day, *clock)  # noqa: DTZ001 - no zone, see above
    except ValueError:  # no such day, no such time
        return None
    return when.isoformat() if when.year >= _FIRST_PHOTO else None


def _day(text: str) -> tuple[int, int, int, str]:
    """Return year, month, day (0: unknown) and what follows; year 0: this is no date."""
    if found := _PACKED.match(text) or _SPACED.match(text) or _SEPARATED.match(text):
        year, month, day = (int(part or 0) for part in found.groups())
        rest = text[found.end() :]
        alone = found.re is _SEPARATED and found[0].strip().isdecimal()
        return (0, 0, 0, "") if alone and rest.strip() else (year, month, day, rest)
    if found := _YEAR_LAST.match(text):
        return (*_year_last(found), text[found.end() :])
    for form in _NAMED:
        if found := form.fullmatch(text):
            month = _MONTHS.split("|").index(found["month"].lower()) + 1
            return int(found["year"]), month, int(found["day"]), found["rest"]
    return 0, 0, 0, ""


def _year_last(found: re.Match[str]) -> tuple[int, int, int]:
    """Return year, month and day where only one order of the first two makes a day."""
    one, two, year = int(found[1]), int(found[3]), int(found[4])
    months = 12
    if found[2] == "." or one > months or one == two:  # dots: only the day comes first
        return year, two, one
    return (year, one, two) if two > months else (0, 0, 0)


def _clock(text: str) -> tuple[int, int, int] | None:
    """Return hour, minute and second, each 0 where unsaid; ``None``: this is no time of day."""
    found = _CLOCK.fullmatch(text)
    if not found:
        return None
    said = found.groupdict()
    names = next((n for n in ("", "1", "2", "3", "4") if said[f"h{n}"] is not None), None)
    if names is None:
        return 0, 0, 0
    hour, minute, second = (int(said.get(f"{part}{names}") or 0) for part in "hms")
    if said["half"]:
        noon = 12
        if not 1 <= hour <= noon:
            return None
        hour = hour % noon + (noon if said["half"] in "pP" else 0)
    hour, second = (0 if hour == 24 else hour), (59 if second == 60 else second)  # noqa: PLR2004
    return hour, minute, second

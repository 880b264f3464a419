"""When a photo was taken: local time without a zone, kept as whole seconds.

The clock in a camera knows no zone, so the seconds are counted since 1970 as if the clock showed
UTC.  Four bytes hold it, and comparing numbers compares times.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (no zone, see above)
_ISO_PREFIX = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d))?)?)?)?)?", re.ASCII
)
_FIRST = (1, 1, 1, 0, 0, 0)  # what the missing parts of a prefix begin with
_PART_SECONDS = (86_400, 3_600, 60, 1)  # a day, an hour, a minute, a second


def to_seconds(iso: str) -> int:
    """Return a local time as seconds since 1970, as if it were UTC; fractions are dropped.

    Raises:
        ValueError: it is not ISO 8601.
    """
    moment = datetime.fromisoformat(iso).replace(tzinfo=None)
    return (moment - _EPOCH) // timedelta(seconds=1)


def to_iso(seconds: int) -> str:
    """Return the local time that ``to_seconds`` was given, to the second."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def iso_span(prefix: str) -> tuple[int, int]:
    """Return the first second that a prefix of ISO 8601 names, and the first one after it.

    Raises:
        ValueError: it is no such prefix, or no such day.
    """
    match = _ISO_PREFIX.fullmatch(prefix)
    if match is None:
        raise ValueError(f"{prefix!r} is no date: write 2024, 2024-05, 2024-05-01 or more")
    parts = [int(part) for part in match.groups() if part is not None]
    year, month, day, hour, minute, second = (*parts, *_FIRST[len(parts) :])
    start = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  (no zone)
    if len(parts) == 1:
        length = (365 + calendar.isleap(year)) * _PART_SECONDS[0]
    elif len(parts) == 2:  # noqa: PLR2004  (year and month)
        length = calendar.monthrange(year, month)[1] * _PART_SECONDS[0]
    else:
        length = _PART_SECONDS[len(parts) - 3]
    first = (start - _EPOCH) // timedelta(seconds=1)
    return first, first + length

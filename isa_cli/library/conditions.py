"""What people write to narrow a search down, read into the language of ``isa_cli.filters``."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from isa_cli.errors import FilterError
from isa_cli.filters import And, Compare, Contains, In, Near, Or, Under
from isa_cli.paths import catalogued

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from isa_cli.filters import Where

    Path = str | os.PathLike[str]

NEAR_KM = 5.0
"""How far ``--near`` reaches where no distance is given."""

FORMATS = {
    "jpg": "JPEG",
    "heic": "HEIF",
    "tif": "TIFF",
    **{
        name: name.upper()
        for name in ("avif", "bmp", "gif", "heif", "jpeg", "png", "raw", "tiff", "webp")
    },
}
"""What people call a format, and what ``PhotoInfo.format`` calls it."""

_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)([T ](?P<time>\d\d:\d\d(:\d\d)?))?)?)?",
    re.ASCII,
)
_SIZE = re.compile(r"(?P<number>\d{1,15}(\.\d{1,9})?)\s*(?P<unit>[a-z]*)", re.ASCII | re.IGNORECASE)
_UNITS: dict[str, tuple[str, float]] = {
    "": ("long_side", 1),
    "px": ("long_side", 1),
    "mp": ("pixels", 1e6),
    "b": ("bytes", 1),
    "kb": ("bytes", 1e3),
    "mb": ("bytes", 1e6),
    "gb": ("bytes", 1e9),
}


class Conditions(TypedDict, total=False):
    """What a search may be narrowed down by; see ``where_of``."""

    under: Path | Sequence[Path]
    after: str | None
    before: str | None
    camera: str | Sequence[str]
    near: str | tuple[float, ...] | None
    min_size: str | None
    types: str | Sequence[str]


def where_of(
    *,
    under: Path | Sequence[Path] = (),
    after: str | None = None,
    before: str | None = None,
    camera: str | Sequence[str] = (),
    near: str | tuple[float, ...] | None = None,
    min_size: str | None = None,
    types: str | Sequence[str] = (),
) -> Where | None:
    """The filter that all given conditions make together; ``None`` where none is given.

    One with several values holds if one of them does; different ones must all hold.

    Args:
        under: folders that a photo lies below.
        after: taken on or after the start of ``2024``, ``2024-05``, ``2024-05-01``, ...
        before: taken before the start of it.
        camera: parts of cameras' names.
        near: ``LAT,LON[,KM]`` in degrees, as text or as numbers.
        min_size: ``1200`` (pixels of the long side), ``12MP`` or ``2MB`` (the file).
        types: ``jpeg``, ``png``, ``heic``, ...

    Raises:
        FilterError: a value cannot be read; the message names the command line's flag for it.

    Examples:
        >>> where_of(after="2024-05")
        Compare(field='taken_at', op='>=', value='2024-05')
        >>> where_of() is None
        True
    """
    camera, types = _several(camera), _several(types)
    near = ",".join(map(str, near)) if isinstance(near, tuple) else near
    parts: list[Where | None] = [
        _any([Under(folder(path)) for path in _several(under)]),
        Compare("taken_at", ">=", moment("--after", after)) if after is not None else None,
        Compare("taken_at", "<", moment("--before", before)) if before is not None else None,
        _any([Contains("camera", name) for name in camera]),
        place(near) if near is not None else None,
        at_least(min_size) if min_size is not None else None,
        In("format", formats(types)) if types else None,
    ]
    given = tuple(part for part in parts if part is not None)
    if len(given) <= 1:
        return given[0] if given else None
    return And(given)


def _any(parts: Sequence[Where]) -> Where | None:
    if len(parts) <= 1:
        return parts[0] if parts else None
    return Or(tuple(parts))


def _several(given: Any) -> Sequence[Any]:
    """One value, or several, as several."""
    return given if isinstance(given, list | tuple) else (given,)


def folder(path: Path) -> bytes:
    """A folder as the catalogue writes it: absolute, links not resolved."""
    if not str(path):
        raise FilterError("--under needs a folder", "--under . means the one you are in")
    return catalogued(str(path))


def moment(flag: str, text: str) -> str:
    """Return the start of the year, month, day, minute or second that ``text`` names.

    ISO 8601 compares as text: ``2024-05`` sorts before everything in May 2024.
    """
    match = _DATE.fullmatch(text.strip())
    hint = "write 2024, 2024-05, 2024-05-01 or 2024-05-01T12:30, in the camera's local time"
    if match is None:
        raise FilterError(f"{flag} {text!r} is no date", hint)
    year, month, day, time = match.group("year", "month", "day", "time")
    try:
        datetime.fromisoformat(f"{year}-{month or '01'}-{day or '01'}T{time or '00:00'}")
    except ValueError as error:
        raise FilterError(f"{flag} {text!r} is not in the calendar", hint) from error
    return text.strip().replace(" ", "T")


def place(text: str) -> Near:
    """Return the circle that ``LAT,LON[,KM]`` names."""
    hint = "write LAT,LON or LAT,LON,KM in degrees, e.g. --near 48.137,11.575,10"
    try:
        latitude, longitude, *rest = (float(part) for part in text.split(","))
        (km,) = rest or [NEAR_KM]
    except ValueError as error:
        raise FilterError(f"--near {text!r} is no place", hint) from error
    # Written so that a NaN, for which every comparison is false, fails too.
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < km < float("inf")):  # noqa: PLR2004
        raise FilterError(f"--near {text!r} is not on Earth", hint)
    return Near(latitude, longitude, km)


def at_least(text: str) -> Compare:
    """Return the lower bound that ``1200`` (long side), ``12MP`` or ``2MB`` names."""
    match = _SIZE.fullmatch(text.strip())
    unit = match["unit"].lower() if match else ""
    if match is None or unit not in _UNITS:
        raise FilterError(
            f"--min-size {text!r} is no size",
            "write 1200 (pixels of the long side), 12MP (all pixels) or 2MB (the file)",
        )
    name, factor = _UNITS[unit]
    return Compare(name, ">=", int(float(match["number"]) * factor))  # type: ignore[arg-type]


def formats(types: Sequence[str]) -> tuple[str, ...]:
    """Return the formats that ``jpeg,heic`` names, each once."""
    names: dict[str, None] = {}
    for word in ",".join(types).split(","):
        known = FORMATS.get(word.strip().lower().removeprefix("."))
        if known is None:
            raise FilterError(
                f"--type {word.strip()!r} is no format isa reads",
                f"there are {', '.join(sorted(FORMATS))}; several as --type jpeg,png",
            )
        names[known] = None
    return tuple(names)

"""What Google Takeout's JSON says of the photo that it lies beside, and how such files are named.

``photoTakenTime`` is a moment in UTC, and nothing there tells the zone.  The catalogue keeps local
time, so a photo dated by Takeout is off by its zone: the UTC clock is taken as it stands (ours).  A
guess from the place would be wrong wherever a border or summer time is, and nobody could tell.
Zeros mean absent, in times and places alike.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from isa_cli.images.moments import read_moment
from isa_cli.images.places import LATITUDE, LONGITUDE, place, read_degrees
from isa_cli.images.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

_METADATA: Final = ".supplemental-metadata"  # since 2024, and only as much of it as there is room
_ROOM: Final = 46  # characters of a name before a number and ``.json``
_NAME: Final = re.compile(r"(?P<base>.+?)(?P<edited>-edited)?(?P<number>\(\d+\))?", re.DOTALL)
_SECONDS: Final = re.compile(r"-?\d{1,12}", re.ASCII)
_LARGEST: Final = 1 << 20  # bytes; Takeout's have a few thousand
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TakeoutName:
    """A name that a photo's JSON may have.

    Attributes:
        name: of the file.
        title: what its title must begin with; '' where the name leaves no doubt.
    """

    name: str
    title: str = ""


def takeout_names(photo: str) -> Iterator[TakeoutName]:
    """Yield the names that Takeout may have given to the JSON of a photo, likeliest first.

    ``x.jpg`` has ``x.jpg.json`` or ``x.jpg.supplemental-metadata.json``, of which the end may be
    missing; ``x(1).jpg`` has ``x.jpg(1).json`` or ``x.jpg.supplemental-metadata(1).json``;
    ``x-edited.jpg`` has what ``x.jpg`` has.  Of a long name only the beginning is left, and
    a title without a suffix has a JSON without one: there the title inside must agree.
    """
    stem, suffix = os.path.splitext(photo)  # noqa: PTH122 - no folder, and no path
    forms = [(photo, "")]
    found = _NAME.fullmatch(stem)
    base, number = (found["base"], found["number"] or "") if found else (stem, "")
    if number:
        forms.append((f"{stem.removesuffix(number)}{suffix}", number))
    if found and found["edited"]:
        forms.append((f"{base}{suffix}", number))
    for whole, end in forms:
        for length in range(len(_METADATA), -1, -1):
            yield TakeoutName(f"{whole}{_METADATA[:length]}{end}.json")
    for whole, end in forms:
        if len(whole) > _ROOM:
            yield TakeoutName(f"{whole[:_ROOM]}{end}.json", title=base)
    yield TakeoutName(f"{base}{number}.json", title=base)


def takeout_statement(data: bytes, title: str = "") -> Statement:
    """The statement of a JSON; an empty one if it is none of Takeout's.

    Args:
        data: the file.
        title: what the title in it must begin with, but for the signs that Takeout replaces.

    Raises:
        ValueError: no JSON.
        RecursionError: nested out of malice.
    """
    said = json.loads(data) if len(data) <= _LARGEST else None
    if not isinstance(said, dict):
        return Statement()
    if title and not _plain(str(said.get("title", ""))).startswith(_plain(title)):
        return Statement()
    places = (_place(said.get(key)) for key in ("geoData", "geoDataExif"))
    return Statement(taken=_taken(said), place=next(filter(None, places), None))


def _plain(title: str) -> str:
    return re.sub(r"\W", "_", title).casefold()


def _taken(said: dict[str, Any]) -> str | None:
    when = said.get("photoTakenTime")
    stamp = str(when.get("timestamp")) if isinstance(when, dict) else ""
    if not _SECONDS.fullmatch(stamp) or not int(stamp):
        return None
    try:
        moment = _EPOCH + timedelta(seconds=int(stamp))
    except OverflowError:
        return None
    return read_moment(moment.replace(tzinfo=None).isoformat())


def _place(said: Any) -> tuple[float, float] | None:
    """Return a place of ``geoData``, which its owner may have mended, or of ``geoDataExif``."""
    if not isinstance(said, dict):
        return None
    latitude, longitude = said.get("latitude"), said.get("longitude")
    if isinstance(latitude, bool) or isinstance(longitude, bool):
        return None
    return place(read_degrees(latitude, None, LATITUDE), read_degrees(longitude, None, LONGITUDE))

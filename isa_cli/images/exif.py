"""What a picture's EXIF says, as far as it makes sense: turn, moment, camera, place."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_PHOTO: Final = 1826  # Niépce's; what claims to be older has a dead clock
_MOMENT: Final = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)", re.ASCII)


def read_exif(image: Image.Image) -> Image.Exif:
    """Return the EXIF, empty where it cannot be read: that never costs the picture."""
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - garbage in a TIFF directory raises nearly anything
        return Image.Exif()


def _tags(exif: Image.Exif, ifd: IFD) -> dict[int, Any]:
    try:
        return exif.get_ifd(ifd)
    except Exception:  # noqa: BLE001 - as above
        return {}


def _tag(tags: Mapping[int, Any], tag: int) -> Any:
    try:
        return tags.get(tag)  # may decode the value only now
    except Exception:  # noqa: BLE001 - as above
        return None


def find_orientation(exif: Image.Exif) -> int | None:
    """Return the orientation, 1 to 8, of whatever type it is; ``None`` if absent or senseless."""
    value = _tag(exif, Base.Orientation)
    if isinstance(value, (tuple, list)):
        value = next(iter(value), None)
    if isinstance(value, bytes):  # a number of one byte, or a digit
        value = value.strip(b"\0 ")
        value = value.decode("latin-1") if value.isdigit() else int.from_bytes(value)
    if isinstance(value, str) and value.strip("\0 ") in set("12345678"):
        value = int(value.strip("\0 "))
    return int(value) if value in range(1, 9) else None


def describe(exif: Image.Exif) -> dict[str, Any]:
    """Return the fields of ``PhotoInfo`` that this EXIF knows."""
    more, place = _tags(exif, IFD.Exif), _tags(exif, IFD.GPSInfo)
    dates = (
        _tag(more, Base.DateTimeOriginal),
        _tag(more, Base.DateTimeDigitized),
        _tag(exif, Base.DateTime),
    )
    latitude = _degrees(place, GPS.GPSLatitude, GPS.GPSLatitudeRef, {"N": 90, "S": -90})
    longitude = _degrees(place, GPS.GPSLongitude, GPS.GPSLongitudeRef, {"E": 180, "W": -180})
    known = latitude is not None and longitude is not None and (latitude, longitude) != (0, 0)
    fields = {
        "taken_at": next((when for date in dates if (when := _moment(date))), None),
        "camera": _camera(plain_text(_tag(exif, Base.Make)), plain_text(_tag(exif, Base.Model))),
        "latitude": latitude if known else None,  # (0, 0) is what a receiver without a fix writes
        "longitude": longitude if known else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def plain_text(value: Any) -> str:
    """Return a tag's text up to the first NUL; nothing that could move a terminal's cursor."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return "".join(c for c in text.partition("\0")[0] if c.isprintable()).strip()


def _moment(value: Any) -> str | None:
    """Return ``2024:05:01 12:30:00`` as ISO 8601; ``None`` for a day that never was."""
    found = _MOMENT.match(plain_text(value))
    try:
        when = datetime.fromisoformat(found.expand(r"\1-\2-\3T\4:\5:\6")) if found else None
    except ValueError:
        return None
    return when.isoformat() if when and when.year >= _FIRST_PHOTO else None


def _camera(make: str, model: str) -> str | None:
    """Return maker and model; ``NIKON CORPORATION`` and ``NIKON D850`` make ``NIKON D850``."""
    makers_first, models_first = (f"{name} ".split(" ")[0].casefold() for name in (make, model))
    return (model if makers_first == models_first and model else f"{make} {model}".strip()) or None


def _degrees(
    place: Mapping[int, Any], tag: int, ref_tag: int, limits: Mapping[str, int]
) -> float | None:
    """Return signed degrees; ``None`` unless the numbers and the hemisphere make sense."""
    limit = limits.get(plain_text(_tag(place, ref_tag)).upper())
    try:
        parts = [float(part) for part in _tag(place, tag)]
        degrees = math.fsum(part / 60**power for power, part in enumerate(parts[:3]))
    except (TypeError, ValueError, ArithmeticError):
        return None
    if limit is None or not parts or min(parts) < 0 or not degrees <= abs(limit):  # not: NaN
        return None
    return math.copysign(degrees, limit)

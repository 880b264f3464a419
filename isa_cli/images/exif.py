"""What a picture's EXIF says, as far as it makes sense: turn, moment, camera, place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from isa_cli.images.moments import first_moment
from isa_cli.images.plain import plain_text
from isa_cli.images.testimony import Testimony, weigh

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """Return the orientation, 1 to 8; ``None`` where absent or senseless."""
    value = _tag(exif, Base.Orientation)
    return int(value) if value in range(1, 9) else None


def describe(exif: Image.Exif) -> dict[str, Any]:
    """Return the fields of ``PhotoInfo`` that this EXIF knows."""
    return weigh([exif_testimony(exif)])


def exif_testimony(exif: Image.Exif) -> Testimony:
    """Return what this EXIF says; some writers put the exposure's tags into the wrong directory."""
    more, spot = _tags(exif, IFD.Exif), _tags(exif, IFD.GPSInfo)

    def dates(tag: int) -> tuple[str | None, bool]:
        return first_moment(_tag(more, tag), _tag(exif, tag))

    taken, taken_garbled = dates(Base.DateTimeOriginal)
    digitised, digitised_garbled = dates(Base.DateTimeDigitized)
    return Testimony(
        taken=taken,
        digitised=digitised,
        edited=dates(Base.DateTime)[0],
        garbled=taken_garbled or digitised_garbled,
        camera=camera_name(_tag(exif, Base.Make), _tag(exif, Base.Model)),
        place=_place(spot),
    )


def camera_name(make: Any, model: Any) -> str | None:
    """Return maker and model; ``NIKON CORPORATION`` and ``NIKON D850`` make ``NIKON D850``."""
    make, model = plain_text(make), plain_text(model)
    makers_first, models_first = (f"{name} ".split(" ")[0].casefold() for name in (make, model))
    return (model if makers_first == models_first and model else f"{make} {model}".strip()) or None


def _place(spot: Mapping[int, Any]) -> tuple[float, float] | None:
    latitude = _degrees(spot, GPS.GPSLatitude, GPS.GPSLatitudeRef, {"N": 90, "S": -90})
    longitude = _degrees(spot, GPS.GPSLongitude, GPS.GPSLongitudeRef, {"E": 180, "W": -180})
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None  # (0, 0) is what a receiver without a fix writes
    return latitude, longitude


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

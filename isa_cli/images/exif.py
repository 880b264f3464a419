"""What a picture's EXIF says, as far as it makes sense: turn, moment, camera, place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from isa_cli.images.moments import first_moment
from isa_cli.images.places import LATITUDE, LONGITUDE, place, read_degrees
from isa_cli.images.plain import camera_name
from isa_cli.images.statement import Statement

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


def exif_statement(exif: Image.Exif) -> Statement:
    """This EXIF's statement; some writers put the exposure's tags into the wrong directory."""
    more, spot = _tags(exif, IFD.Exif), _tags(exif, IFD.GPSInfo)

    def dates(tag: int) -> tuple[str | None, bool]:
        return first_moment(_tag(more, tag), _tag(exif, tag))

    taken, taken_garbled = dates(Base.DateTimeOriginal)
    digitised, digitised_garbled = dates(Base.DateTimeDigitized)
    return Statement(
        taken=taken,
        digitised=digitised,
        edited=dates(Base.DateTime)[0],
        garbled=taken_garbled or digitised_garbled,
        camera=camera_name(_tag(exif, Base.Make), _tag(exif, Base.Model)),
        place=place(
            read_degrees(_tag(spot, GPS.GPSLatitude), _tag(spot, GPS.GPSLatitudeRef), LATITUDE),
            read_degrees(_tag(spot, GPS.GPSLongitude), _tag(spot, GPS.GPSLongitudeRef), LONGITUDE),
        ),
    )

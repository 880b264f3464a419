"""What each witness says of a photo, and whom to believe: the order in which dates are trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.types import PhotoInfo


@dataclass(frozen=True, slots=True)
class Statement:
    """What EXIF, an XMP packet, IPTC or a text says; ``None`` where it says nothing readable.

    Attributes:
        taken: the moment of the exposure, ISO 8601 to the second, without a zone.
        created: when the file was made, as a PNG's text tells it; of a scan that is not far off.
        digitised: when the picture became numbers.
        edited: when somebody last changed it.
        garbled: one of the dates before ``edited`` is there and can't be read.
        camera: maker and model.
        place: latitude and longitude, signed degrees.
    """

    taken: str | None = None
    created: str | None = None
    digitised: str | None = None
    edited: str | None = None
    garbled: bool = False
    camera: str | None = None
    place: tuple[float, float] | None = None


def weigh(witnesses: Sequence[Statement]) -> dict[str, Any]:
    """Return the fields of ``PhotoInfo`` that are known, each from the first that knows it.

    Any witness's moment of exposure goes before anyone's ``created``, that before ``digitised``,
    and ``edited`` comes last.  The day of editing never stands in for a date that is there but
    can't be read: a photo without a date is honest, one filed under the day of its export is not.

    Args:
        witnesses: best first.
    """
    garbled = any(witness.garbled for witness in witnesses)
    dates = {
        "exposure": next((w.taken for w in witnesses if w.taken), None),
        "creation": next((w.created for w in witnesses if w.created), None),
        "editing": next((w.digitised for w in witnesses if w.digitised), None)
        or (None if garbled else next((w.edited for w in witnesses if w.edited), None)),
    }
    dated_by = next((name for name, date in dates.items() if date), None)
    latitude, longitude = next((w.place for w in witnesses if w.place), (None, None))
    fields = {
        "taken_at": dates[dated_by] if dated_by else None,
        "dated_by": dated_by,
        "camera": next((w.camera for w in witnesses if w.camera), None),
        "latitude": latitude,
        "longitude": longitude,
    }
    return {name: value for name, value in fields.items() if value is not None}


def overruled(info: PhotoInfo, fields: dict[str, Any]) -> PhotoInfo:
    """Return a description with fields of a better witness, who may know a worse date, though."""
    if info.dated_by == "exposure" and fields.get("dated_by") != "exposure":
        fields = {k: v for k, v in fields.items() if k not in {"taken_at", "dated_by"}}
    return replace(info, **fields)

"""Which way is up: EXIF's word first, then the container's own, then XMP's; and never twice.

HEIF and AVIF can turn a picture themselves (``irot``, ``imir``); their format wants EXIF to agree,
and where they do so, that is what counts.  libheif turns while it decodes, Pillow's AVIF plugin
writes the turn into the EXIF that it hands out.  Where they do not, both plugins drop what EXIF
says, and pillow_heif what XMP says, too: it is asked for here (ours, as in all other formats).
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from PIL import Image
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import TiffImageFile

from isa_cli.images.boxes import turns_itself
from isa_cli.images.exif import find_orientation, read_exif

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_XMP: Final = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])(?!\d)""")


class Turn(NamedTuple):
    """An orientation, 1 to 8, as EXIF counts them: as it was said, and as it is still to be done.

    Whoever decodes may have turned the picture already.
    """

    said: int
    to_do: int


def which_way(image: Image.Image, kind: str, data: bytes, unsaid: int = 1) -> Turn:
    """Return how to turn a picture that has been opened, but not loaded.

    Args:
        image: as its plugin opened it.
        kind: the sniffed format.
        data: the file.
        unsaid: what counts where the file says nothing.
    """
    if kind == "HEIF" and turns_itself(data):
        return Turn(1, 1)
    exif = read_exif(image)
    notes: Mapping[Any, Any] = image.info
    if kind in {"HEIF", "AVIF"} and not turns_itself(data):
        exif, notes = _as_written(image, kind, data)
    said = find_orientation(exif) or _xmp_orientation(notes) or unsaid
    if isinstance(image, TiffImageFile) and exif.get(Base.Orientation) in range(2, 9):
        return Turn(said, 1)  # Pillow does it while loading, if it understands the number
    return Turn(said, said)


def _as_written(image: Image.Image, kind: str, data: bytes) -> tuple[Image.Exif, Mapping[Any, Any]]:
    """Return EXIF and notes of a file that does not turn itself, as it holds them."""
    exif = Image.Exif()
    try:
        if kind == "HEIF":
            from pillow_heif import open_heif  # noqa: PLC0415 - not everyone has such photos

            notes = open_heif(BytesIO(data)).info
        else:
            held = image._decoder.get_info()[4]  # type: ignore[attr-defined]  # noqa: SLF001 - nobody else knows
            notes = {**image.info, "exif": held}
        exif.load(notes.get("exif") or b"")
    except Exception:  # noqa: BLE001 - EXIF that is garbage says nothing
        return Image.Exif(), image.info
    return exif, notes


def _xmp_orientation(notes: Mapping[Any, Any]) -> int | None:
    text = notes.get("xmp") or notes.get("XML:com.adobe.xmp") or b""
    found = _IN_XMP.search(text.encode() if isinstance(text, str) else text)
    return int(found[1]) if found else None

"""All that a file says about itself: EXIF first, then XMP, IPTC and PNG's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from isa_cli.images.exif import exif_statement
from isa_cli.images.iptc import iptc_statement
from isa_cli.images.moments import first_moment
from isa_cli.images.packets import find_packets
from isa_cli.images.statement import Statement, weigh
from isa_cli.images.xmp import xmp_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def describe(
    exif: Image.Exif, kind: str, data: bytes, info: Mapping[Any, Any] | None = None
) -> dict[str, Any]:
    """Return the fields of ``PhotoInfo`` that a file knows; whatever is damaged says nothing.

    Args:
        exif: its EXIF, or the first directory of a TIFF or RAW.
        kind: the sniffed format.
        data: the whole file.
        info: what Pillow's plugin found besides.
    """
    first = _heard(exif_statement, exif)
    if first.taken and first.camera and first.place:
        return weigh([first])  # nobody could add to it
    packets = find_packets(kind, data, info or {})
    return weigh(
        [
            first,
            *_all_heard(_profile_statement, packets.exif),
            *_all_heard(xmp_statement, packets.xmp),
            *_all_heard(iptc_statement, packets.iptc),
            *_all_heard(_created_statement, packets.created),
        ]
    )


def _all_heard(hear: Callable[[Any], Statement], witnesses: Sequence[Any]) -> list[Statement]:
    return [_heard(hear, witness) for witness in witnesses]


def _heard(hear: Callable[[Any], Statement], witness: Any) -> Statement:
    try:
        return hear(witness)
    except Exception:  # noqa: BLE001 - as with EXIF itself: metadata never costs the picture
        return Statement()


def _profile_statement(data: bytes) -> Statement:
    exif = Image.Exif()
    exif.load(data)
    return exif_statement(exif)


def _created_statement(text: str) -> Statement:
    created, garbled = first_moment(text)
    return Statement(created=created, garbled=garbled)

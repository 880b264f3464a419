"""What an XMP packet says, in a photo or in a file beside it: a little RDF, read in one pass.

A packet is hostile until read: ``defusedxml`` refuses every DTD, and with it entities of any kind;
no more than ``PACKET_BYTES`` and ``_ELEMENTS`` are looked at.  What was said before a packet breaks
off or turns out damaged counts.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from isa_cli.images.moments import first_moment
from isa_cli.images.packets import PACKET_BYTES
from isa_cli.images.places import LATITUDE, LONGITUDE, place, read_degrees
from isa_cli.images.plain import camera_name
from isa_cli.images.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

_ELEMENTS: Final = 10_000  # a retoucher's long history has a few thousand, and comes late
_LONGEST: Final = 256  # characters of a value
_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_EXIF: Final = "{http://ns.adobe.com/exif/1.0/}"
_TIFF: Final = "{http://ns.adobe.com/tiff/1.0/}"

_ORIGINALS: Final = (  # best first
    f"{_EXIF}DateTimeOriginal",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
    "{http://ns.adobe.com/xap/1.0/}CreateDate",
)
_DIGITISED: Final = f"{_EXIF}DateTimeDigitized"
_PLACE: Final = tuple(
    f"{_EXIF}GPS{name}" for name in ("Latitude", "LatitudeRef", "Longitude", "LongitudeRef")
)
_CAMERA: Final = (f"{_TIFF}Make", f"{_TIFF}Model")
_WANTED: Final = frozenset((*_ORIGINALS, _DIGITISED, *_PLACE, *_CAMERA))
_WORDS: Final = tuple(sorted({name.partition("}")[2] for name in _WANTED}))


def xmp_statement(packet: bytes) -> Statement:
    """A packet's statement on the photo itself, not on the pictures it was made from."""
    found = _properties(_text(packet[:PACKET_BYTES]))
    taken, garbled = first_moment(*(found.get(name) for name in _ORIGINALS))
    digitised, also = first_moment(found.get(_DIGITISED))
    latitude, south, longitude, west = (found.get(name) for name in _PLACE)
    return Statement(
        taken=taken,
        digitised=digitised,
        garbled=garbled or also,
        camera=camera_name(*(found.get(name) for name in _CAMERA)),
        place=place(
            read_degrees(latitude, south, LATITUDE), read_degrees(longitude, west, LONGITUDE)
        ),
    )


def _text(packet: bytes) -> str:
    """Return a packet from its first ``<`` on; UTF-16 and UTF-32 show by the zeros around it."""
    start = packet.find(b"<")
    after = packet[start + 1 : start + 4]
    width = 4 if after == b"\0\0\0" else 2 if after.startswith(b"\0") else 1
    order = "be" if start % width else "le"
    encoding = "utf-8" if width == 1 else f"utf-{8 * width}-{order}"
    return packet[start - start % width :].decode(encoding, "replace") if start >= 0 else ""


def _properties(text: str) -> Mapping[str, str]:
    """Return the wanted properties of the RDF in a text, by their qualified names."""
    reader = _Reader()
    if not any(word in text for word in _WORDS):
        return reader.found
    # defusedxml takes this module out of sys.modules for a moment, while it is imported itself.
    # Where another thread were half through importing it, that import would fail.
    import_module("xml.etree.ElementTree")
    from defusedxml.ElementTree import DefusedXMLParser  # noqa: PLC0415 - most photos have no XMP

    with suppress(Exception):  # damaged, cut off, hostile, or enough: what was read counts
        parser = DefusedXMLParser(target=reader, forbid_dtd=True)
        parser.feed(text)
        parser.close()
    return reader.found


class _EnoughError(Exception):
    """Ends the reading of a packet."""


class _Reader:
    """Collects the properties that are wanted, as a parser's target; defusedxml calls it.

    A property is an attribute of a node or an element in it, and a node lies directly in the RDF.
    Deeper down other pictures are described: the ingredients of a collage, what a copy was made
    from.  Of a list the first entry counts.

    Attributes:
        found: the first text of each property.
    """

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._elements = 0
        self._depth = 0
        self._rdf = 0  # how deep the RDF lies
        self._property = ""  # whose text is being read
        self._text = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Go one element deeper."""
        self._elements += 1
        if self._elements > _ELEMENTS:
            raise _EnoughError
        self._depth += 1
        if tag == f"{_RDF}RDF" and not self._rdf:
            self._rdf = self._depth
        below = self._depth - self._rdf if self._rdf else 0
        if below == 1:
            for name, value in attributes.items():
                self._keep(name, value)
        elif below == 2:  # noqa: PLR2004
            self._property, self._text = tag, ""
        if below > 1:
            self._keep(self._property, attributes.get(f"{_RDF}value", ""))

    def data(self, text: str) -> None:
        """Take a piece of text."""
        if self._property in _WANTED and len(self._text) < _LONGEST:
            self._text += text

    def end(self, tag: str) -> None:
        """Come up again; at the end of the RDF that is all."""
        self._keep(self._property, self._text)
        self._text = ""
        if self._depth == self._rdf and tag == f"{_RDF}RDF":
            raise _EnoughError
        self._depth -= 1
        if self._rdf and self._depth == self._rdf + 1:
            self._property = ""

    def _keep(self, name: str, value: str) -> None:
        if name in _WANTED and value.strip():
            self.found.setdefault(name, value[:_LONGEST].strip())

"""A TIFF's directories: which page is the picture, and one with damaged notes made whole."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from PIL.ExifTags import IFD, Base

from isa_cli.images.reasons import truncated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BIG_SIZES: Final = _SIZES | {16: 8, 17: 8, 18: 8}
_WHOLE: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # types of whole numbers

_PLACES: Final = frozenset({Base.StripOffsets, Base.TileOffsets})

_MOST_PAGES: Final = 1000
_REDUCED, _MASK = 1, 4  # in NewSubfileType
_OLD_REDUCED: Final = 2  # in SubfileType

_NEEDED: Final = frozenset(
    {256, 257, 258, 259, 262, 273, 277, 279, 320, 322, 323, 324, 325, 347}  # as far as it has them
)
_PIXELS: Final = _NEEDED | {
    *(254, 255, 266, 278, 284, 292, 293, 301, 317, 332, 334, 336, 338, 339),
    *(512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 34908),
}
_NOTES: Final = frozenset(
    {Base.Make, Base.Model, Base.Orientation, Base.DateTime, Base.XMLPacket, IFD.Exif, IFD.GPSInfo}
)
"""What ``exif`` reads; a tag that is neither among these nor among the pixels' may be damaged."""


class Entry(NamedTuple):
    """One tag: the type of its values, how many, where they stand, and whether they are there."""

    kind: int
    number: int
    start: int
    end: int
    whole: bool


class Directory(NamedTuple):
    """One page's tags, and where they stand."""

    at: int
    entries: Mapping[int, Entry]


class Tiff:
    """A file's directories, read as they are asked for.

    Args:
        data: a whole file.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self._big = data[2:4] in {b"+\0", b"\0+"}
        # how a number of entries and an offset are written
        self._count, self._offset = ("Q", "Q") if self._big else ("H", "I")

    def pages(self) -> Iterator[Directory]:
        """Yield the pages in their order, each before the ones below it; a circle ends them."""
        seen: set[int] = set()
        at = self._one(8 if self._big else 4, self._offset)
        while at and at not in seen and len(seen) < _MOST_PAGES:
            seen.add(at)
            page, behind = self._directory(at)
            yield page
            for below in self.numbers(page, Base.SubIFDs)[:_MOST_PAGES]:
                if below not in seen and len(seen) < _MOST_PAGES:
                    seen.add(below)
                    yield self._directory(below)[0]
            at = self._one(behind, self._offset)

    def numbers(self, page: Directory, tag: int) -> tuple[int, ...]:
        """Return a tag's whole numbers; none where it is missing, damaged or something else."""
        entry = page.entries.get(tag)
        if entry is None or not entry.whole or entry.kind not in _WHOLE:
            return ()
        code = f"{self._order}{entry.number}{_WHOLE[entry.kind]}"
        return struct.unpack(code, self._data[entry.start : entry.end])

    def is_picture(self, page: Directory) -> bool:
        """Return whether a page has pixels, and is no reduced copy or mask of another one."""
        kind = self.first(page, Base.NewSubfileType)
        old = self.first(page, Base.SubfileType)
        return (
            bool(page.entries.keys() & _PLACES)
            and not kind & (_REDUCED | _MASK)
            and old != _OLD_REDUCED
        )

    def first(self, page: Directory, tag: int, otherwise: int = 0) -> int:
        """Return a tag's first whole number."""
        return (*self.numbers(page, tag), otherwise)[0]

    def has_pixels(self, page: Directory) -> bool:
        """Return whether all of a page's strips or tiles are told of, and inside the file."""
        offsets = self.numbers(page, Base.StripOffsets) or self.numbers(page, Base.TileOffsets)
        sizes = Base.StripByteCounts, Base.TileByteCounts
        counts = self.numbers(page, sizes[0]) or self.numbers(page, sizes[1])
        number, most = self._pieces(page)
        if len(offsets) < max(1, number) or len(counts) not in {0, len(offsets)}:
            return False
        counts = counts or (most,) * len(offsets)
        return all(
            at + min(count, most) <= len(self._data)
            for at, count in zip(offsets, counts, strict=True)
        )

    def _pieces(self, page: Directory) -> tuple[int, int]:
        """Return how many strips or tiles make the page, and how many bytes one has at most.

        What is packed may have any size.
        """
        width, height = self.first(page, Base.ImageWidth), self.first(page, Base.ImageLength)
        across, down = width, min(height, self.first(page, Base.RowsPerStrip, height))
        if Base.TileOffsets in page.entries:
            across, down = self.first(page, Base.TileWidth), self.first(page, Base.TileLength)
        in_planes = self.first(page, Base.PlanarConfiguration) == 2  # noqa: PLR2004
        planes = self.first(page, Base.SamplesPerPixel, 1) if in_planes else 1
        number = planes * -(-width // max(1, across)) * -(-height // max(1, down))
        bits = sum(self.numbers(page, Base.BitsPerSample)) or 1
        packed = self.first(page, Base.Compression, 1) != 1
        return number, len(self._data) + 1 if packed else down * -(-across * bits // 8)

    def with_page_first(self, page: Directory) -> bytes:
        """Return the file with this page as its first one."""
        return self._starting_at(page.at, self._data)

    def rewritten(self, page: Directory, notes: Directory) -> bytes | None:
        """Return the file with a page as its only one, without what is damaged or of no use here.

        Args:
            page: of this file.
            notes: another one, whose notes count where this one has none.

        Returns:
            ``None`` if pixels, or something that they need, are missing.
        """
        kept = {
            tag: entry
            for tag, entry in sorted({**notes.entries, **page.entries}.items())
            if entry.whole and (tag in _NOTES or (tag in _PIXELS and tag in page.entries))
        }
        size = sum(entry.end - entry.start for entry in kept.values())
        if _NEEDED & page.entries.keys() - kept.keys() or size > len(self._data):
            return None
        if not self.has_pixels(page):  # what is missing would be read from the directory
            return None
        start = len(self._data) + len(self._data) % 2
        return self._starting_at(start, self._data.ljust(start, b"\0") + self._packed(kept, start))

    def _starting_at(self, at: int, data: bytes) -> bytes:
        field = 8 if self._big else 4
        first = struct.pack(f"{self._order}{self._offset}", at)
        return data[:field] + first + data[field + len(first) :]

    def _packed(self, entries: Mapping[int, Entry], start: int) -> bytes:
        """Return a directory that stands at ``start``, with the values that don't fit behind it."""
        room = struct.calcsize(self._offset)
        head = struct.pack(f"{self._order}{self._count}", len(entries))
        row = struct.calcsize(f"{self._order}HH2{self._offset}")
        behind, rows = b"", b""
        values_at = start + len(head) + row * len(entries) + room
        for tag, entry in entries.items():
            field = self._data[entry.start : entry.end]
            if len(field) > room:
                behind += bytes(len(behind) % 2)
                at = values_at + len(behind)
                behind += field
                field = struct.pack(f"{self._order}{self._offset}", at)
            rows += struct.pack(
                f"{self._order}HH{self._offset}", tag, entry.kind, entry.number
            ) + field.ljust(room, b"\0")
        return head + rows + bytes(room) + behind

    def _directory(self, at: int) -> tuple[Directory, int]:
        """Return the directory there, and where the offset of the next one stands."""
        count = min(self._one(at, self._count), 1 << 12)
        at_row = at + struct.calcsize(self._count)
        row = struct.calcsize(f"{self._order}HH2{self._offset}")
        entries: dict[int, Entry] = {}
        for start in range(at_row, min(at_row + count * row, len(self._data) - row + 1), row):
            tag, kind = struct.unpack_from(f"{self._order}HH", self._data, start)
            entries.setdefault(tag, self._entry(kind, start + 4))
        return Directory(at, entries), at_row + count * row

    def _entry(self, kind: int, at: int) -> Entry:
        count = self._one(at, self._offset)
        room = struct.calcsize(self._offset)
        size = count * (_BIG_SIZES if self._big else _SIZES).get(kind, 0)
        start = at + room if size <= room else self._one(at + room, self._offset)
        return Entry(kind, count, start, start + size, 0 < size <= len(self._data) - start)

    def _one(self, at: int, code: str) -> int:
        """Return one number, 0 where the file has ended."""
        if not 0 <= at <= len(self._data) - struct.calcsize(code):
            return 0
        number: int = struct.unpack_from(self._order + code, self._data, at)[0]
        return number


def picture(data: bytes) -> bytes:
    """Return a TIFF whose first page is its picture: the first that is no smaller copy of another.

    Where that is not the first of all, the first one's notes count for it.  A tag whose values lead
    out of the file is left out, because Pillow stops reading there.
    """
    tiff = Tiff(data)
    first = next(tiff.pages(), None)
    page = next(filter(tiff.is_picture, tiff.pages()), first)
    if first is None or page is None:
        return data
    if page == first and all(one.whole or not one.number for one in page.entries.values()):
        return data
    return tiff.rewritten(page, first) or tiff.with_page_first(page)


def mended(data: bytes) -> bytes | None:
    """Return a TIFF of one page with only the tags that are of use; ``None``: it has no pixels.

    Raises:
        ImageError: pixels, or something that they need, are missing.
    """
    tiff = Tiff(data)
    page = next(tiff.pages(), None)
    if page is None or not page.entries.keys() & _PLACES:
        return None
    whole = tiff.rewritten(page, page)
    if whole is None:
        raise truncated(data)
    return whole

"""What IPTC's records say of a photo (IIM 4): two dates, each with its time apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isa_cli.images.moments import first_moment, read_moment
from isa_cli.images.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

_IPTC: Final = 0x0404  # the number of the resource that Photoshop keeps it in
_SIGNATURES: Final = {b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR"}
_STEPS: Final = 1 << 12
_CREATED, _DIGITISED = (55, 60), (62, 63)  # data sets of record 2: day, time


def iptc_statement(block: bytes) -> Statement:
    """The records' statement, bare or in Photoshop's resource blocks; they know no place."""
    bare = block if block[:1] == b"\x1c" else b"".join(_resources(block))
    said: dict[int, bytes] = {}
    for record, number, value in _data_sets(bare):
        if record == 2:  # noqa: PLR2004 - the application record
            said.setdefault(number, value)
    taken, garbled = _moment(said, *_CREATED)
    digitised, also = _moment(said, *_DIGITISED)
    return Statement(taken=taken, digitised=digitised, garbled=garbled or also)


def _moment(said: dict[int, bytes], day: int, time: int) -> tuple[str | None, bool]:
    """Return the moment of two data sets, the day's start where the time can't be read."""
    start, garbled = first_moment(said.get(day))
    whole = read_moment(said.get(day, b"") + b" " + said.get(time, b"")) if start else None
    return whole or start, garbled


def _resources(block: bytes) -> Iterator[bytes]:
    """Yield the content of each of Photoshop's resources that holds IPTC."""
    at = max(block.find(b"8BIM"), 0)
    for _ in range(_STEPS):
        if block[at : at + 4] not in _SIGNATURES or at + 12 > len(block):
            return
        number = int.from_bytes(block[at + 4 : at + 6])
        start = at + 7 + block[at + 6]  # after the name, which is even with its length
        start += (start - at) % 2
        size = int.from_bytes(block[start : start + 4])
        if number == _IPTC:
            yield block[start + 4 : start + 4 + size]
        at = start + 4 + size + size % 2


def _data_sets(records: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (record, number, value)."""
    at = 0
    for _ in range(_STEPS):
        if records[at : at + 1] != b"\x1c" or at + 5 > len(records):
            return
        size, start = int.from_bytes(records[at + 3 : at + 5]), at + 5
        if size & 0x8000:  # the size of the size
            start += size & 0x7FFF
            size = int.from_bytes(records[at + 5 : min(start, at + 9)])
        yield records[at + 1], records[at + 2], records[start : start + size]
        at = start + size

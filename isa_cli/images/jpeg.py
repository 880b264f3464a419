"""A JPEG's bytes: whether its headers lead to pixels, and its mending where the end is missing."""

from __future__ import annotations

import re
from hashlib import blake2b
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from PIL.JpegImagePlugin import JpegImageFile

from isa_cli.errors import ImageError
from isa_cli.images.reasons import truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_JUNK: Final = 1 << 16
"""Bytes between a JPEG's segments that are passed over; decoders pass over any number, slowly."""

_MOST_SEGMENTS: Final = 1 << 14
"""Segments before the pixels: a gigabyte of long ones."""

_MOST_SCANS: Final = 200
"""Scans of a progressive JPEG; encoders write about ten, and each takes as long as a picture."""

_SOF: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_LOSSLESS: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
SOS, _EOI, _DNL = 0xDA, 0xD9, 0xDC
_JFIF, _EXIF, _ADOBE = 0xE0, 0xE1, 0xEE
_NOTES: Final = frozenset(range(0xE0, 0xFF))
_LEAST: Final = {_JFIF: (b"JFIF\0", 14), _ADOBE: (b"Adobe", 12)}  # shorter, libjpeg ignores them
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ALONE: Final = frozenset(range(0xD0, 0xD9))  # markers without a length
_TABLES: Final = frozenset({*_SOF, 0xC4, 0xCC, 0xDB, 0xDD, _DNL, SOS})
_MARKER: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # in a scan; RST0 to 7 belong to it
_RESTART: Final = re.compile(rb"\xff([\xd0-\xd7])")


class Segment(NamedTuple):
    """One marker and what belongs to it: ``data[start:end]``, the marker included."""

    marker: int
    start: int
    end: int


def segments(data: bytes, junk: int = _JUNK) -> Iterator[Segment]:
    """Yield a JPEG's segments up to its first scan header, or as far as there are any.

    Args:
        data: what begins like a JPEG.
        junk: bytes between the segments that are passed over.
    """
    at, junk = 2, junk + 1
    for _ in range(_MOST_SEGMENTS):
        found = data.find(b"\xff", at, at + junk)
        if found < 0:
            return
        junk -= found - at
        at = found + 1
        while data[at : at + 1] == b"\xff" and junk > 1:  # any number of them may fill up
            at, junk = at + 1, junk - 1
        marker = data[at] if at < len(data) else _EOI
        at += 1
        if marker == _EOI:
            return
        if marker < min(_SOF) or marker in _ALONE:  # the former mean nothing
            junk -= 2
            continue
        segment = Segment(marker, at - 2, at + int.from_bytes(data[at : at + 2]))
        yield segment
        if marker == SOS:
            return
        at = max(segment.end, at + 2)


def declared_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) out of the headers only: a start without a picture costs nothing.

    Raises:
        ImageError: they lead to no scan, or to more scans than any encoder writes.
    """
    seen = {segment.marker: segment for segment in segments(data)}
    frame = next((seen[marker] for marker in sorted(_SOF & seen.keys())), None)
    if frame is None or SOS not in seen or seen[SOS].end > len(data):
        if seen and max(segment.end for segment in seen.values()) > len(data):
            raise truncated(data)
        raise ImageError("JPEG data that can't be decoded: its headers lead to no picture")
    if frame.marker in _PROGRESSIVE and data.count(b"\xff\xda") > _MOST_SCANS:
        raise ImageError(f"JPEG data that can't be decoded: more than {_MOST_SCANS} scans")
    sides = data[frame.start + 5 : frame.start + 9]
    return int.from_bytes(sides[2:]), int.from_bytes(sides[:2])


def has_end(data: bytes) -> bool:
    """Return whether an end marker follows the headers; libjpeg may do without, and make it up."""
    headers = max((segment.end for segment in segments(data)), default=0)
    return data.rfind(b"\xff\xd9", headers) >= 0


def mended(data: bytes) -> bytes | None:
    """Return a JPEG that lacks its end marker, or whose notes are damaged, as it ought to be.

    What stays are tables, frame, scans, and those notes that a decoder or ``exif`` reads.  It is
    decoded in full, up to four times: check its size before.

    Returns:
        ``None`` where pixels are missing.
    """
    head = b"".join(
        data[segment.start : segment.end] for segment in segments(data) if _counts(data, segment)
    )
    scans = _scans(data)
    if scans is None:
        return None
    whole = b"\xff\xd8" + head + scans
    return whole + b"\xff\xd9" if _is_whole(whole) else None


def _counts(data: bytes, segment: Segment) -> bool:
    """Return whether a header segment matters; a JFIF or Adobe one only if libjpeg reads it."""
    if segment.marker in _LEAST:
        name, least = _LEAST[segment.marker]
        body = data[segment.start + 4 : segment.end]
        return body.startswith(name) and len(body) >= least
    return segment.marker in _TABLES or segment.marker == _EXIF


def _scans(data: bytes) -> bytes | None:
    """Return everything behind the first scan header that is this picture's, without its end.

    Returns:
        ``None`` if scans are missing: of some component not every coefficient has all its bits.
    """
    frame = scan = None
    for segment in segments(data):
        if segment.marker in _SOF:
            frame = segment
        scan = segment
    if frame is None or scan is None or scan.marker != SOS:
        return None
    missing = _Coverage(data, frame)
    missing.add(scan)
    at = begin = scan.end
    while found := _MARKER.search(data, at):
        marker, at = found[1][0], found.start()
        end = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
        if marker not in _TABLES | _NOTES or end > len(data):
            break
        if marker == SOS:
            missing.add(Segment(marker, found.end() - 2, end))
        at = end
    else:
        at = len(data)
    return None if missing else _without_padding(data[begin:at])


def _without_padding(scans: bytes) -> bytes:
    """Drop zeros and half a marker at the end.

    A download that was given its room beforehand ends in zeros, and they decode to something;
    one or two may be the picture's, and the one behind 255 is.
    """
    kept = scans.rstrip(b"\0")
    zeros = len(scans) - len(kept)
    if not zeros:
        return kept.rstrip(b"\xff")
    return scans[: len(kept) + (zeros if zeros <= 2 else kept.endswith(b"\xff"))]  # noqa: PLR2004


class _Coverage:
    """Which coefficients of which component are still to come; true while there are any."""

    def __init__(self, data: bytes, frame: Segment) -> None:
        self._data = data
        body = data[frame.start + 4 : frame.end]
        self._lossless = frame.marker in _LOSSLESS
        self._left = {body[at]: set(range(64)) for at in range(6, len(body) - 2, 3)}

    def __bool__(self) -> bool:
        return any(self._left.values())

    def add(self, scan: Segment) -> None:
        body = self._data[scan.start + 4 : scan.end]
        if not body or len(body) < 4 + 2 * body[0]:
            return
        first, last, bits = body[1 + 2 * body[0] :][:3]
        done = range(64) if self._lossless else range(first, last + 1)
        for number in range(body[0]):
            if self._lossless or not bits & 15:  # no lower bits to follow
                self._left.get(body[1 + 2 * number], set()).difference_update(done)


def _is_whole(open_end: bytes) -> bool:
    """Return whether all pixels are there, whatever follows.

    libjpeg fills up what is missing and tells nobody but through warnings that Pillow does not
    pass on.  But what it makes of missing pixels depends on the bytes that come next, and of
    pixels that are all there it does not.
    """
    restarts = _RESTART.findall(open_end[open_end.rfind(b"\xff\xda") :])
    due = restarts[-1][0] + 1 if restarts else 0
    wanted = _pixels(open_end)
    return all(_pixels(open_end + _anything(seed, due)) == wanted for seed in range(3))


def _anything(seed: int, due: int) -> bytes:
    """Return bytes that decode to something in any scan, also behind the restart that is due."""
    random = Random(seed)  # noqa: S311 - nobody has to guess it
    result = b""
    for number in range(due, due + 8):
        result += bytes(random.randrange(255) for _ in range(64))
        result += bytes((0xFF, 0xD0 + number % 8))
    return result


def _pixels(open_end: bytes) -> bytes:
    """Return a digest of what a JPEG without its end decodes to."""
    image: Image.Image = JpegImageFile(BytesIO(open_end + b"\xff\xd9"), "")
    image.load()
    digest = blake2b()
    for top in range(0, image.height, 256):  # never a second copy of a large picture
        digest.update(image.crop((0, top, image.width, min(top + 256, image.height))).tobytes())
    return digest.digest()

"""Companions: files of one folder whose names say that they are the same shot.

The rule (ours) looks at names alone, so that it can be foretold; letters' case means nothing:

- Names that differ only in their suffix, if one of them is a camera's own format or one that
  phones and cameras write beside a JPEG: RAW, DNG, HEIC, TIFF.  ``IMG_1.CR3`` and ``IMG_1.JPG``
  are companions; ``IMG_1.JPG`` and ``IMG_1.PNG`` are not, which may be any two pictures.
- A name and the same with an editor's mark: ``IMG_E1`` for ``IMG_1`` (iPhones), ``IMG_1-edited``,
  ``IMG_1 (edited)``, ``IMG_1_edited``, ``-bearbeitet`` and its like in other languages (Google),
  ``-Edit`` and ``-Enhanced-NR`` (Lightroom), ``~2`` (Android), ``IMG_1.CR3.jpg`` (developers).
- What Pixels write of one shot: ``PXL_1.RAW-01.COVER.jpg`` and ``PXL_1.RAW-02.ORIGINAL.dng``.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from isa_cli.images import looks_like_photo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.types import Photo

_FINISHED = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp"),
        *(".avif", ".avifs", ".jxl"),
    }
)
"""Of pictures that need no original beside them."""

_DEVELOPED = _FINISHED | frozenset([".tif", ".tiff", ".heic", ".heif", ".heics", ".heifs", ".hif"])

_MARKS = (
    "edit(?:ed)?|enhanced(?:-(?:nr|sr|rd))*|retouched"
    "|bearbeitet|modifi[eé]e?|retouch[eé]e?|editad[oa]|modificat[oa]|bewerkt|redigera[dt]"
    "|redigeret|redigert|muokattu|edytowan[eay]|upraven[oáéý]|szerkesztett|editat|düzenlendi"
    "|отредактировано|изменено|відредаговано|編集済み|编辑|已编辑|已修改|已編輯|수정됨|편집됨"
)
_EDITED = re.compile(
    rf"(?P<shot>.+?)(?:[-_ ]+(?:{_MARKS})|[-_ ]*\((?:{_MARKS})\)|~\d{{1,2}})"
    r"(?:[-_ ]\d{1,2})?(?P<copy> ?\(\d+\))?"
)
_IPHONE = re.compile(r"(?P<shot>img_)e(?P<copy>\d.*)")
_PIXEL = re.compile(
    r"(?P<shot>.+?)(?P<copy>)(?:\.[a-z]+-\d\d(?:\.mp)?(?:\.(?:cover|original))?|\.mp)"
)


class Shot(NamedTuple):
    """What a file's name says.

    Attributes:
        place: the folder, and the name without suffix and marks.
        joins: it is an original or an edit, so that others of its place are companions.
        developed: a finished picture rather than a sensor's data.
    """

    place: tuple[bytes, str]
    joins: bool
    developed: bool


def shot_of(path: bytes) -> Shot:
    """The shot that a file is of, by its name.

    Examples:
        >>> shot_of(b"/p/IMG_E7.JPG").place, shot_of(b"/p/img_7.heic").place
        ((b'/p', 'img_7'), (b'/p', 'img_7'))
    """
    folder, name = os.path.split(path)
    stem, suffix = _parts(os.fsdecode(name))
    joins = suffix not in _FINISHED and looks_like_photo(name)
    while (shorter := _unmarked(stem)) != stem:
        stem, joins = shorter, True
    developed = suffix in _DEVELOPED or not looks_like_photo(name)
    return Shot((folder, stem), joins, developed)


def leaders(paths: Sequence[Sequence[bytes]]) -> list[int]:
    """For each photo the position of the first one that is its companion, or its own.

    Args:
        paths: of the files of each.

    Examples:
        >>> leaders([[b"/p/1.jpg"], [b"/p/2.jpg"], [b"/p/1.cr3"], [b"/q/1.cr3"]])
        [0, 1, 0, 3]
    """
    shots = [[shot_of(path) for path in each] for each in paths]
    joined = {shot.place for each in shots for shot in each if shot.joins}
    leader = list(range(len(shots)))
    first: dict[tuple[bytes, str], int] = {}

    def top(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for number, each in enumerate(shots):
        for place in {shot.place for shot in each} & joined:
            one, other = sorted((top(number), top(first.setdefault(place, number))))
            leader[other] = one
    return [top(number) for number in range(len(shots))]


def is_developed(photo: Photo) -> bool:
    """Whether one of a photo's files is a finished picture by its name."""
    return any(shot_of(path).developed for path in photo.paths)


def companions_of(photo: Photo, catalog: Catalog) -> tuple[Photo, ...]:
    """The other photos of the same shot, whatever a search's filters say, by path.

    Of a photo's paths the one beside this photo comes first.
    """
    found: dict[int, Photo] = {}
    for place in dict.fromkeys(shot_of(path).place for path in photo.paths):
        folder, name = place
        beside = [
            os.path.join(folder, other)  # noqa: PTH118 - bytes
            for other in catalog.photos.names_with(folder, _telling(name))
        ]
        shots = [(path, shot) for path in beside if (shot := shot_of(path)).place == place]
        if not any(shot.joins for _, shot in shots):
            continue
        for path, _ in shots:
            other = catalog.photos.at(path)
            if other is not None and other.key != photo.key:
                rest = (copy for copy in other.paths if copy != path)
                found.setdefault(other.key, replace(other, paths=(path, *rest)))
    return tuple(sorted(found.values(), key=lambda other: other.paths))


def _parts(name: str) -> tuple[str, str]:
    """A name as (stem, suffix) that can be compared: composed, lower case."""
    stem, suffix = os.path.splitext(unicodedata.normalize("NFC", name).lower())  # noqa: PTH122
    return stem, suffix


def _unmarked(stem: str) -> str:
    """A stem without its last mark."""
    if looks_like_photo(os.fsencode(stem)):
        return os.path.splitext(stem)[0]  # noqa: PTH122
    for mark in (_EDITED, _IPHONE, _PIXEL):
        if match := mark.fullmatch(stem):
            return match["shot"] + (match["copy"] or "")
    return stem


def _telling(name: str) -> str:
    """A part that all names of a shot have in common, the longest: digits, if there are any."""
    runs = re.findall(r"[0-9]+", name) or re.findall(r"[a-z]+", name)
    return max(runs, key=len, default="")

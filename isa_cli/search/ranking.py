"""From a query vector to ranked photos: hidden ones left out, shots and near-duplicates folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from isa_cli.search.companions import companions_of, is_developed, leaders
from isa_cli.types import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from isa_cli.gallery.gallery import Gallery
    from isa_cli.query.composers import Calibration
    from isa_cli.search.request import Request
    from isa_cli.types import Photo

    Vector = NDArray[np.float32]  # (D,)

GROUP_AT = 0.95
"""Cosine from which two photos count as the same shot for ``--group`` (ours)."""

ROUNDING = 1e-6
"""More than the cosine of a picture with itself may differ from 1: rows are unit in float32."""

WIDEN = 4
"""How many times more vectors are asked for where hiding and folding left too few."""


class _Found(NamedTuple):
    """A photo and its score."""

    key: int
    score: float
    photo: Photo


def ranked(
    gallery: Gallery,
    vector: Vector,
    request: Request,
    hidden: AbstractSet[bytes],
    calibration: Calibration,
    beside: Sequence[bytes] = (),
) -> tuple[list[Hit], int]:
    """The hits of a query, best first, and how many vectors they were chosen among.

    More vectors are asked of the index until hiding and folding leave enough.

    Args:
        gallery: open.
        vector: (D,) of the composed query, a unit vector.
        request: says how many, which, and how they are folded.
        hidden: digests of photos that are no answers.
        calibration: how high this gallery's scores are.
        beside: files whose companions are no answers either, besides those of ``hidden``.
    """
    catalog, index, where = gallery.catalog, gallery.index, request.where
    considered = catalog.vectors.count() if where is None else len(catalog.vectors.select(where))
    known = filter(None, map(catalog.photos.by_digest, hidden))
    away = [*beside, *(path for photo in known for path in photo.paths)]
    k = min(request.top + len(hidden), considered)
    heads: list[list[_Found]] = []
    while k > 0:
        matches = index.search(vector[None], k, where, exact=request.exact)
        keys, scores = matches.keys[0], matches.scores[0]
        photos = catalog.photos.of(keys, where)
        found = [
            _Found(int(key), float(score), photo)
            for key, score in zip(keys, scores, strict=True)
            for photo in photos.get(int(key), ())
            if bytes.fromhex(photo.digest) not in hidden
        ]
        if request.companions:
            found = _one_a_shot(found, away)
        heads = _folded(gallery, found, request.group)
        if len(heads) >= request.top or k >= considered:
            break
        k = min(WIDEN * k, considered)
    mean, deviation = calibration.mean_and_deviation(vector)
    hits = [
        Hit(
            rank,
            head.score,
            (head.score - mean) / deviation,
            head.photo,
            _photos(rest),
            companions_of(head.photo, catalog) if request.companions else (),
        )
        for rank, (head, *rest) in enumerate(heads[: request.top], start=1)
    ]
    return hits, considered


def _photos(found: Sequence[_Found]) -> tuple[Photo, ...]:
    return tuple(each.photo for each in found)


def _one_a_shot(found: list[_Found], away: Sequence[bytes]) -> list[_Found]:
    """The best of each shot, order kept; of equally good ones a developed one.

    Args:
        found: best first.
        away: files whose shots are left out.
    """
    _, *leading = leaders([away, *(item.photo.paths for item in found)])
    best: dict[int, _Found] = {}
    for leader, item in zip(leading, found, strict=True):
        other = best.setdefault(leader, item)
        if item.score == other.score and not is_developed(other.photo):
            best[leader] = item
    best.pop(0, None)
    return list(best.values())


def _folded(gallery: Gallery, found: list[_Found], group: float | None) -> list[list[_Found]]:
    """The answers with near-duplicates behind the best of them, order kept.

    Args:
        gallery: has the vectors.
        found: best first.
        group: cosine from which two are near-duplicates; ``None``: none are.
    """
    if group is None:
        return [[item] for item in found]
    keys = np.unique(np.array([item.key for item in found], np.uint64))
    rows: dict[int, Vector] = {}
    for chunk, vectors in gallery.catalog.vectors.chunks(keys):
        rows.update(zip(chunk.tolist(), vectors, strict=True))
    groups: list[list[_Found]] = []
    heads = np.empty((len(found), gallery.space.dim))
    for item in found:
        likeness = heads[: len(groups)] @ rows[item.key].astype(np.float64)
        if groups and likeness.max() >= group - ROUNDING:
            groups[int(likeness.argmax())].append(item)
        else:
            heads[len(groups)] = rows[item.key]
            groups.append([item])
    return groups

"""The gallery's patch features, made complete: here alone training runs the large encoder."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from isa_cli.config import usable_cores
from isa_cli.encoders.devices import same_threads_afterwards
from isa_cli.encoders.gallery_encoder import BackboneEncoder
from isa_cli.encoders.patch_features import patch_features
from isa_cli.errors import ImageError
from isa_cli.gallery.patch_features import PatchFeatures
from isa_cli.gallery.read_ahead import ReadAhead, batched
from isa_cli.images import open_image, read_file
from isa_cli.wording import printable

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.encoders.backbone import Backbone
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.reporting import Reporter
    from isa_cli.training.data.photos import TrainingPhotos
    from isa_cli.types import Keys, Pixels

    _Loaded: TypeAlias = tuple[int, Pixels | str]  # a row, and its pixels or why there are none

AHEAD = 128
"""Pictures decoded ahead of the encoder."""


def patch_features_of(
    folder: Path,
    photos: TrainingPhotos,
    foundation: Foundation,
    grid: int,
    reporter: Reporter,
    stop: threading.Event,
) -> tuple[PatchFeatures, TrainingPhotos]:
    """Return the large encoder's patch features, computed where they are missing, and the photos.

    Photos that can't be opened any more are left out.

    Args:
        folder: of the gallery.
        photos: that need them.
        foundation: the gallery's model.
        grid: cells per side of a picture.
        reporter: told what is done.
        stop: when set, the batches under way are finished, and that is it.

    Raises:
        ModelError: the model has no usable feature map.
        TrainingError: too few photos are left.
        GalleryError: the features can't be written.
    """
    features = PatchFeatures.open(folder, foundation.space, grid)
    if not len(_unknown(features, photos)):
        return features, photos
    reporter.note("computing the large encoder's patch features, once for every photo")
    # whatever the run's precision: they are kept for all runs
    backbone = foundation.anew(precision="auto").clip({"image"})
    left = fill(features, photos, backbone, reporter, stop)
    return features, photos if stop.is_set() else photos.without(left)


def fill(
    features: PatchFeatures,
    photos: TrainingPhotos,
    backbone: Backbone,
    reporter: Reporter,
    stop: threading.Event,
    *,
    workers: int | None = None,
    batch_size: int | None = None,
) -> Keys:
    """Compute the patch features that are missing, and return the keys that still have none.

    Those are photos whose files can't be opened any more, each with a warning, and all that is
    left where ``stop`` ended the work.  What was finished is on disk: the next call goes on there.

    Args:
        features: of the gallery.
        photos: that need them.
        backbone: the gallery's model, with its image part.
        reporter: shows progress.
        stop: when set, the batches under way are finished, and that is it.
        workers: decoding threads; ``None``: one per usable core.
        batch_size: pictures per call of the model; ``None``: what suits the device.

    Raises:
        ModelError: the model has no usable feature map.
        GalleryError: the features can't be written.
    """
    rows = np.flatnonzero(np.isin(photos.keys, _unknown(features, photos)))
    if not len(rows):
        return photos.keys[:0]
    workers = workers or usable_cores()
    # as when indexing: several calls at once, each on one core, are steadier than one on all
    lanes = BackboneEncoder(backbone).lanes
    size = batch_size or BackboneEncoder(backbone).batch_size

    def load(row: int) -> _Loaded:
        try:
            data = read_file(photos.paths[row])
            image, _ = open_image(data, at_least=backbone.input_size)
            return row, backbone.prepare(image)
        except ImageError as error:
            return row, error.reason

    def encode(batch: list[_Loaded]) -> tuple[list[_Loaded], NDArray[np.float32] | None]:
        if lanes > 1:
            torch.set_num_threads(1)  # of this thread
        pixels = [found for _, found in batch if not isinstance(found, str)]
        return batch, patch_features(backbone, pixels, features.grid) if pixels else None

    with (
        same_threads_afterwards(),
        ReadAhead(rows.tolist(), load, workers=workers, ahead=max(AHEAD, workers)) as loaded,
        reporter.progress("patch features", len(rows), "img") as progress,
    ):
        batches = batched(loaded, lambda _: size, lambda item: not isinstance(item[1], str))
        going = takewhile(lambda _: not stop.is_set(), batches)
        with ReadAhead(going, encode, workers=lanes, ahead=2 * lanes) as encoded:
            for batch, values in encoded:
                _record(features, photos, batch, values, reporter)
                progress.advance(len(batch))
    return _unknown(features, photos)


def _unknown(features: PatchFeatures, photos: TrainingPhotos) -> Keys:
    """Return the keys (K,) of the photos that have no patch features yet."""
    return features.missing(photos.keys, photos.contents)


def _record(
    features: PatchFeatures,
    photos: TrainingPhotos,
    batch: list[_Loaded],
    values: NDArray[np.float32] | None,
    reporter: Reporter,
) -> None:
    """Append the patch features of one batch, and name the files that gave none."""
    for row, found in batch:
        if isinstance(found, str):
            reporter.warn(f"{printable(photos.paths[row])} is left out: {found}")
    if values is not None:
        rows = [row for row, found in batch if not isinstance(found, str)]
        features.append(photos.keys[rows], values, photos.contents[rows])

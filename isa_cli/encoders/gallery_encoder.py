"""The gallery side of a backbone: photos in, vectors out, on as many cores as there are."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import torch

from isa_cli.config import usable_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from isa_cli.encoders import Backbone
    from isa_cli.types import EmbeddingSpace, Pixels, Vectors

CPU_BATCH = 16
"""Photos per call on a core: activations stay in its cache; larger batches were slower."""

GPU_BATCH = 128


class BackboneEncoder:
    """A ``GalleryEncoder`` over a backbone.

    On a CPU several calls run at once, each on one core.  One call on all cores is as fast on an
    idle machine, but its threads wait for each other after every layer: decoders beside it hold
    up one, and so all of them.

    Args:
        backbone: loaded with its image part.
        lanes: how many calls will run at once; ``None``: one per core on a CPU, one on a GPU.
    """

    def __init__(self, backbone: Backbone, lanes: int | None = None) -> None:
        on_cpu = backbone.place.device.type == "cpu"
        self._backbone = backbone
        self._lanes = lanes or (usable_cores() if on_cpu else 1)
        self._batch_size = CPU_BATCH if on_cpu else GPU_BATCH
        self._threads = max(1, usable_cores() // self._lanes) if on_cpu else 0
        self._thread = threading.local()

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._backbone.space

    @property
    def lanes(self) -> int:
        """How many ``encode`` calls may usefully run at once, each from its own thread."""
        return self._lanes

    @property
    def batch_size(self) -> int:
        """How many photos per ``encode`` call suit this device."""
        return self._batch_size

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the pixels that ``prepare`` returns."""
        return self._backbone.input_size

    def prepare(self, image: Image) -> Pixels:
        """Return one photo resized and cropped as the model wants it; safe in many threads."""
        return self._backbone.prepare(image)

    def encode(self, batch: Sequence[Pixels]) -> Vectors:
        """Return (B, D) unit rows for B prepared photos.

        Raises:
            ModelError: the model gave no usable numbers.
        """
        self._enter_lane()
        return self._backbone.encode_images(batch)

    def _enter_lane(self) -> None:
        """Give the calling thread its share of the cores, once; torch keeps it per thread."""
        if self._lanes > 1 and self._threads and not getattr(self._thread, "entered", False):
            torch.set_num_threads(self._threads)
            self._thread.entered = True

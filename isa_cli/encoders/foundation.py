"""The large model of a gallery: located, placed, and loaded part by part when something needs it.

Everything above asks this for what it needs of the model, and so nothing is loaded that is not
used: a search by a photo of the gallery loads nothing at all, one by words reads them in numpy
where that is exact, and indexing lets torch import while the first files are being decoded.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from isa_cli.encoders.files import locate
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isa_cli.encoders.backbone import Backbone
    from isa_cli.encoders.devices import Place
    from isa_cli.encoders.files import ModelFiles
    from isa_cli.protocols import GalleryEncoder, TextEncoder
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Vectors

IN_NUMPY = {"device": {"auto", "cpu"}, "precision": {"auto", "fp32"}}
"""What may be asked for where words are read in numpy, which knows one device and precision."""


class Foundation:
    """A large image-text model, by name; any number of threads may share it.

    Making one costs nothing and cannot fail: what is wrong is told when something is first asked
    of it.

    Args:
        name: a short name, ``ARCH/TAG``, ``hf-hub:ORG/REPO`` or a folder; see ``encoders.names``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        reporter: hears of downloads, of what was loaded, and of texts that are too long.

    Attributes:
        name: as given.

    Examples:
        >>> from isa_cli import Foundation
        >>> foundation = Foundation("isa-mini")
        >>> foundation.space.dim, foundation.input_size
        (192, (112, 112))
        >>> foundation.text_encoder().encode_text(["a red dress", "a blue hat"]).shape
        (2, 192)
    """

    def __init__(
        self,
        name: str,
        device: str = "auto",
        precision: str = "auto",
        reporter: Reporter | None = None,
    ) -> None:
        self.name = name
        self._device, self._precision = device, precision
        self._reporter = reporter or Silent()
        self._lock = threading.RLock()
        self._loaded: dict[frozenset[str], Backbone] = {}
        self._words: TextEncoder | None = None

    def __repr__(self) -> str:
        """Name, device and precision, as asked for."""
        return f"Foundation({self.name!r}, {self._device!r}, {self._precision!r})"

    # --- what can be known without loading it ----------------------------------------------------

    @cached_property
    def files(self) -> ModelFiles:
        """Its files on this machine, fetched if need be.

        Raises:
            ModelError: there is no such model, its files can't be had, or its config is wanting.
        """
        with self._lock:
            return locate(self.name, self._reporter)

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its vectors; raises as ``files``."""
        return self.files.space

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the pictures that it reads; raises as ``files``."""
        return self.files.preprocess.size

    @cached_property
    def place(self) -> Place:
        """The device and the precision; imports torch.

        Raises:
            UsageError: there is no such device or precision here.
        """
        from isa_cli.encoders.devices import choose_place  # noqa: PLC0415 - torch

        return choose_place(self._device, self._precision)

    def check(self) -> None:
        """Refuse a device or a precision that is not there, before gigabytes are downloaded.

        Raises:
            UsageError: there is no such device or precision here.
            ModelError: as ``files``.
        """
        if {self._device, self._precision} != {"auto"}:
            _ = self.place
        _ = self.files

    # --- its parts -------------------------------------------------------------------------------

    def clip(self, parts: Iterable[str]) -> Backbone:
        """The model with at least these parts together; what is loaded once stays.

        What is going to be needed sooner or later is best loaded at once, see ``preload``: each
        call that has to load builds the network anew.

        Args:
            parts: of ``image`` and ``text``.

        Raises:
            ModelError: its files can't be had, or are damaged.
            UsageError: there is no such device or precision here.
        """
        wanted = frozenset(parts)
        with self._lock:
            for loaded, backbone in self._loaded.items():
                if wanted <= loaded:
                    return backbone
            from isa_cli.encoders import load_backbone  # noqa: PLC0415 - torch

            backbone = load_backbone(
                self.files,
                device=self._device,
                precision=self._precision,
                parts=wanted,
                reporter=self._reporter,
            )
            kept = {part: one for part, one in self._loaded.items() if not part <= wanted}
            self._loaded = kept | {wanted: backbone}
            return backbone

    def preload(self, parts: Iterable[str]) -> None:
        """Load in one go whatever of these parts is not in memory yet; raises as ``clip``."""
        with self._lock:
            missing = frozenset(parts).difference(*self._loaded)
            if missing:
                self.clip(missing)

    def gallery_encoder(self) -> GalleryEncoder:
        """What embeds photos; loads the image part, and says where it computes."""
        from isa_cli.encoders.gallery_encoder import BackboneEncoder  # noqa: PLC0415 - torch

        backbone = self.clip({"image"})
        self._reporter.note(backbone.describe())
        return BackboneEncoder(backbone)

    def text_encoder(self) -> TextEncoder:
        """What reads words: in numpy where that is exact and allowed, else the text part."""
        with self._lock:
            if self._words is None:
                self._words = self._numpy_text or self.torch_text_encoder()
            return self._words

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """(B, D) unit rows of B texts: a foundation is a ``TextEncoder`` that loads when asked.

        Raises:
            ModelError: the model can't be had, or gave no usable numbers.
        """
        return self.text_encoder().encode_text(texts)

    @property
    def parts_for_words(self) -> frozenset[str]:
        """What ``text_encoder`` needs to have loaded: nothing where words are read in numpy."""
        return frozenset() if self._numpy_text is not None else frozenset({"text"})

    def torch_text_encoder(self) -> TextEncoder:
        """What reads words through the same tower that reads sentences; loads the text part."""
        from isa_cli.encoders.text_encoder import BackboneTextEncoder  # noqa: PLC0415 - torch

        return BackboneTextEncoder(self.clip({"text"}), self._reporter)

    def anew(self, precision: str | None = None) -> Foundation:
        """The same model with nothing loaded, for work that should leave nothing behind here.

        Args:
            precision: as of the class; ``None``: the same.
        """
        return Foundation(self.name, self._device, precision or self._precision, self._reporter)

    def release(self) -> None:
        """Forget what was loaded; who still holds a part of it keeps that."""
        with self._lock:
            self._loaded.clear()
            self._words = None

    @cached_property
    def _numpy_text(self) -> TextEncoder | None:
        asked = {"device": self._device, "precision": self._precision}
        if any(value not in IN_NUMPY[setting] for setting, value in asked.items()):
            return None
        from isa_cli.encoders.numpy_text import numpy_text_encoder  # noqa: PLC0415 - seldom needed

        return numpy_text_encoder(self.files, self._reporter)

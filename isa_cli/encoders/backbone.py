"""A loaded image-text model: pictures and token ids in, unit vectors out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from torchvision.transforms import ToTensor

from isa_cli.encoders.shapes import Geometry
from isa_cli.errors import ModelError, brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from isa_cli.encoders.devices import Place
    from isa_cli.encoders.files import ModelFiles
    from isa_cli.types import EmbeddingSpace, Pixels, Vectors


class Backbone:
    """One model on one device, frozen.

    Args:
        files: what it was loaded from.
        place: where it computes.
        network: the open_clip model, already there; without ``visual`` if only texts are read.
        tokenizer: open_clip's, or ``None`` if only pictures are read.

    Attributes:
        network: the open_clip model, for those who read its text tower (``query.text``).
        place: device and precision.
    """

    def __init__(self, files: ModelFiles, place: Place, network: Any, tokenizer: Any) -> None:
        self.network = network
        self.place = place
        self._files = files
        self._space = files.space
        self._tokenizer = tokenizer
        preprocess = files.preprocess
        self._geometry = _geometry(files)
        self._mean = torch.tensor(preprocess.mean, device=place.device).view(1, 3, 1, 1)
        self._std = torch.tensor(preprocess.std, device=place.device).view(1, 3, 1, 1)

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._space

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the pixels that ``prepare`` returns."""
        return self._files.preprocess.size

    def describe(self) -> str:
        """Return ``ViT-B-32/tag on cuda:0 (NVIDIA H200) in bf16``."""
        return f"{self.space.name} on {self.place}"

    # --- pictures ---

    def prepare(self, image: Image) -> Pixels:
        """Return a picture resized and cropped, (H, W, 3) uint8; safe in many threads.

        These are open_clip's own steps up to the tensor, so the result is its own, bit for bit;
        only of extreme shapes (``backbones.shapes``) it may be a level off.

        Raises:
            ImageError: this picture can't be prepared.
        """
        return self._geometry(image)

    def normalised(self, batch: Sequence[Pixels]) -> Tensor:
        """Return prepared pictures as the image tower wants them, (B, 3, H, W) on the device."""
        pixels = torch.from_numpy(np.stack(batch))  # (B, H, W, 3)
        if self.place.device.type == "cuda":
            pixels = pixels.pin_memory()
        pixels = pixels.to(self.place.device, non_blocking=True).permute(0, 3, 1, 2)
        return pixels.float().div_(255).sub_(self._mean).div_(self._std).to(self.place.dtype)

    @torch.inference_mode()
    def image_features(self, batch: Sequence[Pixels]) -> Tensor:
        """Return (B, D) features of B prepared pictures, not normalised, on the device."""
        if not len(batch):
            return torch.empty(0, self.space.dim, device=self.place.device)
        with self.as_configured():
            return _features(self.network.visual(self.normalised(batch)))

    @torch.inference_mode()
    def encode_images(self, batch: Sequence[Pixels]) -> Vectors:
        """Return (B, D) unit rows for B prepared pictures.

        Raises:
            ModelError: the model gave no usable numbers.
        """
        return self.unit_rows(self.image_features(batch))

    # --- texts ---

    def tokenize(self, texts: Sequence[str]) -> tuple[Tensor, list[bool]]:
        """Return token ids (B, T) on the device, and which texts were too long and got cut."""
        assert self._tokenizer is not None, "loaded without its text part"
        ids = self._tokenizer(list(texts))
        # the same with room for one more token: where that one is used, something was cut
        more = self._tokenizer(list(texts), context_length=self._tokenizer.context_length + 1)
        padding = getattr(getattr(self._tokenizer, "tokenizer", None), "pad_token_id", 0)
        cut = more[:, -1] != padding
        if getattr(self._tokenizer, "tokenizer_mode", "") == "clips":
            cut = torch.zeros_like(cut)  # its last token is never padding; a cut can't be seen
        return ids.to(self.place.device), cut.tolist()

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts, through the whole context.

        ``query.text.BackboneTextEncoder`` gives the same several times faster, and tells of cuts.

        Raises:
            ModelError: the model gave no usable numbers.
        """
        if not len(texts):
            return np.empty((0, self.space.dim), np.float32)
        ids, _ = self.tokenize(texts)
        with self.as_configured():
            features = _features(self.network.encode_text(ids))
        return self.unit_rows(features)

    @contextmanager
    def as_configured(self) -> Iterator[None]:
        """Let a network that can be built and filled, but not run, be its config's fault.

        Raises:
            ModelError: it can't be run, and its config came from anybody.
        """
        try:
            yield
        except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError) as error:
            if not self._files.foreign or "memory" in str(error):  # a smaller batch may fit
                raise
            raise ModelError(
                f"{self.describe()} can't be run as its config says: {brief(error)}",
                "take the config that comes with the weights",
            ) from error

    # --- vectors ---

    def unit_rows(self, features: Tensor) -> Vectors:
        """Return features (B, D) as float32 numpy rows of length one.

        Raises:
            ModelError: a row is zero or not finite, as half precision can make it, or not of the
                length that the config says.
        """
        if features.ndim != 2 or features.shape[1] != self.space.dim:  # noqa: PLR2004 - (B, D)
            raise ModelError(
                f"{self.describe()} gives no vectors of {self.space.dim:,} numbers: its config is "
                "not that of its weights",
                "take the config that comes with the weights",
            )
        features = features.float()
        norms = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
        if not bool((torch.isfinite(norms) & (norms > 0)).all()):
            raise ModelError(
                f"{self.describe()} gives numbers that are not finite",
                "try --precision fp32; if that does not help, the weights are damaged",
            )
        rows: Vectors = (features / norms).cpu().numpy()
        return rows


def _features(output: Any) -> Tensor:
    """Return the pooled features: towers that also give out their tokens return a pair."""
    features: Tensor = output[0] if isinstance(output, tuple) else output
    return features


def _geometry(files: ModelFiles) -> Geometry:
    """Return open_clip's transform up to, not including, the conversion to a tensor."""
    cfg = files.preprocess
    whole = image_transform_v2(
        PreprocessCfg(
            size=cfg.size,
            mean=cfg.mean,
            std=cfg.std,
            interpolation=cfg.interpolation,
            resize_mode=cfg.resize_mode,
            fill_color=cfg.fill_color,
        ),
        is_train=False,
    )
    steps = whole.transforms
    end = next(number for number, step in enumerate(steps) if isinstance(step, ToTensor))
    return Geometry(steps[:end])

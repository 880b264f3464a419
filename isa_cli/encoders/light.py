"""The light encoder: any timm model with a feature map, its weights, and its own preprocessing.

The query side's eye: small enough for a phone, and never asked for a vector.  What counts is the
last feature map, before any pooling or classifier.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import timm
import torch
from timm.data.config import resolve_data_config
from timm.data.transforms import MaybePILToTensor
from timm.data.transforms_factory import create_transform
from timm.models import get_pretrained_cfg, is_model, load_state_dict
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from isa_cli.encoders.budget import SPARE_NUMBERS, TooLarge, as_stored, limited, mismatch
from isa_cli.encoders.hub import fetch
from isa_cli.encoders.light_config import DEFAULT_LIGHT, LightConfig
from isa_cli.encoders.names import closest
from isa_cli.encoders.shapes import Geometry
from isa_cli.encoders.tensor_files import check_weights_file, most_numbers
from isa_cli.encoders.weights import unusable, without_warnings
from isa_cli.errors import ModelError, brief
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from isa_cli.encoders.tensor_files import StoredTensor
    from isa_cli.reporting import Reporter
    from isa_cli.types import Pixels

__all__ = ["DEFAULT_LIGHT", "LightConfig", "LightEncoder", "load_light", "rebuild"]

_OURS = frozenset(
    {
        "cache_dir",
        "checkpoint_path",
        "feature_cls",
        "features_only",
        "out_indices",
        "pretrained",
        "pretrained_cfg",
        "pretrained_cfg_overlay",
    }
)
"""Arguments of timm that decide what is loaded and what comes out: never taken from a config."""


class LightEncoder(nn.Module):
    """A timm model cut after its last feature map.

    Args:
        config: what it is.
        network: timm's ``features_only`` model with one level.

    Attributes:
        config: what it takes to build it again.
        channels: C of the feature map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: LightConfig, network: Any) -> None:
        super().__init__()
        self.config = config
        self.channels: int = network.feature_info.channels()[-1]
        self.network = network
        self._channels_last = str(getattr(network, "output_fmt", "")).endswith("NHWC")
        self._geometry = _geometry(config)
        # not persistent: the config says them already
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1), persistent=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the pixels it reads."""
        return self.config.size

    def prepare(self, image: Image) -> Pixels:
        """Return a picture resized and cropped, (H, W, 3) uint8; safe in many threads.

        These are timm's own steps for evaluation up to the tensor; only of extreme shapes
        (``backbones.shapes``) the result may be a level off.

        Raises:
            ImageError: this picture can't be prepared.
        """
        return self._geometry(image)

    def normalised(self, batch: Sequence[Pixels]) -> Tensor:
        """Return B prepared pictures as the network wants them, (B, 3, H, W) on its device."""
        pixels = torch.from_numpy(np.stack(batch)).to(self.mean.device)  # (B, H, W, 3)
        return pixels.permute(0, 3, 1, 2).float().div_(255).sub_(self.mean).div_(self.std)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the last feature map (B, C, H', W') of normalised pixels (B, 3, H, W)."""
        features: Tensor = self.network(pixels)[-1]
        return features.permute(0, 3, 1, 2) if self._channels_last else features

    @torch.no_grad()
    def flops(self) -> int:
        """Return the floating-point operations for one picture, a multiply-add counted as two."""
        was_training = self.training
        with FlopCounterMode(display=False) as counter:
            self.eval()(torch.zeros(1, 3, *self.config.size, device=self.mean.device))
        self.train(was_training)
        return int(counter.get_total_flops())


def load_light(
    name: str = DEFAULT_LIGHT,
    *,
    weights: Path | None = None,
    pretrained: bool = True,
    image_size: int | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> LightEncoder:
    """Return a light encoder with weights: from a file, from the hub, or random ones.

    Args:
        name: timm's name, with or without a tag.
        weights: a ``.safetensors`` file, or a ``.pth`` or ``.bin`` one that is read without
            running code from it; in timm's own layout, its classifier is ignored.
        pretrained: where no file is given, fetch timm's weights.
        image_size: side of the pixels it reads; ``None``: the model's own.
        preprocessing: what differs from the model's own, in timm's terms: ``mean``, ``std``,
            ``interpolation``, ``crop_pct``, ``crop_mode``.
        extra: more arguments of ``timm.create_model``.
        reporter: hears of downloads.

    Raises:
        ModelError: no such model, it has no feature map, or its weights can't be had.
    """
    config = _describe(name, image_size, preprocessing or {}, extra or {})
    if weights is not None:
        return _build(config, {"state_dict": read_weights(config, weights)})
    return _build(config, hub_weights(name, reporter or Silent()) if pretrained else None)


def rebuild(config: LightConfig, stored: Mapping[str, StoredTensor] | None = None) -> LightEncoder:
    """Return the encoder that a config describes, with random weights.

    Args:
        config: anybody's, perhaps.
        stored: the tensors that are to fill it; ``None``: none are.

    Raises:
        ModelError: timm can't build it, or it would not be as large as what is to fill it.
    """
    _check_name(config.name)
    if stored is None:
        return _build(config, None)
    with as_stored(stored):
        if config.extra:  # may ask for a single huge layer: first without memory
            with torch.device("meta"):
                _check_filled(_build(config, None), stored)
        encoder = _build(config, None)
    _check_filled(encoder, stored)
    return encoder


def _check_filled(encoder: LightEncoder, stored: Mapping[str, StoredTensor]) -> None:
    if problem := mismatch(stored, encoder.state_dict()):
        raise ModelError(f"its light encoder is no {encoder.config.name}: {problem}")


def _check_name(name: str) -> None:
    # is_model also knows "hf-hub:..." names, whose architecture is anybody's to change
    if ":" in name or not is_model(name):
        near = closest(name, timm.list_models())
        raise ModelError(
            f"timm has no model {name!r}{near}", f"{DEFAULT_LIGHT} is the default light encoder"
        )


def _describe(
    name: str, image_size: int | None, preprocessing: Mapping[str, Any], extra: Mapping[str, Any]
) -> LightConfig:
    _check_name(name)
    known = get_pretrained_cfg(name, allow_unregistered=True)
    cfg = asdict(known) if known else {}
    arguments = dict(preprocessing) | ({"img_size": image_size} if image_size else {})
    data = cast("Any", resolve_data_config)(arguments, pretrained_cfg=cfg)
    # the classifier is cut off; how many classes it had does not matter
    options = {key: value for key, value in extra.items() if key != "num_classes"}
    if image_size and cfg.get("fixed_input_size"):
        options["img_size"] = image_size
    config = LightConfig(
        name=name,
        size=(data["input_size"][1], data["input_size"][2]),
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        interpolation=data["interpolation"],
        crop_pct=data["crop_pct"],
        crop_mode=data["crop_mode"],
        extra=options,
    )
    try:
        return LightConfig.from_dict(config.as_dict())  # or no later process could read it
    except ValueError as error:
        raise ModelError(
            f"{name} can't be a light encoder: {error}", "check --light-size and --light-options"
        ) from error


def _geometry(config: LightConfig) -> Geometry:
    """Return timm's transform for evaluation up to, not including, the conversion to a tensor."""
    whole = create_transform(
        input_size=(3, *config.size),
        interpolation=config.interpolation,
        crop_pct=config.crop_pct,
        crop_mode=config.crop_mode,
        normalize=False,
    )
    steps = [step for step in whole.transforms if not isinstance(step, MaybePILToTensor)]
    return Geometry([_rgb, *steps])


def _rgb(image: Image) -> Image:
    return image.convert("RGB")


def _build(config: LightConfig, overlay: dict[str, Any] | None) -> LightEncoder:
    """Return the encoder; ``overlay`` says where timm takes weights from, ``None``: nowhere."""
    if refused := sorted(_OURS & config.extra.keys()):
        raise ModelError(f"{', '.join(refused)} can't be set for a light encoder")
    options = {"features_only": True, "out_indices": (-1,), **config.extra}
    try:
        network = timm.create_model(
            config.name,
            pretrained=overlay is not None,
            pretrained_cfg_overlay=overlay,
            **options,
        )
        _forget_weights(network)
        return LightEncoder(config, network)
    except Exception as error:  # timm's models raise nearly anything
        raise ModelError(
            f"timm can't give {config.name} as a light encoder with a feature map: {brief(error)}",
            f"choose another with --light, such as {DEFAULT_LIGHT} or mobilenetv3_large_100",
        ) from error


def _forget_weights(network: Any) -> None:
    """Drop the tensors that timm keeps in its notes on where weights came from."""
    for module in network.modules():
        for notes in ("pretrained_cfg", "default_cfg"):
            if isinstance(known := vars(module).get(notes), dict):
                known.pop("state_dict", None)


MOST_TENSORS = 100_000
"""Parameters and buffers of any timm model (ours); the largest have some thousands."""

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
"""Weights in timm's repositories, in order of preference."""

# timm warns of the classifier's unused weights: without a handler that would reach stderr
logging.getLogger("timm").addHandler(logging.NullHandler())


def read_weights(config: LightConfig, path: Path) -> dict[str, Tensor]:
    """Return a file's tensors that the model has; every one of the model's must be there."""
    hint = "give a .safetensors file, or a .pth or .bin one that holds nothing but tensors"
    check_weights_file(path)
    try:
        with without_warnings():
            found = load_state_dict(str(path))  # weights_only, and it knows the usual wrappings
        tensors = {key: value for key, value in found.items() if isinstance(value, torch.Tensor)}
    except Exception as error:  # the border: torch, pickle and safetensors have their own families
        raise ModelError(
            f"the light encoder's weights {path} can't be read: {brief(error)}", hint
        ) from error
    wanted = _wanted(config, path)
    fitting = {
        key: tensors[key]
        for key, value in wanted.items()
        if key in tensors and tensors[key].shape == value.shape
    }
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}
    needed = wanted.keys() - counters
    if missing := sorted(needed - fitting.keys()):
        raise ModelError(
            f"the weights {path} are not those of {config.name}: {len(needed) - len(missing)} of "
            f"its {len(needed)} tensors fit, {missing[0]} for one does not",
            "say which timm model they belong to with --light",
        )
    weights = ((key, each) for key, each in fitting.items() if wanted[key].is_floating_point())
    if problem := unusable(weights, path.stat().st_size):
        raise ModelError(f"the weights {path} can't be used: {problem}", hint)
    return fitting


def _wanted(config: LightConfig, path: Path) -> dict[str, Tensor]:
    """The tensors that a model has, without their numbers; no larger than a file can fill."""
    numbers = 2 * most_numbers(path) + SPARE_NUMBERS
    try:
        with torch.device("meta"), limited(MOST_TENSORS, numbers):
            network = timm.create_model(config.name, num_classes=0, **config.extra)
    except TooLarge as error:
        raise ModelError(
            f"the weights {path} are not those of {config.name}, which is larger",
            "say which timm model they belong to with --light",
        ) from error
    except Exception as error:
        raise ModelError(f"timm can't build {config.name}: {brief(error)}") from error
    return dict(network.state_dict())


def hub_weights(name: str, reporter: Reporter) -> dict[str, Any]:
    """Return where timm finds its pretrained weights, having fetched them if they are on a hub.

    Fetched here and not by timm, which lets the hub's retries hide a missing network.
    """
    cfg = get_pretrained_cfg(name)
    if cfg is None or not cfg.has_weights:
        raise ModelError(
            f"timm has no pretrained weights for {name}",
            "give your own with --light-weights FILE, or choose another with --light",
        )
    if not cfg.hf_hub_id:
        return {}
    files = (cfg.hf_hub_filename,) if cfg.hf_hub_filename else _HUB_FILES
    try:
        return {"file": str(fetch(name, cfg.hf_hub_id, files, reporter))}
    except ModelError as error:
        raise ModelError(
            error.message,
            f"try again with a network, or on a machine that has it run: hf download "
            f"{cfg.hf_hub_id} {files[0]} --local-dir DIR, copy DIR here, and use "
            f"--light-weights DIR/{files[0]}",
        ) from error

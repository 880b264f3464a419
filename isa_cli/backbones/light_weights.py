"""Where a light encoder's weights come from: a file of the user's, or timm's on the hub."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import timm
from timm.models import get_pretrained_cfg, load_state_dict

from isa_cli.backbones.files import fetch
from isa_cli.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from isa_cli.backbones.light_config import LightConfig
    from isa_cli.reporting import Reporter

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
"""Weights in timm's repositories, in order of preference."""

# timm warns of the classifier's unused weights: without a handler that would reach stderr
logging.getLogger("timm").addHandler(logging.NullHandler())


def read_weights(config: LightConfig, path: Path) -> dict[str, Tensor]:
    """Return a file's tensors that the model has; every one of the model's must be there."""
    try:
        found = load_state_dict(str(path))  # weights_only, and it knows the usual wrappings
    except Exception as error:  # the border: torch, pickle and safetensors have their own families
        raise ModelError(
            f"the light encoder's weights {path} can't be read: {first_line(error)}",
            "give a .safetensors file, or a .pth or .bin one that holds nothing but tensors",
        ) from error
    try:
        wanted = timm.create_model(config.name, num_classes=0, **config.extra).state_dict()
    except Exception as error:
        raise ModelError(f"timm can't build {config.name}: {first_line(error)}") from error
    fitting = {
        key: found[key]
        for key, value in wanted.items()
        if key in found and getattr(found[key], "shape", None) == value.shape
    }
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}
    needed = wanted.keys() - counters
    if missing := sorted(needed - fitting.keys()):
        raise ModelError(
            f"the weights {path} are not those of {config.name}: {len(needed) - len(missing)} of "
            f"its {len(needed)} tensors fit, {missing[0]} for one does not",
            "say which timm model they belong to with --light",
        )
    return fitting


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


def first_line(error: BaseException) -> str:
    """Return what a foreign exception says, short enough for one sentence of ours."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]

"""What an ``open_clip_config.json`` says of a model and its pictures, each value of its kind.

Anybody may have written it: what no model has is refused here, before anything is built.  Whether
the rest is what the weights hold, ``loading`` finds out without taking memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from isa_cli.encoders.fields import is_finite, number, parsed, text, whole
from isa_cli.errors import ModelError, brief
from isa_cli.regular import read_text, reason

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.encoders.fields import Field

MOST_BYTES = 1_000_000
"""A config of more is none (ours)."""

MOST_SIDE = 4_096
"""Pixels on a side of what an image tower reads (ours)."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a picture becomes an encoder's input, in the terms of open_clip's configs.

    Attributes:
        size: (height, width).
        mean, std: per channel, of pixels in [0, 1].
        interpolation: ``bicubic`` or ``bilinear``.
        resize_mode: ``shortest`` (and crop), ``longest`` (and pad) or ``squash``.
        fill_color: of the padding.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0


def read_config(path: Path) -> tuple[dict[str, Any], Preprocess]:
    """Return ``model_cfg`` and the preprocessing that an ``open_clip_config.json`` describes.

    ``interpolation`` and ``resize_mode`` have the defaults of that format, which many
    repositories rely on; everything else must be there.

    Raises:
        ModelError: it cannot be read, lacks a key, or asks for what no model has.
    """
    try:
        config = parsed(read_text(path, at_most=MOST_BYTES))
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else brief(error)
        raise ModelError(
            f"{path} can't be read as JSON: {why}",
            "take the config that comes with the weights; isa does not guess it",
        ) from error
    model = _section(config, "model_cfg", path)
    _checked(path, "model_cfg.embed_dim", model.get("embed_dim"), whole())
    if not is_finite(model):
        raise _lacks(path, "model_cfg", "an object without NaN and Infinity")
    for key in ("vision_cfg", "text_cfg"):
        _section(model, key, path)
    for key in ("vision_cfg", "text_cfg", "multimodal_cfg"):
        if key in model:
            _check_sizes(_section(model, key, path), key, path)
    preprocess = preprocess_of(model, _section(config, "preprocess_cfg", path), path)
    patch = model["vision_cfg"].get("patch_size")
    if isinstance(patch, int) and patch > min(preprocess.size):
        raise _lacks(path, "vision_cfg.patch_size", "at most the picture's side")
    return model, preprocess


def preprocess_of(model: dict[str, Any], raw: dict[str, Any], path: Path | str) -> Preprocess:
    """Return the preprocessing for a ``model_cfg`` and a ``preprocess_cfg``.

    The size is the vision tower's own, as in open_clip.

    Raises:
        ModelError: a value is missing or senseless; ``path`` is named.
    """
    size = model["vision_cfg"].get("image_size", 224)
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if len(sides) != 2 or not all(type(side) is int and 0 < side <= MOST_SIDE for side in sides):  # noqa: PLR2004 - height and width
        raise _lacks(path, "vision_cfg.image_size", "one or two positive whole numbers")
    interpolation = raw.get("interpolation") or "bicubic"
    if interpolation not in ("bicubic", "bilinear", "random"):
        raise _lacks(path, "preprocess_cfg.interpolation", "bicubic or bilinear")
    resize_mode = raw.get("resize_mode") or "shortest"
    if resize_mode not in ("shortest", "longest", "squash"):
        raise _lacks(path, "preprocess_cfg.resize_mode", "shortest, longest or squash")
    fill = raw.get("fill_color") or 0
    return Preprocess(
        size=sides,
        mean=_channels(raw, "mean", path),
        std=_channels(raw, "std", path),
        interpolation="bilinear" if interpolation == "bilinear" else "bicubic",
        resize_mode=resize_mode,
        fill_color=_checked(path, "preprocess_cfg.fill_color", fill, whole(0, 255)),
    )


def _section(config: Any, key: str, path: Path) -> dict[str, Any]:
    section = config.get(key) if isinstance(config, dict) else None
    if not isinstance(section, dict):
        raise _lacks(path, key, "an object")
    return section


def _channels(raw: dict[str, Any], key: str, path: Path | str) -> tuple[float, float, float]:
    values = raw.get(key)
    if isinstance(values, (list, tuple)) and len(values) == 3:  # noqa: PLR2004 - red, green, blue
        red, green, blue = (_finite(value) for value in values)
        if red is not None and green is not None and blue is not None:
            least = 0.0 if key == "std" else -1_000.0
            if least < min(red, green, blue):
                return red, green, blue
    raise _lacks(path, f"preprocess_cfg.{key}", "three numbers")


def _finite(value: Any) -> float | None:
    """A number, also one in a text as some configs have it; ``None`` where it is none."""
    try:
        found = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _check_sizes(section: dict[str, Any], name: str, path: Path) -> None:
    """Refuse sizes that no tower has; how they go together, the weights decide."""
    for key, kind in _SIZES.items():
        value = section.get(key)
        if value is None:
            continue
        several = isinstance(value, list) and key in {"layers", "patch_size"}
        for one in value if several else [value]:
            _checked(path, f"{name}.{key}", one, kind)


_SIZES: dict[str, Field] = {
    "layers": whole(most=1_000),
    "width": whole(most=100_000),
    "heads": whole(most=10_000),
    "head_width": whole(most=100_000),
    "dim_head": whole(most=100_000),
    "patch_size": whole(most=MOST_SIDE),
    "mlp_ratio": number(0.01, 100),
    "context_length": whole(most=10_000),
    "vocab_size": whole(most=10_000_000),
    "n_queries": whole(most=100_000),
    "attn_pooler_queries": whole(most=100_000),
    "attn_pooler_heads": whole(most=10_000),
    "timm_model_name": text(most=200),
    "hf_model_name": text(most=200),
    "hf_tokenizer_name": text(most=200),
}
"""Far above any model that there is (ours): a text's mask alone has ``context_length`` squared."""


def _checked(path: Path | str, key: str, value: Any, kind: Field) -> Any:
    try:
        return kind("it", value)
    except ValueError as error:
        wanted = str(error).partition("should be ")[2]
        raise _lacks(path, key, wanted or "something else") from error


def _lacks(path: Path | str, key: str, wanted: str) -> ModelError:
    return ModelError(
        f"{path} says nothing usable under {key!r}: it should be {wanted}",
        "take the config that comes with the weights; isa does not guess it",
    )

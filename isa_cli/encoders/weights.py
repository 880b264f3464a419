"""Weights out of a file that anybody may have made: tensors by name, and no code from it is run."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from isa_cli.encoders.tensor_files import SAFETENSORS, check_weights_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from torch import Tensor

_USABLE = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def read_weights_file(path: Path) -> Any:
    """What a file of weights holds: ``.safetensors``, or what ``torch.save`` wrote.

    Raises:
        ModelError: it is no regular file, not whole, or would unpack to more than it holds.
        Exception: torch, pickle and safetensors have families of their own; ``UnpicklingError``
            where it holds more than weights.
    """
    check_weights_file(path)
    if path.suffix == SAFETENSORS:
        return load_file(path)
    with without_warnings():
        return torch.load(path, map_location="cpu", weights_only=True)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep to itself what torch says of kinds of tensors that are refused anyway."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def unusable(tensors: Iterable[tuple[str, Tensor]], size: int) -> str:
    """Why some tensors of a file are no weights, or '' if all are.

    Args:
        tensors: with their names.
        size: of the file in bytes: tensors that share memory, or repeat one number, may claim more.
    """
    claimed = 0
    for name, tensor in tensors:
        problem = _problem(tensor)
        claimed += 0 if problem else tensor.numel() * tensor.element_size()
        if not problem and claimed > size:
            problem = "claims more numbers than the file holds"
        if not problem and not bool(torch.isfinite(tensor.float()).all()):
            problem = "holds numbers that are not finite"
        if problem:
            return f"{name[:100]} {problem}"
    return ""


def _problem(tensor: Tensor) -> str:
    if tensor.is_quantized:
        return "is quantised"
    if tensor.layout != torch.strided or tensor.is_nested:
        return "is sparse"
    if tensor.device.type != "cpu":
        return "holds no numbers"
    return "" if tensor.dtype in _USABLE else f"holds numbers of the kind {tensor.dtype}"

"""The text tower's tensors, mapped from a safetensors file: what is not used is never read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_NOT_TEXT = ("visual.", "logit_")


def open_weights(path: Path, expected: Mapping[str, tuple[int, ...]]) -> Weights | None:
    """Return the tensors of a text tower; ``None`` unless they are all there and no others.

    Args:
        path: a file of a whole CLIP.
        expected: the tower's tensors and their shapes.
    """
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, framework="np"):  # checks that the header describes the whole file
            header, start = _header(path)
        data = np.memmap(path, np.uint8, mode="r", offset=start)
    except (OSError, ValueError, SafetensorError):
        return None
    tensors = {name: entry for name, entry in header.items() if not name.startswith(_NOT_TEXT)}
    if {name: tuple(entry["shape"]) for name, entry in tensors.items()} != expected:
        return None
    if any(entry["dtype"] not in _DTYPES for entry in tensors.values()):
        return None
    return Weights({name: _view(data, entry) for name, entry in tensors.items()})


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The entries of a file's header, one a tensor, and where in the file their bytes start."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


def _view(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    first, last = entry["data_offsets"]
    return np.asarray(data)[first:last].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])


class Weights:
    """Tensors by name, float32; those of half precision are widened when first used.

    Args:
        stored: views of the file, bfloat16 as uint16.
    """

    def __init__(self, stored: dict[str, NDArray[Any]]) -> None:
        self._stored = stored
        self._widened: dict[str, NDArray[np.float32]] = {}

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return a whole tensor."""
        if name not in self._widened:
            self._widened[name] = _widened(self._stored[name])
        return self._widened[name]

    def rows(self, name: str, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return some rows of a tensor; no other row is read."""
        return _widened(self._stored[name][numbers])


def _widened(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return the values as float32, exactly; float32 itself is not copied."""
    if array.dtype.kind == "u":  # bfloat16 is the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False)

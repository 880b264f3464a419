"""A network is never built larger than the file that is to fill it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from isa_cli.encoders.tensor_files import StoredTensor

SPARE_TENSORS, SPARE_NUMBERS = 64, 32_000_000
"""What a network may have besides twice what its file holds (ours): a classifier of 21,000 classes,
which is built and cut off again."""

_FLOATS = frozenset({"F32", "F16", "BF16"})


class TooLarge(ValueError):
    """A config asks for a larger network than its file can fill."""


@contextmanager
def limited(tensors: int, numbers: int) -> Iterator[None]:
    """Let this thread build networks of at most so many tensors and numbers in all.

    Args:
        tensors: parameters and buffers.
        numbers: in all of them.

    Raises:
        TooLarge: as soon as something is built beyond that.
    """
    owner = threading.get_ident()
    built = {"tensors": 0, "numbers": 0}

    def count(_module: Any, _name: str, tensor: Tensor | None) -> None:
        if tensor is None or threading.get_ident() != owner:
            return
        built["tensors"] += 1
        built["numbers"] += tensor.numel()
        if built["tensors"] > tensors or built["numbers"] > numbers:
            raise TooLarge("it asks for a larger network than the file holds")

    hooks = (
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def as_stored(stored: Mapping[str, StoredTensor]) -> Iterator[None]:
    """Let this thread build what a file can fill, and a little that is cut off again.

    Args:
        stored: the file's tensors by name.

    Raises:
        TooLarge: as soon as something is built beyond that.
    """
    numbers = sum(prod(tensor.shape) for tensor in stored.values())
    with limited(2 * len(stored) + SPARE_TENSORS, 2 * numbers + SPARE_NUMBERS):
        yield


def mismatch(stored: Mapping[str, StoredTensor], wanted: Mapping[str, Tensor]) -> str:
    """What keeps a file's tensors from being exactly a network's; '' if nothing does.

    Args:
        stored: the file's, by the network's names.
        wanted: the network's, which may have no memory (torch's ``meta`` device).
    """
    if missing := sorted(wanted.keys() - stored.keys()):
        return f"it lacks {_named(missing)}"
    if useless := sorted(stored.keys() - wanted.keys()):
        return f"it holds {_named(useless)}, which belongs nowhere"
    for name, tensor in wanted.items():
        dtype, shape = stored[name]
        if shape != tuple(tensor.shape):
            return f"{name} is {_shape(shape)}, and would have to be {_shape(tensor.shape)}"
        if (dtype in _FLOATS) != tensor.is_floating_point():
            return f"{name} holds numbers of the kind {dtype}"
    return ""


def _named(names: list[str]) -> str:
    first = names[0][:100]
    return f"{first} and {len(names) - 1:,} more" if len(names) > 1 else first


def _shape(shape: Any) -> str:
    return " x ".join(f"{side:,}" for side in shape[:6]) or "one number"

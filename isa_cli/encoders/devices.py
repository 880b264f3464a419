"""Where a model computes, and with how many bits."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from isa_cli.config import usable_cores
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""CPU features, x86 and Arm, with which bf16 is faster than fp32; emulated it is far slower."""


@dataclass(frozen=True, slots=True)
class Place:
    """A device and a precision.

    Attributes:
        device: where.
        precision: ``fp32``, ``bf16`` or ``fp16``.
    """

    device: torch.device
    precision: str

    @property
    def dtype(self) -> torch.dtype:
        """Torch's name of the precision."""
        return PRECISIONS[self.precision]

    def __str__(self) -> str:
        """Return ``cuda:0 (NVIDIA H200) in bf16``, as people read it."""
        detail = f"{usable_cores()} cores"
        if self.device.type == "cuda":
            detail = torch.cuda.get_device_name(self.device)
        elif self.device.type == "mps":
            detail = "Apple GPU"
        return f"{self.device} ({detail}) in {self.precision}"


def choose_place(device: str = "auto", precision: str = "auto") -> Place:
    """Return the place asked for; ``auto`` is cuda, then mps, then cpu, and bf16 in hardware.

    Raises:
        UsageError: there is no such device or precision here.
    """
    chosen = _device(device)
    if precision == "auto":
        precision = "bf16" if _has_bf16(chosen) else "fp32"
    if precision not in PRECISIONS:
        raise UsageError(
            f"no precision is called {precision!r}", f"there are: auto, {', '.join(PRECISIONS)}"
        )
    return Place(chosen, precision)


@contextmanager
def same_threads_afterwards() -> Iterator[None]:
    """Keep the number of torch's threads that a context sets for one of its own to itself.

    Torch gives the number that any thread has set to every thread that first asks later on.
    """
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _available() -> list[str]:
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if not torch.cuda.is_available():
        cuda = []
    return [*cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def _device(name: str) -> torch.device:
    available = _available()
    if name == "auto":
        return torch.device(available[0])
    full = "cuda:0" if name == "cuda" else name
    if full not in available:
        raise UsageError(
            f"there is no device {name!r} here",
            f"this machine has: {', '.join(available)} (and torch {torch.__version__})",
        )
    return torch.device(full)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        # including_emulation=False: an old GPU says yes otherwise, and crawls
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and not _BF16_FLAGS.isdisjoint(_cpu_flags())


@functools.cache
def _cpu_flags() -> frozenset[str]:
    """Return the CPU's features as Linux names them; none elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()

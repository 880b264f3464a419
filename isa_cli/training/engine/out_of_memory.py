"""Out of memory: said in words, with the batch size to try."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from isa_cli.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALLEST = 2

_SAYINGS = ("can't allocate memory", "out of memory")
"""What a bare ``RuntimeError`` says when a CPU's or an Apple GPU's allocator gives up."""


@contextmanager
def out_of_memory_told(batch: int, accumulate: int = 1) -> Iterator[None]:
    """Turn the context's out-of-memory errors, which have many types, into one.

    Args:
        batch: photos per batch.
        accumulate: batches per step of the optimiser.

    Raises:
        TrainingError: memory ran out; its hint names a batch half as large.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise TrainingError(
            f"out of memory with batches of {batch}", _hint(batch, accumulate)
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(saying in str(error) for saying in _SAYINGS)


def _hint(batch: int, accumulate: int) -> str:
    if batch <= SMALLEST:
        return "try a smaller --light-size, or another encoder with --light"
    return (
        f"try --batch-size {max(SMALLEST, batch // 2)} --accumulate {2 * accumulate}, "
        "with --fresh if part of the run is done"
    )

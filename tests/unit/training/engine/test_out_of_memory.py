"""Out of memory is one sentence with a batch size to try; other errors are left alone."""

from __future__ import annotations

import threading

import pytest
import torch

from isa_cli.errors import TrainingError
from isa_cli.reporting import Silent
from isa_cli.training.engine.loop import Loop, Schedule
from isa_cli.training.engine.out_of_memory import out_of_memory_told
from isa_cli.training.engine.run_folder import RunFolder

ON_CPU = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
ON_MPS = "MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)"


class Greedy:
    """A task that wants too much."""

    steps_per_epoch = 4

    def __init__(self, error):
        self.module = torch.nn.Linear(1, 1)
        self._error = error

    def groups(self):
        return [{"params": list(self.module.parameters())}]

    def losses(self, _step):
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(ON_CPU),
        RuntimeError(ON_MPS),
        MemoryError(),
    ],
    ids=["CUDA", "CPU", "MPS", "numpy"],
)
def test_running_out_names_the_batch_to_try_whatever_says_so(tmp_path, error):
    cpu = torch.device("cpu")
    loop = Loop(Greedy(error), Schedule(), RunFolder(tmp_path, {}), cpu, Silent())
    with (
        pytest.raises(TrainingError, match="out of memory with batches of 64") as caught,
        out_of_memory_told(64),
    ):
        loop.run(threading.Event())
    assert "--batch-size 32 --accumulate 2" in caught.value.hint
    assert caught.value.__cause__ is error


def test_torch_really_says_so():
    """The sentence looked for is torch's own."""
    with pytest.raises(TrainingError), out_of_memory_told(64):
        torch.empty(2**60)


def test_what_is_accumulated_stays_the_same():
    with pytest.raises(TrainingError) as caught, out_of_memory_told(30, accumulate=4):
        raise MemoryError
    assert "--batch-size 15 --accumulate 8" in caught.value.hint


def test_the_smallest_batch_can_not_be_halved():
    with pytest.raises(TrainingError) as caught, out_of_memory_told(2):
        raise MemoryError
    assert "--light" in caught.value.hint
    assert "--batch-size" not in caught.value.hint


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match="shapes"), out_of_memory_told(64):
        raise RuntimeError("shapes don't fit")

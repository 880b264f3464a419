"""What weights files announce, and those that would cost more than they hold."""

import json
import os
import resource
import struct
import zipfile

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from isa_cli.encoders.budget import TooLarge, as_stored, limited, mismatch
from isa_cli.encoders.tensor_files import StoredTensor, announced, check_weights_file, most_numbers
from isa_cli.encoders.weights import read_weights_file, unusable
from isa_cli.errors import ModelError


def raw(path, header, body=b""):
    """Write a safetensors file by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def peak():
    """The most memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- what is announced ---


def test_names_kinds_and_shapes_are_told_without_reading_numbers(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors = {"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.int64)}
    save_file(tensors | {"c": torch.zeros((), dtype=torch.bfloat16)}, path, metadata={"k": "v"})
    file = announced(path)
    assert file.tensors == {"a": ("F32", (2, 3)), "b": ("I64", (4,)), "c": ("BF16", ())}
    assert file.metadata == {"k": "v"}
    assert file.numbers == most_numbers(path) == 11


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"a": ONE | {"shape": [10**9, 10**9]}}, b"\0" * 4),
        ({"a": ONE | {"shape": [2**62, 2**62]}}, b"\0" * 4),
        ({"a": ONE | {"shape": [-1]}}, b"\0" * 4),
        ({"a": ONE}, b""),
        ({"a": ONE | {"data_offsets": [0, 2**40]}}, b"\0" * 4),
        ({"a": ONE, "b": ONE}, b"\0" * 4),
        ({"a": ONE | {"dtype": "F99"}}, b"\0" * 4),
        ({"a": ONE | {"data_offsets": [8, 4]}}, b"\0" * 8),
        (b"[" * 100_000, b""),
        (b'{"a":' * 100_000, b""),
        (b'{"a\\ud800": {}}', b""),
        (b"\xff\xfe", b""),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, header, body):
    path = raw(tmp_path / "a.safetensors", header, body)
    with pytest.raises(SafetensorError):
        announced(path)
    with pytest.raises(ModelError, match="can't be read as weights") as caught:
        check_weights_file(path)
    assert caught.value.hint
    assert len(caught.value.message) < 500 + len(str(path))


def test_a_header_without_end_is_not_read(tmp_path):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 1 << 33))
        file.truncate(1 << 34)  # no byte of it is on the disk
    before = peak()
    with pytest.raises(SafetensorError, match="8,589,934,592 bytes, the limit"):
        announced(path)
    assert peak() - before < 50_000_000


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_what_is_no_file_is_told_and_never_waited_for(tmp_path, suffix):
    os.mkfifo(tmp_path / f"fifo{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    for name, said in {"fifo": "pipe", "folder": "folder", "none": "no such file"}.items():
        with pytest.raises(ModelError, match=said):
            check_weights_file(tmp_path / f"{name}{suffix}")


# --- archives and pickles ---


def rewritten(path, packed=False, **other):
    """Write a torch file again, packed or with other content of some entries."""
    with zipfile.ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as new:
        for name, content in entries.items():
            new.writestr(name, other.get(name.rpartition("/")[2], content))
    return path


@pytest.fixture
def saved(tmp_path):
    torch.save({"a": torch.zeros(2, 2)}, tmp_path / "a.pt")
    return tmp_path / "a.pt"


@pytest.mark.parametrize("new_format", [True, False])
def test_what_torch_writes_is_read(tmp_path, new_format):
    path = tmp_path / "a.pt"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=new_format)
    assert torch.equal(read_weights_file(path)["a"], torch.ones(2))
    assert most_numbers(path) >= 2


def test_a_packed_archive_is_not_unpacked(saved):
    path = rewritten(saved, packed=True, **{"0": bytes(200_000_000)})
    assert path.stat().st_size < 300_000
    before = peak()
    with pytest.raises(ModelError, match="would unpack to 200,0"):
        read_weights_file(path)
    assert peak() - before < 50_000_000


def test_entries_that_claim_more_than_the_file_has_are_refused(saved):
    data = saved.read_bytes()
    start = data.rindex(b"PK\1\2")  # the last entry of the directory
    huge = struct.pack("<I", 1 << 31)
    saved.write_bytes(data[: start + 20] + huge + huge + data[start + 28 :])
    with pytest.raises(ModelError, match="claim more bytes"):
        read_weights_file(saved)


class _Hungry:
    def __reduce__(self):
        return (bytearray, (1 << 31,))


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_asks_for_memory_gets_none(tmp_path, new_format):
    path = tmp_path / "a.pt"
    torch.save({"a": _Hungry()}, path, _use_new_zipfile_serialization=new_format)
    before = peak()
    with pytest.raises(ModelError, match="more than tensors"):
        read_weights_file(path)
    assert peak() - before < 50_000_000


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: torch.zeros(1).expand(10**6, 10**6), "more numbers than the file holds"),
        (lambda: torch.tensor([1.0, float("nan")]), "not finite"),
        (lambda: torch.tensor([1e300], dtype=torch.float64), "not finite"),
        (lambda: torch.eye(3).to_sparse(), "sparse"),
        (lambda: torch.eye(3).to_sparse_csr(), "sparse"),
        (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "sparse"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "quantised"),
        (lambda: torch.zeros(3, dtype=torch.int64), "int64"),
        (lambda: torch.zeros(3, dtype=torch.complex64), "complex64"),
        (lambda: torch.zeros(3, dtype=torch.bool), "bool"),
        (lambda: torch.zeros(3).to(torch.float8_e4m3fn), "float8"),
        (lambda: torch.zeros(3, device="meta"), "no numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of tensors in beta, or on their way out
def test_tensors_that_are_no_weights_are_named(make, said):
    problem = unusable([("fine", torch.ones(2)), ("odd.weight", make())], 1_000)
    assert problem.startswith("odd.weight ")
    assert said in problem


def test_matrices_of_any_precision_are_weights():
    assert unusable([("fine", torch.ones(2, 3).half().T), ("a", torch.ones(1).double())], 20) == ""


def test_tensors_that_share_memory_may_not_claim_more_together(tmp_path):
    one = torch.ones(100)
    assert "more numbers" in unusable([("a", one), ("b", one)], 500)


# --- never larger than the file ---


def test_nothing_is_built_beyond_the_file():
    stored = {"weight": StoredTensor("F32", (2, 2)), "bias": StoredTensor("F32", (2,))}
    with as_stored(stored):
        nn.Linear(2, 2)
    with as_stored(stored), pytest.raises(TooLarge):
        [nn.Linear(2, 2) for _ in range(10**6)]
    with as_stored(stored), torch.device("meta"), pytest.raises(TooLarge):
        nn.Linear(10**6, 10**6)
    with limited(10, 10), pytest.raises(TooLarge):
        nn.BatchNorm2d(8)  # its statistics count
    nn.Linear(100, 100)  # the limit has ended


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight": ("F32", (2, 3))}, "weight is 2 x 3, and would have to be 2 x 2"),
        ({"weight": ("F32", ())}, "weight is one number"),
        ({"weight": ("I64", (2, 2))}, "weight holds numbers of the kind I64"),
        ({"weight": ("F8_E4M3", (2, 2))}, "F8_E4M3"),
        ({"more": ("F32", (1,))}, "more, which belongs nowhere"),
        ({"weight": None}, "lacks weight"),
        ({"bias": ("F16", (2,))}, ""),
    ],
)
def test_a_file_holds_exactly_what_a_network_is_made_of(change, said):
    stored = {"weight": ("F32", (2, 2)), "bias": ("F32", (2,))} | change
    found = {name: StoredTensor(*each) for name, each in stored.items() if each}
    problem = mismatch(found, nn.Linear(2, 2, device="meta").state_dict())
    assert said in problem
    assert bool(problem) == bool(said)

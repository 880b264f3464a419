"""What a file of weights says it holds, told before any of it is read or built; no torch here.

A header may claim what it likes: names, shapes and sizes are held against the file first, so that
a file of ten kilobytes costs no gigabytes and no minutes.
"""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from safetensors import SafetensorError, safe_open

from isa_cli.errors import ModelError, brief
from isa_cli.regular import opened, reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SAFETENSORS = ".safetensors"

MOST_HEADER = 16_000_000
"""Bytes of a safetensors header that are read (ours): that of ten thousand tensors has one."""

FEWEST_BYTES = 2
"""That a number of a weights file takes: half precision; what is stored smaller isa can't use."""


FEWEST_BYTES_OF_A_TENSOR = 64
"""That torch writes about one, besides its numbers: its entry in the archive alone has more."""

_HINT = "give a .safetensors file, or a .pt, .pth or .bin one that holds nothing but tensors"


class StoredTensor(NamedTuple):
    """A tensor as its file announces it.

    Attributes:
        dtype: as safetensors calls it: ``F32``, ``F16``, ``BF16``, ``I64``, ...
        shape: of the tensor.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TensorFile:
    """A safetensors file of which only the header has been read.

    Attributes:
        tensors: by name.
        metadata: texts by name.
    """

    tensors: Mapping[str, StoredTensor]
    metadata: Mapping[str, str]

    @property
    def numbers(self) -> int:
        """How many numbers all the tensors have."""
        return sum(prod(tensor.shape) for tensor in self.tensors.values())


def announced(path: Path, *, at_most: int = MOST_HEADER) -> TensorFile:
    """What a safetensors file says it holds; safetensors itself checks that all of it is there.

    Args:
        path: of the file.
        at_most: bytes of its header.

    Raises:
        OSError: it can't be read, or is no regular file.
        SafetensorError: it is not whole, no such file, or its header is longer.
    """
    with opened(path) as file:
        head = file.read(8)
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0  # noqa: PLR2004 - a uint64
    size = path.stat().st_size
    if at_most < length <= size:
        raise SafetensorError(f"its header has {length:,} bytes, the limit is {at_most:,}")
    with safe_open(str(path), framework="numpy") as whole:
        slices = {name: whole.get_slice(name) for name in whole.keys()}  # noqa: SIM118
        tensors = {
            name: StoredTensor(each.get_dtype(), tuple(each.get_shape()))
            for name, each in slices.items()
        }
        return TensorFile(tensors, whole.metadata() or {})


def check_weights_file(path: Path) -> None:
    """Refuse a file of weights that is none, or that would unpack to more than it holds.

    Raises:
        ModelError: it is no regular file, not whole, or not what weights are stored in.
    """
    try:
        if path.suffix == SAFETENSORS:
            announced(path)
            return
        with opened(path) as file:
            is_archive = file.read(4) == b"PK\3\4"
        size = path.stat().st_size
        if is_archive:
            _check_archive(path, size)
        _check_pickle(path, inside=is_archive)
    except OSError as error:
        raise ModelError(f"{path} can't be read as weights: {reason(error)}", _HINT) from error
    except (SafetensorError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} can't be read as weights: {brief(error)}", _HINT) from error


def most_numbers(path: Path) -> int:
    """At most so many numbers a file of weights can hold, by its header or its size.

    Raises:
        OSError: it can't be read.
        SafetensorError: it is not whole.
    """
    if path.suffix == SAFETENSORS:
        return announced(path).numbers
    return path.stat().st_size // FEWEST_BYTES


def most_tensors(path: Path) -> int:
    """At most so many tensors a file of weights can hold; raises as ``most_numbers``."""
    if path.suffix == SAFETENSORS:
        return len(announced(path).tensors)
    return path.stat().st_size // FEWEST_BYTES_OF_A_TENSOR


def _check_archive(path: Path, size: int) -> None:
    """Refuse an archive whose entries are packed, or lie upon each other: torch writes no such."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        total = sum(entry.file_size for entry in entries)
        raise ValueError(f"it is packed, and would unpack to {total:,} bytes from {size:,}")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError("its entries claim more bytes than it has")


def _check_pickle(path: Path, *, inside: bool) -> None:
    """Refuse a pickle that asks for memory by number: weights never do.

    torch's reader without code allows ``bytearray``, which a few bytes can ask to be gigabytes.
    """
    if inside:
        with zipfile.ZipFile(path) as archive:
            pickles = [each for each in archive.namelist() if each.endswith("/data.pkl")]
            found = any(_ASKS in archive.read(name) for name in pickles)
    else:
        with opened(path) as file:  # torch's older files begin with theirs
            found = _ASKS in file.read(_MOST_PICKLE)
    if found:
        raise ValueError("it holds more than tensors: a bytearray")


_ASKS = b"bytearray"
_MOST_PICKLE = 64_000_000

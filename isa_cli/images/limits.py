"""What a file may ask of this machine, and what would open one that failed.

A failure's ``needs`` is one of::

    pixels 400000000    as large a picture to be allowed (``ISA_MAX_PIXELS``)
    seconds 60          more time than that (``ISA_MAX_SECONDS``)
    raw, tiff           that extra
"""

from __future__ import annotations

import math
import os
import threading
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, TypeVar

from isa_cli.errors import ImageError, UsageError
from isa_cli.images.decode import max_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MODULES: Final = {"raw": ("rawpy",), "tiff": ("imagecodecs", "tifffile")}
"""Of each extra."""

MAX_SECONDS: Final = 60.0
"""To read one file, and again to decode it (ours): a phone's largest takes 2 s on a slow core."""


def max_seconds() -> float:
    """Return how long one file may take to be read, and again to be decoded.

    Raises:
        UsageError: ``ISA_MAX_SECONDS`` is not a number above zero.
    """
    setting = os.environ.get("ISA_MAX_SECONDS") or str(MAX_SECONDS)
    try:
        seconds = float(setting)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= threading.TIMEOUT_MAX:  # nor a NaN
        raise UsageError(f"ISA_MAX_SECONDS is {setting!r}, which is no number of seconds above 0")
    return seconds


def is_met(needs: str) -> bool:
    """Return whether what a failed file needed is there now; '' was nothing that is known.

    Raises:
        UsageError: a limit is no number.
    """
    kind, _, amount = needs.partition(" ")
    if kind == "pixels":
        return max_pixels() >= int(amount)
    if kind == "seconds":
        return max_seconds() > float(amount)
    try:
        return kind in _MODULES and all(map(import_module, _MODULES[kind]))
    except ImportError:
        return False


@cache
def reader() -> str:
    """Return who reads pictures here: a later isa or decoder may read more than this one."""
    return ", ".join(f"{name} {_version(name)}" for name in ("isa-cli", "pillow", "pillow-heif"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def within(seconds: float, work: Callable[[], T], *, passing: bool) -> T:
    """Return the result of some work, or raise its error, unless that takes too long.

    No thread can be killed: one that takes too long is left behind, and does not keep the
    process from ending.  What it may still come to is dropped.

    Args:
        seconds: of wall time.
        work: called in a thread of its own.
        passing: too long is the file system's fault, not the bytes'.

    Raises:
        ImageError: it took longer, or could not begin.
    """
    result: list[T] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as raised:  # noqa: BLE001 - raised again where somebody waits
            error.append(raised)

    thread = threading.Thread(target=run, name="isa-file", daemon=True)
    try:
        thread.start()
    except RuntimeError as refused:  # the system has no more
        raise ImageError("there is no thread left to read it with", passing=True) from refused
    thread.join(seconds)
    if error:
        raise error[0]
    if result:
        return result[0]
    raise ImageError(
        f"took longer than {seconds:g} s to {'read' if passing else 'open'} (ISA_MAX_SECONDS)",
        "set ISA_MAX_SECONDS to a higher number if it may take that long",
        passing=passing,
        needs="" if passing else f"seconds {seconds!r}",
    )

"""What the files beside a photo say of it, where the photo itself is silent.

Photo programs leave XMP (``x.jpg.xmp``, ``x.xmp``), Google Takeout JSON (``x.jpg.json`` and its
many variants).  A sidecar is believed after the photo's own date of exposure and its own place,
XMP before the ``Creation Time`` of a PNG and that before Takeout, Takeout before the date of
digitising or editing.

Sidecars are looked for when a photo's bytes are read, and only then: one that comes or changes
later is noticed when the photo changes or with ``isa index --reread``, and of photos with the same
bytes only the first one's count.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH116, PTH118, PTH122, PTH208

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from isa_cli.errors import ImageError
from isa_cli.images.files import read_file
from isa_cli.images.statement import Statement
from isa_cli.images.takeout import takeout_names, takeout_statement
from isa_cli.images.xmp import xmp_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from isa_cli.types import PhotoInfo

_MOST_BYTES: Final = 16 << 20  # masks and histories make XMP large; its dates come first
_MOST_FILES: Final = 4  # tried for one photo
_SETTLED_NS: Final = 2_000_000_000  # as coarse as a file system's clock may be (FAT)


def with_sidecars(path: bytes, info: PhotoInfo) -> PhotoInfo:
    """Return a photo's description with what the files beside it add; never fails.

    A photo that knows its date and place costs nothing, any other one a ``stat`` of its folder.
    The folder is listed once, not searched for each of 30 possible names.

    Args:
        path: of the photo (``os.fsencode``).
        info: what its own bytes say.
    """
    if _is_content(info):
        return info
    folder, name = os.path.split(path)
    folder = folder or b"."
    beside = _sidecars_in(folder)
    return completed(info, os.fsdecode(name), beside, partial(_read, folder)) if beside else info


def completed(
    info: PhotoInfo, name: str, beside: Mapping[str, str], read: Callable[[str], bytes]
) -> PhotoInfo:
    """Return a description with what sidecars add.

    Args:
        info: what the photo's own bytes say.
        name: of the photo, without its folder.
        beside: the files in its folder, as ``by_name`` returns them.
        read: returns the bytes of such a file, or raises ``ImageError``.
    """
    witnesses = list(_xmp(name, beside, read))
    info = _told(info, witnesses, replaces={None, "creation", "editing"})
    if not _is_content(info):
        info = _told(info, _takeout(name, beside, read), replaces={None, "editing"})
    digitised = next((w.digitised for w in witnesses if w.digitised), None)
    if digitised and not info.taken_at:
        info = replace(info, taken_at=digitised, dated_by="editing")
    return info


def by_name(names: Iterable[str]) -> dict[str, str]:
    """Return files by their names, also where ``.XMP`` or ``.JSON`` is written large."""
    names = sorted(names)
    small = (
        (stem + suffix.lower(), stem + suffix) for stem, suffix in map(os.path.splitext, names)
    )
    return dict(small) | {name: name for name in names}


def _is_content(info: PhotoInfo) -> bool:
    return info.dated_by == "exposure" and info.latitude is not None


def _told(info: PhotoInfo, witnesses: Iterable[Statement], replaces: set[Any]) -> PhotoInfo:
    """Return a description with what the witnesses add to it, or know better."""
    for witness in witnesses:
        if witness.taken and info.dated_by in replaces:
            info = replace(info, taken_at=witness.taken, dated_by="exposure")
        if witness.place and info.latitude is None:
            info = replace(info, latitude=witness.place[0], longitude=witness.place[1])
        info = replace(info, camera=info.camera or witness.camera)
    return info


def _xmp(name: str, beside: Mapping[str, str], read: Callable[[str], bytes]) -> Iterator[Statement]:
    """Yield what XMP beside the photo says, its very own first."""
    for own in (f"{name}.xmp", f"{os.path.splitext(name)[0]}.xmp"):
        if found := beside.get(own):
            with suppress(ImageError):
                yield xmp_statement(read(found))


def _takeout(
    name: str, beside: Mapping[str, str], read: Callable[[str], bytes]
) -> Iterator[Statement]:
    """Yield what Takeout's JSON says, of the first file that says anything."""
    tried: set[str] = set()
    for own in takeout_names(name):
        found = beside.get(own.name)
        if not found or found in tried:
            continue
        tried.add(found)
        with suppress(ImageError, ValueError, RecursionError):
            statement = takeout_statement(read(found), own.title)
            if statement != Statement():
                yield statement
                return
        if len(tried) == _MOST_FILES:
            return


def _read(folder: bytes, name: str) -> bytes:
    return read_file(os.path.join(folder, os.fsencode(name)), max_bytes=_MOST_BYTES)


def _sidecars_in(folder: bytes) -> Mapping[str, str]:
    """Return the files in a folder that may be sidecars; the same until the folder changes."""
    try:
        changed = os.stat(folder).st_mtime_ns
        settled = time.time_ns() - changed > _SETTLED_NS  # else it may change and look the same
        return (_listed if settled else _listed.__wrapped__)(folder, changed)
    except OSError:
        return {}


@lru_cache(maxsize=16)
def _listed(folder: bytes, changed: int) -> Mapping[str, str]:
    """Return the sidecars in a folder as it was when it last changed."""
    del changed  # is there for the cache
    names = (os.fsdecode(name) for name in os.listdir(folder))
    return by_name(name for name in names if name.lower().endswith((".xmp", ".json")))

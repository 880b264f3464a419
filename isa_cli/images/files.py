"""A photo's bytes out of the file system, and the digest that names them."""

from __future__ import annotations

import errno
import os
import stat
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from isa_cli.errors import ImageError
from isa_cli.images.reasons import NO_MEMORY

if TYPE_CHECKING:
    from io import FileIO

DIGEST_SIZE: Final = 16
"""Bytes in a content digest; two of a billion photos share one with a chance of 1e-21."""

MAX_BYTES: Final = 1 << 30
"""A file this large is no photo; its bytes are held in memory."""

_PIECE: Final = 1 << 16
"""Bytes that are read at once beyond what a file was said to have."""

_SUFFIXES: Final = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .tif .tiff .avif .avifs"
    b" .heic .heif .heics .heifs .hif"
    b" .3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf"
    b" .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)

_READ_ERRORS: Final = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.EACCES: "no permission to read it",
    errno.EPERM: "no permission to read it",
    errno.EISDIR: "a folder, not a file",
    errno.ENXIO: "a socket or a device, not a file",
    errno.ELOOP: "a link that leads in a circle",
    errno.ENAMETOOLONG: "its name is too long for this system",
}


def looks_like_photo(name: bytes) -> bool:
    """Return whether a file's name ends as a photo's does; what it holds is sniffed later."""
    return os.path.splitext(name)[1].lower() in _SUFFIXES  # noqa: PTH122 - pathlib takes no bytes


def digest(data: bytes) -> bytes:
    """Return the digest (``DIGEST_SIZE`` bytes) that names this content in the catalogue."""
    return blake2b(data, digest_size=DIGEST_SIZE).digest()


def read_file(path: bytes | str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return a regular file's bytes; never waits for a pipe.

    Raises:
        ImageError: it is missing, unreadable, no regular file, empty or too large.  What the file
            system says is passing: a share or a permission may be back the next time.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ImageError("a pipe or a device, not a file")
            if found.st_size > max_bytes:
                raise ImageError(
                    f"too large: {found.st_size:,} bytes, the limit is {max_bytes:,} bytes"
                )
            data = _all(file, found.st_size, max_bytes)
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.islink(path):  # noqa: PTH114 - may be bytes
            raise ImageError("a link that leads nowhere", passing=True) from error
        reason = _READ_ERRORS.get(error.errno or 0) or error.strerror or str(error)
        raise ImageError(reason, passing=True) from error  # the bytes were never seen
    except ValueError as error:  # a NUL in the name
        raise ImageError("no possible file name") from error
    except MemoryError as error:
        raise ImageError(NO_MEMORY, passing=True) from error
    if not data:
        raise ImageError("an empty file")
    return data


def _all(file: FileIO, size: int, max_bytes: int) -> bytes:
    """Return a file's bytes, also if it grows meanwhile; no more than the limit is read."""
    parts: list[bytes] = []
    left = max_bytes + 1
    while left and (part := file.read(min(left, max(size + 1, _PIECE)))):
        parts.append(part)
        left -= len(part)
        size = 0  # what follows was not there before
    if not left:
        raise ImageError(f"too large: it grew past the limit, {max_bytes:,} bytes")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))

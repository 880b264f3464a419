"""Files that a person names, opened only where they are files: nothing here waits for a pipe.

A fifo would hold a reader up for ever, a device has no end, and a folder is told differently by
every library.  All that is no regular file is an ``OSError`` with a reason in ``strerror``, like
any other reason why a file can't be read.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import BufferedReader
    from typing import TypeAlias

    Name: TypeAlias = bytes | str | os.PathLike[str]

READ_ERRORS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.EACCES: "no permission to read it",
    errno.EPERM: "no permission to read it",
    errno.EISDIR: "a folder, not a file",
    errno.ENXIO: "a socket or a device, not a file",
    errno.ELOOP: "a link that leads in a circle",
    errno.ENAMETOOLONG: "its name is too long for this system",
}
"""What the usual refusals of an operating system mean to a person."""

_PIECE = 1 << 16
"""Bytes that are read at once beyond what a file was said to have."""


def opened(path: Name, *, at_most: int | None = None) -> BufferedReader:
    """A regular file, open for reading bytes; never waits.

    Args:
        path: of the file; links are followed.
        at_most: bytes that it may have; ``None``: any number.

    Raises:
        OSError: it can't be opened, is no regular file, or is larger.
    """
    try:
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.EINVAL, "no possible file name") from error
    try:
        _check(os.fstat(file.fileno()), path, at_most)
    except BaseException:
        file.close()
        raise
    return file


def read_bytes(path: Name, *, at_most: int | None = None) -> bytes:
    """What a regular file holds, also if it grows meanwhile; raises as ``opened``."""
    with opened(path, at_most=at_most) as file:
        return file.read() if at_most is None else _all(file, path, at_most)


def read_text(path: Name, *, at_most: int | None = None) -> str:
    """What a regular file in UTF-8 says, without a byte order mark; raises as ``opened``.

    Raises:
        UnicodeDecodeError: it is in another encoding, or no text.
    """
    return read_bytes(path, at_most=at_most).decode("utf-8-sig")


def check(path: Name, *, at_most: int | None = None) -> None:
    """Refuse what is no regular file, before a library opens it by name; raises as ``opened``."""
    opened(path, at_most=at_most).close()


def is_there(path: Name) -> bool:
    """Whether anything has that name; no name is too odd to ask about."""
    try:
        os.stat(path)  # noqa: PTH116 - may be bytes
    except (OSError, ValueError):
        return False
    return True


def reason(error: OSError) -> str:
    """Why a file can't be read, as a short phrase."""
    return READ_ERRORS.get(error.errno or 0) or error.strerror or str(error)


def _check(found: os.stat_result, path: Name, at_most: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "a pipe or a device, not a file", _shown(path))
    if at_most is not None and found.st_size > at_most:
        raise OSError(
            errno.EFBIG,
            f"too large: {found.st_size:,} bytes, the limit is {at_most:,} bytes",
            _shown(path),
        )


def _all(file: BufferedReader, path: Name, at_most: int) -> bytes:
    """Return a file's bytes; no more than one above the limit is read."""
    size, left = os.fstat(file.fileno()).st_size, at_most + 1
    parts: list[bytes] = []
    while left and (part := file.read(min(left, max(size + 1, _PIECE)))):
        parts.append(part)
        left -= len(part)
        size = 0  # what follows was not there before
    if not left:
        text = f"too large: it grew past the limit, {at_most:,} bytes"
        raise OSError(errno.EFBIG, text, _shown(path))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _shown(path: Name) -> str:
    return os.fsdecode(path)


def _open_without_waiting(path: Any, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))

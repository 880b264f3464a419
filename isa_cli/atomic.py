"""One way to write a file whole: whoever looks sees what was there before, or all of the new.

Every file that isa writes for later goes through here: a temporary name in the same folder, fsync,
``os.replace``, and the folder's fsync, without which the new name can be lost with the power.
What kills the process leaves at most a hidden ``.NAME.PID.part`` beside the file, never a half one.

    with replacing(path) as part:        # for libraries that want a path
        picture.save(part)
    write_text(path, "{}")

Where a library hides why it could not write (torch, numpy), let it write to memory, and write that:
a full disk is to be told from a folder that is somebody else's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".part"
"""What a file that is not whole yet is called by."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` when the context ends well.

    The file is there already, empty, with the permissions that ``path`` has or that any new file
    gets: some libraries would make it readable by its owner alone.

    Args:
        path: of the file; its folder exists.

    Raises:
        OSError: it can't be written; ``path`` is what it was, and nothing is left behind.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "numbers.txt"
        >>> with replacing(path) as part:
        ...     _ = part.write_text("1 2 3")
        >>> path.read_text()
        '1 2 3'
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident():x}{SUFFIX}")
    try:
        part.write_bytes(b"")
        if path.exists():
            shutil.copymode(path, part)
        yield part
        _sync(part, os.O_RDWR)
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = os.fspath(path)  # a full disk names none, others the part
        raise
    if os.name != "nt":  # Windows has no such call for folders, and needs none
        _sync(path.parent, os.O_RDONLY)


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole; see ``replacing``."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a file whole, in UTF-8 and with the line ends as they are; see ``replacing``."""
    write_bytes(path, text.encode())


def sweep(folder: Path, name: str) -> None:
    """Delete what killed writers of files called ``name``, a glob pattern, have left behind."""
    for left in folder.glob(f".{name}.*{SUFFIX}"):
        with contextlib.suppress(OSError):
            left.unlink()


def _sync(path: Path, flags: int) -> None:
    """Make what was written durable."""
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""A photo's bytes out of the file system, and the digest that names them."""

from __future__ import annotations

import errno
import os
from hashlib import blake2b
from typing import Final

from isa_cli.errors import ImageError
from isa_cli.images.reasons import NO_MEMORY
from isa_cli.regular import read_bytes, reason

DIGEST_SIZE: Final = 16
"""Bytes in a content digest; two of a billion photos share one with a chance of 1e-21."""

MAX_BYTES: Final = 1 << 30
"""A file this large is no photo; its bytes are held in memory."""

_SUFFIXES: Final = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .tif .tiff .avif .avifs"
    b" .heic .heif .heics .heifs .hif"
    b" .3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf"
    b" .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)


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
        data = read_bytes(path, at_most=max_bytes)
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.islink(path):  # noqa: PTH114 - may be bytes
            raise ImageError("a link that leads nowhere", passing=True) from error
        ours = error.errno in {errno.EINVAL, errno.EFBIG}  # what it is; else bytes were never seen
        raise ImageError(reason(error), passing=not ours) from error
    except MemoryError as error:
        raise ImageError(NO_MEMORY, passing=True) from error
    if not data:
        raise ImageError("an empty file")
    return data

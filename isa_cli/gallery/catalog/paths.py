"""Paths as the catalogue keeps them: absolute, as bytes, in two parts."""

from __future__ import annotations

import os

_SEPARATOR = os.fsencode(os.sep)
_AFTER_SEPARATOR = bytes([_SEPARATOR[0] + 1])


def split(path: bytes) -> tuple[bytes, bytes]:
    """Return (folder, name)."""
    return os.path.split(path)


def join(folder: bytes, name: bytes) -> bytes:
    """Return the path of a file."""
    return os.path.join(folder, name)  # noqa: PTH118  (a path need not be text)


def below(folder: bytes) -> tuple[bytes, bytes, bytes]:
    """Return (path, low, high) to look for ``folder`` and what lies below it.

    That is what equals ``path`` or lies in [low, high).  Bytes are compared, so ``%``, ``_`` and
    a sibling that begins alike mean nothing special.
    """
    path = folder.rstrip(_SEPARATOR)
    return path or _SEPARATOR, path + _SEPARATOR, path + _AFTER_SEPARATOR


def is_under(path: bytes, folder: bytes) -> bool:
    """Return whether a file is ``folder`` itself or lies below it."""
    top, low, _ = below(folder)
    return path == top or path.startswith(low)

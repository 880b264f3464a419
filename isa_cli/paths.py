"""Paths as a person types them; links are never resolved."""

# pathlib either leaves ``..`` in a path or resolves its links, and neither is meant here.
# ruff: noqa: PTH100, PTH111

from __future__ import annotations

import os
from pathlib import Path

from isa_cli.errors import UsageError


def expanded(name: str) -> Path:
    """Return a path as it was written, but for ``~``; an unknown ``~user`` stays."""
    return Path(os.path.expanduser(name))


def absolute(name: str) -> Path:
    """Return a path from the root, without ``~`` and ``..``.

    Raises:
        UsageError: it is relative, and the working directory has been deleted.
    """
    try:
        return Path(os.path.abspath(os.path.expanduser(name)))
    except FileNotFoundError as error:
        raise UsageError(
            f"{name} lies below a working directory that is gone", "cd to one that exists"
        ) from error


def catalogued(name: str) -> bytes:
    """Return the same as the catalogue writes it."""
    return os.fsencode(absolute(name))

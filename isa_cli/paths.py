"""Paths as a person types them; links are never resolved."""

# pathlib either leaves ``..`` in a path or resolves its links, and neither is meant here.
# ruff: noqa: PTH100, PTH111, PTH208

from __future__ import annotations

import os
import unicodedata
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


def composed(name: str) -> str:
    """Return a name with its accents in the letters (NFC), however they were written."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


class Spelling:
    """Finds files however the accents of their names are written.

    ``é`` is one letter or two (NFC, NFD): macOS, archives and spreadsheets do not agree, nobody
    sees the difference, and most file systems take them for two names.
    """

    def __init__(self) -> None:
        self._listed: dict[Path, dict[str, str]] = {}

    def file(self, path: Path) -> Path | None:
        """Return the path of a file as its own folders spell it; ``None``: there is none.

        Args:
            path: absolute; any name at all.
        """
        if os.path.isfile(path):  # noqa: PTH113 - a NUL is no error there
            return path
        if str(path).isascii():
            return None
        there = Path(path.anchor)
        for part in path.parts[1:]:
            exact = there / part
            known = part if os.path.lexists(exact) else self._names(there).get(composed(part))
            if known is None:
                return None
            there /= known
        return there if os.path.isfile(there) else None  # noqa: PTH113

    def _names(self, folder: Path) -> dict[str, str]:
        """The names in a folder by their composed forms."""
        if folder not in self._listed:
            try:
                names = os.listdir(folder)
            except OSError:
                names = []
            self._listed[folder] = {composed(name): name for name in names}
        return self._listed[folder]

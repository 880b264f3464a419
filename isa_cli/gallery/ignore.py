"""Which names a walk passes over: ignore files, a run's own patterns, hidden and system names.

There are two kinds of no, and they differ in what becomes of a photo that is catalogued already:

*unwanted*
    an ignore file (``.isaignore``, gitignore's language) says so.  It is a standing wish about the
    folder it lies in and everything below, so such a photo is forgotten.
*out of scope*
    the options of this run say so (``hidden``, ``include``, ``exclude``).  They narrow one run;
    what they leave out is neither read nor forgotten.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

IGNORE_FILE = b".isaignore"

SYSTEM_NAMES = frozenset(
    {
        b"@eadir",  # Synology's thumbnails
        b"#recycle",  # Synology's bin
        b"#snapshot",  # Synology's old states
        b"$recycle.bin",  # Windows' bin
        b"system volume information",  # Windows
        b"lost+found",  # ext2 to ext4
        b"__macosx",  # resource forks, unpacked from a zip
    }
)
"""Names in lower case; ``._x.jpg`` and ``.thumbnails`` are hidden by their dot already."""

SYSTEM_SUFFIXES = (b".lrdata",)  # Lightroom's previews


def is_hidden(name: bytes) -> bool:
    """Return whether a name is hidden (a leading dot) or a system's own."""
    lower = name.lower()
    return name.startswith(b".") or lower in SYSTEM_NAMES or lower.endswith(SYSTEM_SUFFIXES)


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How one run looks at its folders.

    Attributes:
        include, exclude: gitignore patterns relative to each root.  What they leave out is left
            alone: neither read nor forgotten.
        hidden: also look at names with a leading dot and at systems' own (``ignore.SYSTEM_NAMES``).
        retry_failed: also yield files that failed before and have not changed.
        prune: forget what was catalogued below a root that has vanished.
        reread: also yield what has not changed of these files and folders.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    retry_failed: bool = False
    prune: bool = False
    reread: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The ignore files in force in one folder; ``Rules()`` ignores nothing.

    Attributes:
        layers: (start, patterns) per ignore file, innermost first; ``path[start:]`` is a path
            relative to the ignore file's folder.
    """

    layers: tuple[tuple[int, GitIgnoreSpec], ...] = ()

    @classmethod
    def above(cls, root: bytes) -> Rules:
        """Return the rules that hold in an absolute folder because of the folders around it.

        Naming an ignored folder is asking for it: then only ignore files inside it count.
        """
        rules = cls()
        for folder in reversed(list(parents(root))):
            try:
                rules = rules.inside(folder)
            except ValueError:
                continue  # not ours to report: the walk never lists this folder
        return cls() if rules.unwanted(root, is_folder=True) else rules

    def inside(self, folder: bytes) -> Rules:
        """Return these rules joined by the folder's own ignore file, if it has one.

        Raises:
            ValueError: it cannot be read, or has a line that means nothing; the message says so.
        """
        try:
            with open(os.path.join(folder, IGNORE_FILE), "rb") as file:
                lines = file.read().removeprefix(b"\xef\xbb\xbf").split(b"\n")
            patterns = _patterns([_text(line) for line in lines])
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return self
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"its {os.fsdecode(IGNORE_FILE)} can't be used: {reason}") from error
        return Rules(((_start(folder), patterns), *self.layers))

    def unwanted(self, path: bytes, *, is_folder: bool) -> bool:
        """Return whether an ignore file leaves a path out; the innermost that knows it decides."""
        for start, patterns in self.layers:
            verdict = _verdict(patterns, path[start:], is_folder=is_folder)
            if verdict is not None:
                return verdict
        return False


@dataclass(frozen=True, slots=True)
class Scope:
    """What one run looks at below one root."""

    start: int
    include: GitIgnoreSpec | None
    exclude: GitIgnoreSpec
    hidden: bool

    @classmethod
    def of(cls, root: bytes, options: ScanOptions) -> Scope:
        """Return the scope of a run's options below an absolute root.

        Raises:
            UsageError: a pattern means nothing.
        """
        try:
            include = _patterns(options.include) if options.include else None
            return cls(_start(root), include, _patterns(options.exclude), options.hidden)
        except ValueError as error:
            raise UsageError(
                f"--include or --exclude can't be understood: {error}",
                "patterns are written as in .gitignore: '*.png', 'raw/', '2024/**'",
            ) from error

    def leaves_out(self, path: bytes, *, is_folder: bool) -> bool:
        """Return whether a path is out of scope.

        A folder is never left out by ``include``: something below it may be included.
        """
        if not self.hidden and is_hidden(os.path.basename(path)):
            return True
        relative = path[self.start :]
        if _verdict(self.exclude, relative, is_folder=is_folder):
            return True
        if is_folder or self.include is None:
            return False
        return not _verdict(self.include, relative, is_folder=False)


def parents(path: bytes) -> Iterable[bytes]:
    """Yield the folders around an absolute path, innermost first."""
    parent = os.path.dirname(path)
    while parent != path:
        yield parent
        path, parent = parent, os.path.dirname(parent)


def _start(folder: bytes) -> int:
    return len(os.path.join(folder, b""))


def _text(path: bytes) -> str:
    """Return text that patterns can be held against; bytes that are no text match '?' and '*'.

    A newline is replaced because the patterns' '$' would match before it.
    """
    return path.decode("utf-8", "replace").replace("\n", "\ufffd")


def _verdict(patterns: GitIgnoreSpec, relative: bytes, *, is_folder: bool) -> bool | None:
    """Return whether the last pattern that matches says so; ``None`` where none matches."""
    if not len(patterns):
        return None
    return patterns.check_file(_text(relative) + "/" * is_folder).include


def _patterns(lines: Sequence[str]) -> GitIgnoreSpec:
    for number, line in enumerate(lines, start=1):
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error) as error:
            raise ValueError(f"pattern {number}, {line!r}, means nothing") from error
    return GitIgnoreSpec.from_lines(lines)

"""Which names a walk passes over: ignore files, a run's own patterns, hidden and system names.

There are two kinds of no, and they differ in what becomes of a photo that is catalogued already:

*unwanted*
    an ignore file (``.isaignore``, gitignore's language) says so.  It is a standing wish about the
    folder it lies in and everything below, so such a photo is forgotten.  Folders that other
    programs made (``derivatives``) are unwanted too, unless the run's options or an ignore file
    (``!#recycle/``) ask for them.
*out of scope*
    the options of this run say so (``hidden``, ``include``, ``exclude``).  They narrow one run;
    what they leave out is neither read nor forgotten.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH118, PTH119, PTH120

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.gallery.derivatives import kind_of
from isa_cli.gallery.globs import Globs, read
from isa_cli.regular import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

IGNORE_FILE = b".isaignore"

MAX_BYTES = 4 * 2**20
"""How much of an ignore file counts (ours): ten thousand long lines are less."""

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
        include_derivatives: also look at folders that other programs made, hidden or not.
        retry_failed: also yield files that failed before and have not changed.
        prune: forget what was catalogued below a root that has vanished.
        reread: also yield what has not changed of these files and folders.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    include_derivatives: bool = False
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

    layers: tuple[tuple[int, Globs], ...] = ()

    @classmethod
    def above(cls, root: bytes, warn: Callable[[bytes, str], None] | None = None) -> Rules:
        """Return the rules that hold in an absolute folder because of the folders around it.

        Naming an ignored folder, or one inside it, is asking for it: then only ignore files
        inside count.
        """
        rules = cls()
        asked_for = False
        for folder in reversed(list(parents(root))):
            asked_for = asked_for or rules.unwanted(folder, is_folder=True)
            try:
                rules = rules.inside(folder, warn)
            except ValueError:
                continue  # not ours to report: the walk never lists this folder
        return cls() if asked_for or rules.unwanted(root, is_folder=True) else rules

    def inside(self, folder: bytes, warn: Callable[[bytes, str], None] | None = None) -> Rules:
        """Return these rules joined by the folder's own ignore file, if it has one.

        Args:
            folder: absolute.
            warn: told (ignore file, what of it does not count) where a line is out of all
                proportion; the others count.

        Raises:
            ValueError: it cannot be read, or has a line that means nothing; the message says so.
        """
        path = os.path.join(folder, IGNORE_FILE)
        try:
            lines, said = _lines(path)
            patterns, refused = read(lines, "line")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return self
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"its {os.fsdecode(IGNORE_FILE)} can't be used: {reason}") from error
        for what in (*said, *refused):
            if warn is not None:
                warn(path, what)
        return Rules(((_start(folder), patterns), *self.layers))

    def unwanted(self, path: bytes, *, is_folder: bool) -> bool:
        """Return whether an ignore file leaves a path out; the innermost that knows it decides.

        The folders around it are taken to be wanted: a walk comes from above.
        """
        return bool(self.verdict(path, is_folder=is_folder))

    def verdict(self, path: bytes, *, is_folder: bool) -> bool | None:
        """Return the same; ``None`` where no ignore file knows the path."""
        for start, patterns in self.layers:
            verdict = patterns.verdict(_text(path[start:]), is_folder=is_folder)
            if verdict is not None:
                return verdict
        return None


@dataclass(frozen=True, slots=True)
class Scope:
    """What one run looks at below one root.

    Attributes:
        start: ``path[start:]`` is a path relative to the root.
        include, exclude, hidden, derivatives: as in ``ScanOptions``.
        by_name: the root lies in a folder that another program made: naming it is asking for it,
            so that what a folder in it is must be said by its own name.
    """

    start: int
    include: Globs | None
    exclude: Globs
    hidden: bool
    derivatives: bool
    by_name: bool

    @classmethod
    def of(cls, root: bytes, options: ScanOptions) -> Scope:
        """Return the scope of a run's options below an absolute root.

        Raises:
            UsageError: a pattern means nothing, or is out of all proportion.
        """
        try:
            include = _patterns(options.include) if options.include else None
            exclude = _patterns(options.exclude)
        except ValueError as error:
            raise UsageError(
                f"--include or --exclude can't be understood: {error}",
                "patterns are written as in .gitignore: '*.png', 'raw/', '2024/**'",
            ) from error
        inside = any(kind_of(folder) for folder in (root, *parents(root)))
        derivatives = options.include_derivatives
        return cls(_start(root), include, exclude, options.hidden, derivatives, inside)

    def leaves_out(self, path: bytes, *, is_folder: bool) -> bool:
        """Return whether a path is out of scope.

        A folder is never left out by ``include``: something below it may be included.
        """
        if self._hides(path):
            return True
        relative = _text(path[self.start :])
        if self.exclude.verdict(relative, is_folder=is_folder):
            return True
        if is_folder or self.include is None:
            return False
        return not self.include.covers(relative)

    def derivative(self, path: bytes, siblings: Callable[[], Collection[bytes]]) -> str:
        """The kind of things in a folder that other programs made and this run does not ask for.

        Args:
            path: of the folder.
            siblings: lists the names beside it, in lower case.
        """
        if self.derivatives or (self.hidden and is_hidden(os.path.basename(path))):
            return ""
        return kind_of(path, siblings, by_name=self.by_name)

    def _hides(self, path: bytes) -> bool:
        if self.hidden or not is_hidden(os.path.basename(path)):
            return False
        return not (self.derivatives and kind_of(path))


def parents(path: bytes) -> Iterable[bytes]:
    """Yield the folders around an absolute path, innermost first."""
    parent = os.path.dirname(path)
    while parent != path:
        yield parent
        path, parent = parent, os.path.dirname(parent)


def _start(folder: bytes) -> int:
    return len(os.path.join(folder, b""))


def _text(path: bytes) -> str:
    """Return text that patterns can be held against; bytes that are no text match '?' and '*'."""
    return path.decode("utf-8", "surrogateescape")


def _patterns(texts: Sequence[str]) -> Globs:
    patterns, refused = read(texts, "pattern")
    if refused:
        raise ValueError(refused[0])
    return patterns


def _lines(path: bytes) -> tuple[list[str], list[str]]:
    """Return an ignore file's lines, and what is to be said of it; waits for no pipe.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    with opened(path) as file:
        data = file.read(MAX_BYTES + 1)
    said = []
    if len(data) > MAX_BYTES:
        data = data[: data.rfind(b"\n", 0, MAX_BYTES) + 1]
        said.append(f"what follows its first {MAX_BYTES // 2**20} MiB")
    return [_text(line) for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")], said

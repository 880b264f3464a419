"""What a scan met besides what it yielded, and what it may ask of the catalogue."""

# Paths are bytes, which pathlib does not take.

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from isa_cli.gallery.ignore import parents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from isa_cli.gallery.records import KnownFile
    from isa_cli.types import FileStamp


class Known(Protocol):
    """What the scan asks of the catalogue."""

    def files_in(self, folder: bytes) -> Mapping[bytes, KnownFile]:
        """Return the files catalogued directly in a folder, by name."""

    def folders_under(self, root: bytes) -> Iterable[bytes]:
        """Return the folders at or below ``root`` that hold a catalogued file."""


@dataclass(slots=True)
class Tally:
    """What a scan met besides what it yielded.

    Attributes:
        unchanged: photos that are catalogued as they are.
        skipped_failed: files that failed before and have not changed since.
        ignored: photos and folders left out by a rule; a folder counts once.
        derivatives: those among them that other programs made, and what they hold.
        derivative_files: how many files those hold.
        uncounted: they hold more, but nobody wants to wait for the number.
        passed_over: what is no photo, by suffix (``content.suffix_of``; ``content.NO_FILE``).
        repeats: folders met again through a symbolic link.
        unreadable: (path, reason) of what could not be looked at.
        warnings: (ignore file, what of it does not count).
        missing_roots: roots that are not there; ``gone`` lists nothing below them.
        finished: the walk ran to its end, so what it has not met is not there.
        walked: folders that were listed.
        left_alone: paths that may hold catalogued files but were not looked into.
        vanished: catalogued files of walked folders that are not there, or unwanted.
        adopted: unchanged files of which an earlier isa did not note all that ``stat`` says.
    """

    unchanged: int = 0
    skipped_failed: int = 0
    ignored: int = 0
    derivatives: dict[bytes, str] = field(default_factory=dict)
    derivative_files: int = 0
    uncounted: bool = False
    passed_over: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    unreadable: list[tuple[bytes, str]] = field(default_factory=list)
    warnings: list[tuple[bytes, str]] = field(default_factory=list)
    missing_roots: list[bytes] = field(default_factory=list)

    finished: bool = False
    walked: set[bytes] = field(default_factory=set, repr=False)
    left_alone: set[bytes] = field(default_factory=set, repr=False)
    vanished: list[bytes] = field(default_factory=list, repr=False)
    adopted: list[FileStamp] = field(default_factory=list, repr=False)

    @property
    def other(self) -> int:
        """How many files are no photos, and what is no file at all (a pipe, ...)."""
        return self.passed_over.total()

    def may_be_there(self, path: bytes) -> bool:
        """Return whether the walk cannot tell that a path is gone; the nearest folder decides."""
        lineage = [path, *parents(path)]
        if any(root in lineage for root in self.missing_roots):
            return True
        for folder in lineage:
            if folder in self.walked:
                return False
            if folder in self.left_alone:
                return True
        return False

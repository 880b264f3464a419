"""The walk behind ``scan``: which folders are listed, in which order, and what is noted on the way.

Each real folder is walked once.  Folders reached through a symbolic link wait until everything else
has been walked, so that a photo is listed under its own path where it has one, and a loop of links
ends by itself.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH112, PTH114, PTH116, PTH118, PTH119, PTH120

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, TypeAlias

from isa_cli.gallery.changes import Changes, keeps_inodes
from isa_cli.gallery.content import NO_FILE, NO_PHOTOS, holds_photo, suffix_of
from isa_cli.gallery.derivatives import count
from isa_cli.gallery.ignore import Rules, ScanOptions, Scope
from isa_cli.types import FileStamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from isa_cli.gallery.records import KnownFile
    from isa_cli.gallery.tally import Known, Tally

    Entry: TypeAlias = os.DirEntry[bytes]


@dataclass(frozen=True, slots=True)
class _Folder:
    path: bytes
    real: bytes
    rules: Rules  # of the folders around it
    scope: Scope


class Walk:
    """One scan: roots to walk, and a queue of links for later."""

    def __init__(
        self, known: Known, options: ScanOptions, tally: Tally, is_photo: Callable[[bytes], bool]
    ) -> None:
        self.known, self.options, self.tally, self.is_photo = known, options, tally, is_photo
        self.changes = Changes(retry_failed=options.retry_failed, reread=options.reread)
        self.folders: deque[_Folder] = deque()
        self.links: deque[_Folder] = deque()
        self.named: dict[bytes, set[bytes]] = {}  # files given as roots: folder -> names
        self.real: set[bytes] = set()  # real paths of the folders walked

    def run(self, roots: list[bytes]) -> Iterator[FileStamp]:
        """Yield what ``scan`` promises."""
        for root in roots:
            self._root(root)
        for parent, names in sorted(self.named.items()):
            yield from self._named(parent, names)
        while self.folders or self.links:
            folder = self.folders.popleft() if self.folders else self.links.popleft()
            if not self._is_missing(folder.path):
                yield from self._tree(folder)
        for root in roots:
            self._is_missing(root)  # a disk may have been pulled out meanwhile
        self.tally.derivative_files, whole = count(self.tally.derivatives)
        self.tally.uncounted = not whole
        self.tally.finished = True

    # --- roots -----------------------------------------------------------------------------

    def _root(self, root: bytes) -> None:
        if self._is_missing(root):
            return
        if not os.path.isdir(root):  # a file; or nothing, and then its stat will say so
            self.named.setdefault(os.path.dirname(root), set()).add(os.path.basename(root))
            return
        scope = Scope.of(root, self.options)
        rules = Rules.above(root, self._warn)
        folder = _Folder(root, os.path.realpath(root), rules, scope)
        (self.links if os.path.islink(root) else self.folders).append(folder)

    def _is_missing(self, root: bytes) -> bool:
        """Return whether a root, or a link to a folder, leads nowhere; note it then."""
        try:
            if not stat.S_ISDIR(os.stat(root).st_mode) or not _is_empty(root):
                return False
            # An empty folder that once had photos is taken for a mount point without its disk.
            missing = not self.options.prune and self._has_catalogued(root)
        except (FileNotFoundError, NotADirectoryError):
            missing = not (self.options.prune and self._has_catalogued(root))
        except OSError:
            return False  # it is there; the walk will say why it can't be read
        if missing and root not in self.tally.missing_roots:
            self.tally.missing_roots.append(root)
        return missing

    def _has_catalogued(self, path: bytes) -> bool:
        folder, name = os.path.split(path)
        below = any(True for _ in self.known.folders_under(path))
        return below or name in self.known.files_in(folder)

    def _named(self, folder: bytes, names: set[bytes]) -> Iterator[FileStamp]:
        known = self.known.files_in(folder)
        for name in sorted(names):
            path = os.path.join(folder, name)
            if stamp := self._stamp(path, partial(os.stat, path), known.get(name)):
                yield stamp

    # --- folders ---------------------------------------------------------------------------

    def _tree(self, top: _Folder) -> Iterator[FileStamp]:
        stack = [top]
        while stack:
            folder = stack.pop()
            if folder.real in self.real:
                self.tally.repeats += 1
                continue
            self.real.add(folder.real)
            try:
                with os.scandir(folder.path) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
                folder = replace(folder, rules=folder.rules.inside(folder.path, self._warn))
            except (FileNotFoundError, NotADirectoryError):
                continue  # vanished since its parent was listed
            except (OSError, ValueError) as error:
                self._unreadable(folder.path, error)
                continue
            self.tally.walked.add(folder.path)
            files, below = self._sort(folder, entries)
            yield from self._files(folder, files)
            stack.extend(reversed(below))

    def _sort(self, folder: _Folder, entries: list[Entry]) -> tuple[list[Entry], list[_Folder]]:
        """Return the files, and the folders to walk next; queue the links to folders."""
        files: list[Entry] = []
        below: list[_Folder] = []

        @cache
        def siblings() -> frozenset[bytes]:
            return frozenset(entry.name.lower() for entry in entries)

        for entry in entries:
            try:
                is_folder, is_link = entry.is_dir(), entry.is_symlink()
            except OSError as error:
                self._unreadable(entry.path, error)
                continue
            if not is_folder:
                files.append(entry)
                if is_link and any(True for _ in self.known.folders_under(entry.path)):
                    self._is_missing(entry.path)  # it led to a folder on a disk that isn't there
            elif self._wanted(folder, entry, siblings):
                real = os.path.join(folder.real, entry.name)
                real = os.path.realpath(entry.path) if is_link else real
                child = replace(folder, path=entry.path, real=real)
                (self.links if is_link else below).append(child)
        return files, below

    def _wanted(
        self, folder: _Folder, entry: Entry, siblings: Callable[[], Collection[bytes]]
    ) -> bool:
        verdict = folder.rules.verdict(entry.path, is_folder=True)
        made = folder.scope.derivative(entry.path, siblings)
        if made and verdict is not False:
            self.tally.derivatives[entry.path] = made
        elif folder.scope.leaves_out(entry.path, is_folder=True):
            self.tally.left_alone.add(entry.path)
        elif not verdict:
            return True
        self.tally.ignored += 1
        return False

    def _files(self, folder: _Folder, entries: list[Entry]) -> Iterator[FileStamp]:
        known = self.known.files_in(folder.path)
        named = self.named.get(folder.path, set())
        steady = keeps_inodes(entries, known)
        kept = set()
        for entry in entries:
            name, path, seen = entry.name, entry.path, known.get(entry.name)
            is_photo = seen is not None or self.is_photo(name)
            if name in named:
                kept.add(name)
            elif not is_photo and suffix_of(name) in NO_PHOTOS:
                self.tally.passed_over[suffix_of(name)] += 1
            elif folder.scope.leaves_out(path, is_folder=False):
                self.tally.ignored += 1
                kept.add(name)
            elif folder.rules.unwanted(path, is_folder=False):
                self.tally.ignored += 1
            elif is_photo or self._holds_photo(entry):
                kept.add(name)
                if stamp := self._stamp(path, entry.stat, seen, steady=steady):
                    yield stamp
        lost = sorted(known.keys() - kept)
        self.tally.vanished += [os.path.join(folder.path, name) for name in lost]

    # --- files -----------------------------------------------------------------------------

    def _holds_photo(self, entry: Entry) -> bool:
        """Return whether a file whose name says nothing holds a photo; note it if not."""
        try:
            is_file = entry.is_file()
            if is_file and holds_photo(entry.path):
                return True
        except FileNotFoundError:  # since its folder was listed
            return False
        except OSError as error:
            self._unreadable(entry.path, error)
            return False
        self.tally.passed_over[suffix_of(entry.name) if is_file else NO_FILE] += 1
        return False

    def _stamp(
        self,
        path: bytes,
        look: Callable[[], os.stat_result],
        seen: KnownFile | None,
        *,
        steady: bool = False,
    ) -> FileStamp | None:
        """Return the file's stamp if it is new or to be read again; note it otherwise."""
        try:
            found = look()
        except (FileNotFoundError, NotADirectoryError):
            found = None  # since its folder was listed; or a link that leads nowhere
        except OSError as error:
            self._unreadable(path, error)
            return None
        if found is None or not stat.S_ISREG(found.st_mode):
            self.tally.passed_over.update([NO_FILE] * (found is not None))
            if seen is not None:
                self.tally.vanished.append(path)
            return None
        stamp = FileStamp.of(path, found)
        if seen is None or self.changes.is_due(seen, stamp, steady=steady):
            return stamp
        if seen.failed:
            self.tally.skipped_failed += 1
        else:
            self.tally.unchanged += 1
            if seen.ctime_ns is None:
                self.tally.adopted.append(stamp)
        return None

    def _unreadable(self, path: bytes, error: Exception) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        self.tally.unreadable.append((path, reason))
        self.tally.left_alone.add(path)

    def _warn(self, path: bytes, what: str) -> None:
        if (path, what) not in self.tally.warnings:  # roots may lie below the same ignore file
            self.tally.warnings.append((path, what))


def _is_empty(folder: bytes) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH118


def scan(
    roots: Sequence[bytes],
    known: Known,
    options: ScanOptions,
    tally: Tally,
    is_photo: Callable[[bytes], bool],
) -> Iterator[FileStamp]:
    """Yield the new and the changed photos, in an order that depends on their names only.

    Args:
        roots: folders, and files that are taken whatever their name; may overlap.
        known: the catalogue.  Asked once a folder, just before the folder's files are yielded.
        options: how to look.
        tally: filled in on the way, complete when the iterator ends.
        is_photo: whether a file's name is a photo's; a catalogued file needs no such name.

    Raises:
        UsageError: a pattern means nothing.
    """
    return Walk(known, options, tally, is_photo).run([os.path.abspath(root) for root in roots])


def gone(roots: Sequence[bytes], known: Known, tally: Tally) -> Iterator[bytes]:
    """Yield the catalogued files at or below the roots that are no longer there, or unwanted.

    Nothing is yielded below a missing root or a folder that could not be listed, nor what the
    run's options left out; and nothing at all while the scan has not ended, for what it has not
    met yet may well be there.  What an ignore file leaves out is unwanted, and yielded.

    Args:
        roots: as given to ``scan``.
        known: the catalogue; may be written to while this runs.
        tally: as filled in by the scan.
    """
    if not tally.finished:
        return
    yield from (path for path in dict.fromkeys(tally.vanished) if not tally.may_be_there(path))
    done = set(tally.walked)
    for root in roots:
        for folder in sorted(set(known.folders_under(os.path.abspath(root))) - done):
            done.add(folder)
            if not tally.may_be_there(folder):
                yield from [os.path.join(folder, name) for name in sorted(known.files_in(folder))]

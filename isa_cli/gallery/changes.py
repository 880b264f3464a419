"""Whether a file that is catalogued has to be read again: what ``stat`` and a failure's cause say.

A program may set a file's size and time of writing as it likes, and some do: an edit that keeps
both shows in the time of the last change (ctime), which nobody can set.  That also moves when only
the permissions or the links did, or when the file was copied to another disk: such a file is read
once, recognised by its bytes, and not embedded.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from isa_cli.gallery.ignore import parents
from isa_cli.types import signed

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Mapping

    from isa_cli.gallery.records import KnownFile
    from isa_cli.types import FileStamp


class Changes:
    """What one run takes for changed.

    Args:
        retry_failed: everything that failed.
        reread: files and folders of which everything is.
    """

    def __init__(self, *, retry_failed: bool, reread: Collection[bytes]) -> None:
        self._retry_failed = retry_failed
        self._reread = frozenset(reread)
        self._is_met = cache(_is_met)  # once a run: it may have been installed since

    def is_due(self, seen: KnownFile, stamp: FileStamp, *, steady: bool) -> bool:
        """Return whether a file has to be read again.

        Args:
            seen: the file as it was.
            stamp: as it is.
            steady: as ``keeps_inodes`` says of its folder.
        """
        if differs(seen, stamp, steady=steady):
            return True
        if self._reread and not self._reread.isdisjoint([stamp.path, *parents(stamp.path)]):
            return True
        return seen.failed and (self._retry_failed or self._may_be_mended(seen))

    def _may_be_mended(self, seen: KnownFile) -> bool:
        """Return whether what made a file fail may be gone, though the file is the same."""
        from isa_cli.images import limits  # noqa: PLC0415 - Pillow; most runs have no failure

        return seen.passing or seen.reader != limits.reader() or self._is_met(seen.needs)


def _is_met(needs: str) -> bool:
    from isa_cli.images import limits  # noqa: PLC0415

    return limits.is_met(needs)


def differs(seen: KnownFile, stamp: FileStamp, *, steady: bool = False) -> bool:
    """Return whether a file is another than it was; what nobody looked at then is no difference."""
    if (seen.size, seen.mtime_ns) != (stamp.size, stamp.mtime_ns):
        return True
    if seen.ctime_ns is not None and seen.ctime_ns != stamp.ctime_ns:
        return True
    return steady and seen.inode is not None and seen.inode != stamp.inode


def keeps_inodes(entries: Iterable[os.DirEntry[bytes]], known: Mapping[bytes, KnownFile]) -> bool:
    """Return whether a folder's files still have their inodes: one that has says so of all (ours).

    Many network shares make them up anew with every mount; then an inode means nothing.
    """
    return any(
        seen.inode is not None and seen.inode == signed(entry.inode())
        for entry in entries
        if (seen := known.get(entry.name)) is not None
    )

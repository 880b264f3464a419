"""Folders in; what is new, changed, unchanged and gone out.  Reads no picture: a file costs a stat.

    tally = Tally()
    for stamp in scan(roots, known, options, tally, is_photo):   # lazily, a folder at a time
        ...                                                      # embed it
    for path in gone(roots, known, tally):
        ...                                                      # forget it

Paths are bytes, absolute and written as the user wrote them: links are followed, never resolved.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH118

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from isa_cli.gallery.ignore import Options
from isa_cli.gallery.walk import Known, Tally, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from isa_cli.types import FileStamp

__all__ = ["Known", "Options", "Tally", "gone", "scan"]


def scan(
    roots: Sequence[bytes],
    known: Known,
    options: Options,
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

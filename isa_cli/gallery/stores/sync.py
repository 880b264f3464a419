"""Bringing any index up to the catalogue, whatever engine it is and wherever it runs.

An index is a copy, the catalogue the truth: what the copy has and the catalogue has not is
removed, then what it lacks is added.  Every step may be repeated, so a run that was cut short
anywhere is made good by the next one, which asks the engine what it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isa_cli.filters import And
from isa_cli.gallery.stores.scoring import members
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from isa_cli.protocols import VectorIndex, VectorRows
    from isa_cli.reporting import Reporter
    from isa_cli.types import Keys

ASKED = 8_192
"""Keys an engine is asked about at once; 64 KB to send to one elsewhere."""

STEP = 512
"""Vectors added at once: a megabyte at 512 dimensions, and a look at the progress."""


def sync(
    index: VectorIndex,
    rows: VectorRows,
    reporter: Reporter | None = None,
    *,
    afresh: bool = False,
) -> None:
    """Make the index hold the vectors of the catalogue, all of them and no others.

    ``flush`` makes it durable.  Removing comes first: an engine that would rather start over than
    carry so many removed vectors can do so before anything is added in vain.

    Args:
        index: open for writing.
        rows: the catalogue's vectors.
        reporter: told when vectors have to be added, and why; shows progress.
        afresh: whatever the index has is removed first.

    Raises:
        GalleryError: the engine can't be written to.
    """
    reporter = reporter or Silent()
    live = rows.select(And(()))
    for held in index.held_keys():
        gone = held if afresh else held[~members(held, live)]
        if len(gone):
            index.remove(gone)
    lacking = _lacking(index, live)
    if not len(lacking):
        return
    reason = "it was asked for" if afresh else index.status().reason
    if reason:
        reporter.note(f"making the search index from the catalogue: {reason}")
    else:
        reporter.note(f"adding {len(lacking):,} photos to the search index")
    with reporter.progress("search index", len(lacking), "photo") as progress:
        for keys, vectors in rows.chunks(lacking):
            for start in range(0, len(keys), STEP):
                step = slice(start, start + STEP)
                index.upsert(keys[step], vectors[step])
                progress.advance(len(keys[step]))


def _lacking(index: VectorIndex, live: Keys) -> Keys:
    """Return those of the keys, which rise, that the index has no vector of."""
    parts = [live[start : start + ASKED] for start in range(0, len(live), ASKED)]
    return np.concatenate([live[:0], *(part[~index.known(part)] for part in parts)])

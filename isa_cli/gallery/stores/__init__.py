"""Vector indexes over a gallery's catalogue; ``open_index`` picks the one that suits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.gallery.stores.exact import EXACT_BELOW, ExactIndex
from isa_cli.types import IndexStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from isa_cli.gallery.records import IndexFile
    from isa_cli.protocols import VectorIndex, VectorRows
    from isa_cli.types import EmbeddingSpace

__all__ = ["EXACT_BELOW", "expected_status", "open_index"]


def open_index(
    location: Path | str,
    space: EmbeddingSpace,
    rows: VectorRows,
    file: IndexFile | None = None,
    *,
    record: Callable[[IndexFile], None] | None = None,
) -> VectorIndex:
    """Return the index that suits a gallery of this size, as it was left; ``sync`` fills it.

    Args:
        location: the gallery's folder; an index on a server will be a URL.
        space: of the vectors.
        rows: the catalogue, which is the truth.
        file: the index file that the catalogue knows of.
        record: told of every new index file, to write it down in the catalogue; ``None`` opens
            the index for reading.

    Raises:
        UsageError: the location is a URL, and nothing here speaks it.
    """
    scheme, is_url, _ = str(location).partition("://")
    if is_url:
        raise UsageError(
            f"there is no vector index for {scheme}:// addresses",
            "give a folder; the index is kept in it, beside the catalogue",
        )
    if rows.count() <= EXACT_BELOW:
        return ExactIndex(space, rows)
    from isa_cli.gallery.stores.hnsw_index import HnswIndex  # noqa: PLC0415  (0.1 s)

    return HnswIndex(Path(location), space, rows, file, record=record)


def expected_status(rows: VectorRows, file: IndexFile | None) -> IndexStatus:
    """Return the status that a gallery's index should have, by its catalogue; opens no engine."""
    count = rows.count()
    if count <= EXACT_BELOW:
        return IndexStatus("exact", count)
    if file is None:
        return IndexStatus("HNSW", 0, count, "there is none yet")
    behind = rows.count(after=file.last_key)
    return IndexStatus("HNSW", count - behind, behind, bytes=file.size, place=file.name)

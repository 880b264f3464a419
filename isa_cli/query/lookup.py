"""Which query model serves a gallery: found by its header, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.encoders.names import BUNDLED_QUERY
from isa_cli.query.header import Header, read_header
from isa_cli.regular import is_there

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.types import EmbeddingSpace

__all__ = ["BUNDLED_QUERY", "QUERY_MODEL", "QueryFile", "bundled", "query_file"]

QUERY_MODEL = "query.safetensors"
"""What ``isa train`` and ``isa models import`` put into a gallery's folder."""


@dataclass(frozen=True, slots=True)
class QueryFile:
    """A query model of which only the header has been read.

    Attributes:
        path: the file.
        header: what it says about itself.
    """

    path: Path
    header: Header

    def load(self, space: EmbeddingSpace) -> QueryModel:
        """Return the model with its weights, for a gallery of this space.

        Raises:
            ModelError: it is damaged.
            SpaceMismatch: it belongs to another space.
        """
        from isa_cli.query.checkpoint import load  # noqa: PLC0415 - torch

        return load(self.path, space)


def query_file(folder: Path, space: EmbeddingSpace) -> QueryFile | None:
    """Return the query model of the gallery in a folder: its own, else the bundled one if it fits.

    Raises:
        ModelError: the file is no query model.
    """
    own = folder / QUERY_MODEL
    # also what is no file there was meant to be one, and is told
    return QueryFile(own, read_header(own)) if is_there(own) else bundled(space)


def bundled(space: EmbeddingSpace) -> QueryFile | None:
    """Return the query model that comes with isa, if it is one for this space."""
    if not BUNDLED_QUERY.is_file():
        return None
    header = read_header(BUNDLED_QUERY)
    return QueryFile(BUNDLED_QUERY, header) if header.space == space else None

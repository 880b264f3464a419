"""isa: find pictures in a photo collection by a reference image plus words that change it.

The public names are imported on first use (PEP 562), so ``import isa_cli`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from isa_cli.encoders import load_backbone
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.errors import IsaError
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.search.searcher import Searcher
    from isa_cli.types import EmbeddingSpace, Hit, Photo, Query

_HOME = {
    "EmbeddingSpace": "types",
    "Foundation": "encoders.foundation",
    "Gallery": "gallery.gallery",
    "Hit": "types",
    "IsaError": "errors",
    "Photo": "types",
    "Query": "types",
    "Searcher": "search.searcher",
    "load_backbone": "encoders",
}

__all__ = [
    "EmbeddingSpace",
    "Foundation",
    "Gallery",
    "Hit",
    "IsaError",
    "Photo",
    "Query",
    "Searcher",
    "load_backbone",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]

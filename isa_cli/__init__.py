"""isa: find pictures in a photo collection by a reference image plus words that change it.

::

    import isa_cli

    library = isa_cli.open("~/Pictures.isa", model="small")
    library.index(["~/Pictures"])
    for hit in library.search("ref.jpg", "same dress but sleeveless", top=20):
        print(f"{hit.score:.3f} {hit.photo.path}")

The public names are imported on first use (PEP 562), so ``import isa_cli`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.errors import IsaError
    from isa_cli.library import open_library as open  # noqa: A004 - as gzip.open
    from isa_cli.library.library import Library
    from isa_cli.protocols import Composer, GalleryEncoder, VectorIndex
    from isa_cli.reporting import Reporter
    from isa_cli.search.request import Answer, Request
    from isa_cli.types import Hit, Photo, Query

_HOME = {
    "Answer": "search.request:Answer",
    "Composer": "protocols:Composer",
    "Foundation": "encoders.foundation:Foundation",
    "GalleryEncoder": "protocols:GalleryEncoder",
    "Hit": "types:Hit",
    "IsaError": "errors:IsaError",
    "Library": "library.library:Library",
    "Photo": "types:Photo",
    "Query": "types:Query",
    "Reporter": "reporting:Reporter",
    "Request": "search.request:Request",
    "VectorIndex": "protocols:VectorIndex",
    "open": "library:open_library",
}

__all__ = [
    "Answer",
    "Composer",
    "Foundation",
    "GalleryEncoder",
    "Hit",
    "IsaError",
    "Library",
    "Photo",
    "Query",
    "Reporter",
    "Request",
    "VectorIndex",
    "open",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]

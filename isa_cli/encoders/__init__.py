"""Models: what they are called, where their files are, and how pictures and texts go through them.

The only package that names open_clip and timm.  Importing it imports no torch, and neither do
``resolve``, ``locate`` and ``space_of`` for a model of ``SHORT_NAMES``, a folder or a repository.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from isa_cli.encoders.clip_config import Preprocess
from isa_cli.encoders.files import ModelFiles, all_models, locate, space_of
from isa_cli.encoders.names import SHORT_NAMES, ModelSource, ShortName, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isa_cli.encoders.backbone import Backbone
    from isa_cli.encoders.loading import load_backbone

__all__ = [
    "SHORT_NAMES",
    "Backbone",
    "ModelFiles",
    "ModelSource",
    "Preprocess",
    "ShortName",
    "all_models",
    "load_backbone",
    "locate",
    "resolve",
    "space_of",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use (PEP 562)."""
    if name == "load_backbone":
        with _no_garbage_collection():
            from isa_cli.encoders.loading import load_backbone  # noqa: PLC0415

        return load_backbone
    if name == "Backbone":
        from isa_cli.encoders.backbone import Backbone  # noqa: PLC0415

        return Backbone
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Import without looking for garbage: 2,800 modules make none, and it takes a fifth of 4 s."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

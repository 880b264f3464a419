"""An injection for a query model that has learned without one, and is read without it still (ours).

The paper learns pseudo-words and injection together [stated: Wang et al., 2025, stage I].  Where
the mapper stays as it is, one file answers with both methods, and what the injection is worth can
be told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.query.checkpoint import load
from isa_cli.query.prompt import Template

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.query.header import Header
    from isa_cli.training.settings import Settings
    from isa_cli.types import EmbeddingSpace


def start_of(path: Path, space: EmbeddingSpace) -> QueryModel:
    """Return the query model in a file, if an injection can be added to it.

    Raises:
        ModelError: it can't be read, or is no query model.
        SpaceMismatch: it belongs to another space.
        UsageError: it has no light encoder, or can't be read without the injection that it has.
    """
    model = load(path, space)
    if model.light is None:
        raise UsageError(
            f"the query model {path} has no light encoder for the words to look with",
            "isa train makes one that has",
        )
    if model.injection is not None and not model.injection.config.added:
        raise UsageError(
            f"the words of the query model {path} were learned together with an injection",
            "begin with what isa train made",
        )
    return model


def settings_with(settings: Settings, header: Header) -> Settings:
    """Return the settings of a run that adds an injection to a query model: the rest is given."""
    light, mapper = header.light, header.mapper
    assert light is not None  # ``start_of`` has seen to it
    return replace(
        settings,
        light=light.name,
        light_size=light.size[0],
        symmetric=False,
        light_options=light.extra,
        light_rate=0.0,
        distil_epochs=0,
        mapper=mapper.kind,
        tokens=mapper.tokens,
        width=mapper.width,
        blocks=mapper.blocks,
        heads=mapper.heads,
        fixed_length=mapper.fixed_length,
        template=Template.from_dict(header.template),
    )

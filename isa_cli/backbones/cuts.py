"""What is said of texts that are longer than a model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.types import Reporter

SHOWN = 40
"""Characters of a text that are enough to recognise it by."""


def warn_of_cuts(texts: Sequence[str], cut: Sequence[bool], reporter: Reporter | None) -> None:
    """Tell the reporter, if there is one, of every text whose end was cut."""
    for text, was_cut in zip(texts, cut, strict=True):
        if was_cut and reporter is not None:
            reporter.warn(f"too long for the model, the end was cut: {text[:SHOWN]}…")

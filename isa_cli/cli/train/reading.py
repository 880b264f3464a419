"""From the flags of a command that trains to its options: what is wrong with them comes first."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from isa_cli import wording
from isa_cli.cli.options import existing_file
from isa_cli.errors import UsageError
from isa_cli.training.options import ComposeOptions, MapOptions, TrainOptions, query_model_path

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.train.options import ComposeFlags, MapFlags, RunFlags, TrainFlags

Options = TypeVar("Options", TrainOptions, MapOptions, ComposeOptions)


def train_options(flags: TrainFlags) -> TrainOptions:
    """Return the options of ``isa train``.

    Raises:
        UsageError: a file that is not there, or text that can't be read.
    """
    return _options(TrainOptions, flags, _light(flags))


def map_options(flags: MapFlags) -> MapOptions:
    """Return the options of ``isa train map``.

    Raises:
        UsageError: a file that is not there, text that can't be read, or an option that has no
            use beside another.
    """
    more = {
        "vsi": _layers("--vsi", flags.vsi),
        "start": _existing("--from", flags.start),
        "soft_text": _existing("--soft-text", flags.soft_text),
    }
    return _options(MapOptions, flags, _light(flags) | more)


def compose_options(flags: ComposeFlags) -> ComposeOptions:
    """Return the options of ``isa train compose``.

    Raises:
        UsageError: a file that is not there, or text that can't be read.
    """
    more = {
        "start": _existing("--from", flags.start),
        "adapters": _layers("--adapters", flags.adapters, first=0),
    }
    return _options(ComposeOptions, flags, more)


def query_model_of(flags: RunFlags) -> Path | None:
    """Return where the query model goes; ``None``: where it is usual.

    Raises:
        UsageError: that is no name for one.
    """
    return None if flags.out is None else query_model_path(flags.out)


def triplets_file(flags: ComposeFlags) -> Path:
    """Return the file of triplets.

    Raises:
        UsageError: it is not there.
    """
    return existing_file("--triplets", flags.triplets)


def _options(kind: type[Options], flags: RunFlags, read: dict[str, Any]) -> Options:
    """Return options: those that were read from text, and the flags of the same names."""
    given = {each.name: getattr(flags, each.name) for each in fields(kind)}
    return kind(**given | read)


def _existing(option: str, name: str | None) -> Path | None:
    return None if name is None else existing_file(option, name)


def _light(flags: TrainFlags) -> dict[str, Any]:
    """Return a light encoder's options that are read from text."""
    return {
        "light_weights": _existing("--light-weights", flags.light_weights),
        "light_options": _json(flags.light_options),
    }


def _json(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UsageError(
            f"--light-options is no JSON object: {wording.printable(text[:200])}",
            'write for example \'{"pad_type": "same"}\'',
        )
    return values


def _layers(option: str, text: str | None, first: int = 1) -> tuple[int, ...]:
    """Return layers by number, rising; (): none were named.

    Args:
        option: whose they are.
        text: what it was given.
        first: the lowest number there can be.

    Raises:
        UsageError: the text holds something else.
    """
    if text is None:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(_is_number(word) and int(word) >= first for word in words):
        raise UsageError(
            f"{option} {wording.printable(text) or chr(39) * 2} names no layers of a text tower",
            f"count them from 1, with commas between: {option} 4,8,12",
        )
    return tuple(sorted({int(word) for word in words}))


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 4  # noqa: PLR2004 - no tower has more

"""The values of a header or a config, each of its kind and within reason; standard library only.

JSON may hold anything under any name: whoever builds from it should meet what was promised.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Field: TypeAlias = Callable[[str, Any], Any]
    """Takes a name and a value, gives the value back or raises ``ValueError``."""

MOST = 1_000_000
"""Of whatever is counted: tokens, channels, layers (ours)."""

DEEPEST = 32
"""Levels of JSON (ours); a training record of a training record has five."""

SHOWN = 60
"""Characters of a wrong value in a message."""


def parsed(text: str) -> dict[str, Any]:
    """The object that a JSON text holds.

    Raises:
        ValueError: it is no JSON, no object, says a thing twice, or is nested without end.
    """
    try:
        values = json.loads(text, object_pairs_hook=_once)
        _check_depth(values, DEEPEST)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(values, dict):
        raise ValueError(f"it is {shown(values)}, and should be an object")  # noqa: TRY004
    return values


def checked(name: str, raw: Any, kinds: Mapping[str, Field], *, needed: int = 0) -> dict[str, Any]:
    """An object's values, all of them of their kinds.

    Args:
        name: of the object, for messages.
        raw: what should be the object.
        kinds: what each value has to be, by its name.
        needed: how many of these, from the first, have to be there.

    Raises:
        ValueError: it is no object, lacks a value, or has one that is unknown or wrong.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{name} is {shown(raw)}, and should be an object")  # noqa: TRY004
    if missing := [key for key in list(kinds)[:needed] if key not in raw]:
        raise ValueError(f"{name} has no {missing[0]}")
    if unknown := [key for key in raw if key not in kinds]:
        raise ValueError(f"{name} has {shown(unknown[0])}, which isa does not know")
    return {key: kinds[key](f"{name}'s {key}", value) for key, value in raw.items()}


def whole(least: int = 1, most: int = MOST) -> Field:
    """A whole number within bounds."""

    def field(name: str, value: Any) -> int:
        if type(value) is not int or not least <= value <= most:  # true is no number
            raise ValueError(
                f"{name} is {shown(value)}, and should be a whole number from {least:,} to {most:,}"
            )
        return value

    return field


def number(least: float, most: float) -> Field:
    """A number within bounds, finite."""

    def field(name: str, value: Any) -> float:
        if type(value) not in {int, float} or not least <= value <= most:  # NaN is in none
            raise ValueError(
                f"{name} is {shown(value)}, and should be a number from {least:g} to {most:g}"
            )
        return float(value)

    return field


def text(*choices: str, most: int = 1_000) -> Field:
    """A text of some length, and one of some where those are given."""

    def field(name: str, value: Any) -> str:
        if not isinstance(value, str) or not value or len(value) > most:
            raise ValueError(f"{name} is {shown(value)}, and should be a text")
        if choices and value not in choices:
            raise ValueError(f"{name} is {shown(value)}, and should be {' or '.join(choices)}")
        return value

    return field


def flag(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}, and should be true or false")  # noqa: TRY004
    return value


def objects(name: str, value: Any) -> dict[str, Any]:
    """An object of anything."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {shown(value)}, and should be an object")  # noqa: TRY004
    return value


def several(each: Field, least: int, most: int) -> Field:
    """A list of values of one kind."""

    def field(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            many = f"{least}" if least == most else f"{least} to {most:,}"
            raise ValueError(f"{name} is {shown(value)}, and should be a list of {many}")
        return tuple(each(name, one) for one in value)

    return field


def shown(value: Any) -> str:
    """A wrong value, short enough for a message; of what holds others, only what it is."""
    if isinstance(value, dict | list | tuple):
        called = "an object" if isinstance(value, dict) else "a list"
        return f"{called} of {len(value):,}"
    if type(value) is int and abs(value) > 1 << 64:
        return "a huge number"
    said = json.dumps(value)  # ASCII: whatever a text holds, it can be printed
    return said if len(said) <= SHOWN else f"{said[:SHOWN]}…"


def is_finite(value: Any) -> bool:
    """Whether no number in a JSON value is NaN or infinite."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_finite, value))
    return not isinstance(value, float) or isfinite(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"it says {shown(name)} twice")
        values[name] = value
    return values


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise RecursionError
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, left - 1)

"""Commands whose options are the fields of a dataclass, so that several can share them."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

Flags = TypeVar("Flags")


def spread(flags: type[Flags]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return a decorator for a command that takes its options as one value: ``flags``.

    Typer reads a command's options from its signature.  The decorated command's has the fields of
    the dataclass in the place of ``flags``: those of a subclass before those of its bases.  Called
    with fewer, the others have their defaults.

    Args:
        flags: a dataclass whose fields are annotated as typer wants parameters to be.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def spread_out(**values: Any) -> int:
            names = {field.name for field in fields(flags)}  # type: ignore[arg-type]
            mine = {name: values.pop(name) for name in names & values.keys()}
            return command(flags=flags(**mine), **values)

        own = inspect.signature(command, eval_str=True).parameters.values()
        kept = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        kept = [each for each in kept if each.name != "flags"]
        spread_out.__signature__ = inspect.Signature([*kept, *_parameters(flags)])  # type: ignore[attr-defined]
        spread_out.__annotations__ = {}  # the signature has them all, and resolved
        return spread_out

    return decorate


def _parameters(flags: type[Any]) -> list[inspect.Parameter]:
    """Return the fields of a dataclass as parameters."""
    hints = get_type_hints(flags, include_extras=True)
    defaults = {field.name: field.default for field in fields(flags)}
    names = [name for each in flags.__mro__ for name in vars(each).get("__annotations__", ())]
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if defaults[name] is MISSING else defaults[name],
            annotation=hints[name],
        )
        for name in dict.fromkeys(names)
    ]

"""Annotation files of data sets: JSON whose every entry is looked at, and named if of no use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from isa_cli.errors import BenchmarkError, brief
from isa_cli.regular import read_bytes
from isa_cli.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")

_CALLED = {str: "text", int: "whole number", list: "list", dict: "object"}


class Unusable(Exception):
    """Why one entry of a file can't be used; see ``read_records``."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of an annotation file; its fields are there and of the right type, or named.

    Attributes:
        fields: the values by name.
        inside: where in its entry this part of it is, for messages: ``img_set.`` or ''.
    """

    fields: Mapping[str, Any]
    inside: str = ""

    def get(self, name: str, kind: type[T]) -> T:
        """Return a field.

        Raises:
            Unusable: there is none, or it is of another type.
        """
        if name not in self.fields:
            raise Unusable(f"no {self.inside}{name}")
        value = self.fields[name]
        if not _is(value, kind):
            raise Unusable(f"{self.inside}{name} is no {_CALLED[kind]}")
        return cast("T", value)

    def many(self, name: str, kind: type[T], count: int | None = None) -> list[T]:
        """Return a field that is a list of one type, of ``count`` entries if that is given.

        Raises:
            Unusable: there is none, or it is something else.
        """
        values: list[Any] = self.get(name, list)
        if not all(_is(value, kind) for value in values):
            raise Unusable(f"{self.inside}{name} holds something that is no {_CALLED[kind]}")
        if count is not None and len(values) != count:
            raise Unusable(f"{self.inside}{name} has {len(values)} entries for {count}")
        return values

    def part(self, name: str) -> Record:
        """Return a field that has fields itself.

        Raises:
            Unusable: there is none, or it has none.
        """
        return Record(self.get(name, dict), f"{self.inside}{name}.")

    def parts(self, name: str) -> list[Record]:
        """Return a field that is a list of such.

        Raises:
            Unusable: there is none, or it is something else.
        """
        values = self.many(name, dict)
        return [Record(value, f"{self.inside}{name}[{at}].") for at, value in enumerate(values)]


def _is(value: object, kind: type) -> bool:
    """Whether a value is of a kind: true is no number, and half of a letter is no text."""
    return type(value) is kind and not (
        isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)
    )


def first_with(folders: Sequence[Path], inside: str) -> Path:
    """Return the first of several folders that has something by this name; if none, the first."""
    return next((folder for folder in folders if (folder / inside).exists()), folders[0])


def read_json(file: Path, kind: type[T], hint: str) -> T:
    """Return the list or the object that a JSON file holds.

    Args:
        file: in UTF-8.
        kind: ``list`` or ``dict``.
        hint: how to get the file, for whoever lacks it.

    Raises:
        BenchmarkError: it can't be read, is no JSON, or holds something else or nothing.
    """
    try:
        value = json.loads(read_bytes(file))
    except OSError as error:
        raise BenchmarkError(f"{file} can't be read: {error.strerror or error}", hint) from error
    except (ValueError, RecursionError) as error:
        why = brief(error)
        raise BenchmarkError(f"{file} is not JSON: {why}", f"fetch it again; {hint}") from error
    if type(value) is not kind or not value:
        raise BenchmarkError(f"{file} holds no {_CALLED[kind]} with anything in it", hint)
    return value


def read_records(file: Path, make: Callable[[int, Record], T], hint: str) -> list[T]:
    """Return the meaning of each entry of an annotation file, in its order.

    Args:
        file: a JSON list of objects.
        make: what an entry, given with its index from 0, means; raises ``Unusable``.
        hint: as of ``read_json``.

    Raises:
        BenchmarkError: the file can't be read, or some entries can't be used; names the first.
    """
    made, wrong = [], []
    values = read_json(file, list, hint)
    for index, fields in enumerate(values):
        try:
            if type(fields) is not dict:
                raise Unusable("no object")
            made.append(make(index, Record(fields)))
        except Unusable as error:
            wrong.append(f"record {index}: {error}")
    if wrong:
        raise BenchmarkError(
            f"{len(wrong):,} of the {len(values):,} records of {file} can't be used: "
            f"{enumerated(wrong, '; ')}",
            "records are counted from 0; fetch the file again, or choose the split it belongs to",
        )
    return made

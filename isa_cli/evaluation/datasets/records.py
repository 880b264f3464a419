"""Annotation files: JSON whose every entry is looked at, and named where it is of no use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.datasets.layout import HINT, Unusable, enumerated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sized
    from pathlib import Path

T = TypeVar("T")

_CALLED = {str: "text", int: "whole number", list: "list", dict: "object"}


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
        if type(value) is not kind:  # true is no number here
            raise Unusable(f"{self.inside}{name} is no {_CALLED[kind]}")
        return value

    def many(self, name: str, kind: type[T], count: int | None = None) -> list[T]:
        """Return a field that is a list of one type, of ``count`` entries if that is given.

        Raises:
            Unusable: there is none, or it is something else.
        """
        values: list[Any] = self.get(name, list)
        if any(type(value) is not kind for value in values):
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


def read_json(file: Path, kind: type[T]) -> T:
    """Return what a JSON file holds.

    Args:
        file: in UTF-8.
        kind: ``list`` or ``dict``.

    Raises:
        BenchmarkError: it can't be read, is no JSON, or holds something else or nothing.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkError(f"{file} can't be read: {error.strerror or error}", HINT) from error
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(f"{file} is not JSON: {error}", f"fetch it again; {HINT}") from error
    if type(value) is not kind or not value:
        raise BenchmarkError(f"{file} holds no {_CALLED[kind]} with anything in it", HINT)
    return value


def read_records(file: Path, make: Callable[[int, Record], T]) -> list[T]:
    """Return what each entry of an annotation file means, in its order.

    Args:
        file: a JSON list of objects.
        make: what an entry, given with its index from 0, means.

    Raises:
        BenchmarkError: the file can't be read, or some entries can't be used; names the first.
    """
    made, wrong = [], []
    values = read_list(file)
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


def read_list(file: Path) -> list[Any]:
    """Return the list that a JSON file holds, see ``read_json``."""
    return read_json(file, list)


def read_dict(file: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds, see ``read_json``."""
    return read_json(file, dict)


def entries(file: Path, read: Callable[[Path], Sized]) -> Callable[[], tuple[int, str]]:
    """Return how a ``Source`` counts what an annotation file holds, once ``read``."""

    def count() -> tuple[int, str]:
        if not file.is_file():
            return 0, "there is no such file"
        try:
            return len(read(file)), ""
        except BenchmarkError as error:
            return 0, error.message

    return count

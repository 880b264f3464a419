"""What may be asked of a gallery's photos: a small closed language, plain values.

A catalogue compiles it to SQL, an engine of another kind into its own filter; both mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Field: TypeAlias = Literal[
    "taken_at", "camera", "format", "width", "height", "long_side", "pixels", "bytes"
]
Scalar: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``; a photo that lacks the field never matches."""

    field: Field
    op: Literal["=", "<", "<=", ">", ">="]
    value: Scalar


@dataclass(frozen=True, slots=True)
class Contains:
    """The text field contains ``value``, ignoring case (``--camera pixel``)."""

    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of ``values``."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Under:
    """A file of the photo is ``folder`` itself or lies below it (absolute, ``os.fsencode``)."""

    folder: bytes


@dataclass(frozen=True, slots=True)
class Near:
    """The photo was taken within ``km`` kilometres of a point, along a great circle."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds; no parts at all always holds."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; no parts at all never holds."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold (a photo that lacks the part's field therefore matches)."""

    part: Where


Where: TypeAlias = "Compare | Contains | In | Under | Near | And | Or | Not"

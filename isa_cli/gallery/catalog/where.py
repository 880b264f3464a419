"""Filters as SQL: one condition over ``contents AS c`` and its parameters.

Every condition is true or false, never NULL: a photo without the field fails the comparison and
so passes its negation.  Values travel as parameters only.

``taken_at`` is compared with a prefix of ISO 8601, which stands for the whole span it names:
``= 2024-05`` is any moment of May, ``<= 2024-05-01`` includes that day, ``> 2024-05-01`` begins
with the next.
"""

from __future__ import annotations

import math
from functools import singledispatch
from typing import TYPE_CHECKING, TypeAlias

from isa_cli.filters import And, Compare, Contains, In, Near, Not, Or, Under
from isa_cli.gallery.catalog.local_time import iso_span
from isa_cli.gallery.catalog.paths import below, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from isa_cli.filters import Scalar, Where

Param: TypeAlias = str | bytes | int | float
Sql: TypeAlias = tuple[str, tuple[Param, ...]]

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""

_OPERATORS = frozenset({"=", "<", "<=", ">", ">="})
_LABELS = {"camera": "c.camera_id", "format": "c.format_id"}
_NUMBERS = {
    "width": "c.width",
    "height": "c.height",
    "long_side": "max(c.width, c.height)",
    "pixels": "c.width * c.height",
    "bytes": "c.bytes",
}


@singledispatch
def compile_where(where: Where) -> Sql:
    """Return a condition over ``contents AS c`` and its parameters.

    Raises:
        ValueError: a field, operator or value that does not fit the others.
    """
    raise ValueError(f"{where!r} is no filter")


def plain_text(text: str) -> str:
    r"""Return text that SQLite can hold: a lone surrogate becomes ``\udc..`` spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# --- logic ---------------------------------------------------------------------------------------


@compile_where.register
def _(where: And) -> Sql:
    return _joined("AND", [compile_where(part) for part in where.parts]) or ("1", ())


@compile_where.register
def _(where: Or) -> Sql:
    return _joined("OR", [compile_where(part) for part in where.parts]) or ("0", ())


@compile_where.register
def _(where: Not) -> Sql:
    sql, params = compile_where(where.part)
    return f"NOT {sql}", params


def _joined(word: str, parts: Sequence[Sql]) -> Sql | None:
    """Return the parts in a balanced tree: SQLite refuses expressions 1,000 levels deep."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    middle = len(parts) // 2
    left, right = _joined(word, parts[:middle]), _joined(word, parts[middle:])
    assert left is not None
    assert right is not None
    return f"({left[0]} {word} {right[0]})", left[1] + right[1]


# --- fields --------------------------------------------------------------------------------------


@compile_where.register
def _(where: Compare) -> Sql:
    if where.op not in _OPERATORS:
        raise ValueError(f"{where.op!r} is no comparison")
    if where.field == "taken_at":
        return _taken_at(where.op, where.value)
    if where.field in _LABELS:
        return _labelled(where.field, f"text {where.op} ?", _text(where.field, where.value))
    return f"({_number(where.field)} {where.op} ?) IS TRUE", (_numeric(where.field, where.value),)


@compile_where.register
def _(where: Contains) -> Sql:
    if where.field not in _LABELS:
        raise ValueError(f"{where.field} is not text")
    return _labelled(where.field, "isa_contains(text, ?)", _text(where.field, where.value))


@compile_where.register
def _(where: In) -> Sql:
    if where.field == "taken_at":
        return compile_where(Or(tuple(Compare("taken_at", "=", v) for v in where.values)))
    marks = ", ".join("?" * len(where.values))
    if where.field in _LABELS:
        texts = (_text(where.field, value) for value in where.values)
        return _labelled(where.field, f"text IN ({marks})", *texts)
    params = tuple(_numeric(where.field, value) for value in where.values)
    return f"({_number(where.field)} IN ({marks})) IS TRUE", params


def _labelled(field: str, condition: str, *params: str) -> Sql:
    """Return a condition on shared strings: tested once per distinct string, not per photo."""
    ids = f"SELECT id FROM labels WHERE {condition}"  # noqa: S608  (all values are parameters)
    return f"({_LABELS[field]} IN ({ids})) IS TRUE", params


def _number(field: str) -> str:
    if field not in _NUMBERS:
        raise ValueError(f"{field!r} is no field")
    return _NUMBERS[field]


def _numeric(field: str, value: Scalar) -> int | float:
    if not isinstance(value, int | float):
        raise ValueError(f"{field} is compared with numbers, not {value!r}")  # noqa: TRY004
    return value if isinstance(value, float) or abs(value) < 2**63 else float(value)


def _text(field: str, value: Scalar) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{field} is compared with text, not {value!r}")  # noqa: TRY004
    return plain_text(value)


def _taken_at(op: str, value: Scalar) -> Sql:
    first, after = iso_span(_text("taken_at", value))
    if op == "=":
        return "(c.taken_at >= ? AND c.taken_at < ?) IS TRUE", (first, after)
    if op in ("<", "<="):
        return "(c.taken_at < ?) IS TRUE", (first if op == "<" else after,)
    return "(c.taken_at >= ?) IS TRUE", (first if op == ">=" else after,)


# --- places --------------------------------------------------------------------------------------


def contains(text: str, part: str) -> bool:
    """Return whether ``part`` occurs in ``text``, whatever the case, beyond ASCII too."""
    return part.casefold() in text.casefold()


def great_circle_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the distance between two points given in degrees (haversine formula)."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    across = math.sin(math.radians(lon2 - lon1) / 2) ** 2
    h = math.sin((phi2 - phi1) / 2) ** 2 + math.cos(phi1) * math.cos(phi2) * across
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, h)))


@compile_where.register
def _(where: Near) -> Sql:
    """A box first, so that Python measures only the few that may be near enough."""
    if not (abs(where.latitude) <= 90 and math.isfinite(where.longitude)):  # noqa: PLR2004
        raise ValueError(f"there is no place at {where.latitude}, {where.longitude}")
    south, north, reach = _box(where.latitude, where.km)
    longitude = (where.longitude + 180) % 360 - 180
    turns = [(longitude + turn - reach, longitude + turn + reach) for turn in (-360, 0, 360)]
    east_west = " OR ".join(["c.longitude BETWEEN ? AND ?"] * len(turns))
    sql = (
        f"(c.latitude BETWEEN ? AND ? AND ({east_west})"
        " AND isa_km(c.latitude, c.longitude, ?, ?) <= ?) IS TRUE"
    )
    edges = (south, north, *(edge for turn in turns for edge in turn))
    return sql, (*edges, where.latitude, where.longitude, where.km)


def _box(latitude: float, km: float) -> tuple[float, float, float]:
    """Return southern and northern edge and the reach to east and west, in degrees, rounded up."""
    slack = 1e-6
    angle = km / EARTH_KM
    south, north = latitude - math.degrees(angle) - slack, latitude + math.degrees(angle) + slack
    if south <= -90 or north >= 90:  # noqa: PLR2004  (a pole is inside: every meridian)
        return south, north, 360.0
    reach = math.asin(min(1.0, math.sin(max(angle, 0.0)) / math.cos(math.radians(latitude))))
    return south, north, math.degrees(reach) + slack


# --- folders -------------------------------------------------------------------------------------


def folders_of(where: Where) -> Iterator[bytes]:
    """Yield the folders that ``where`` asks to be under, negations left out."""
    if isinstance(where, Under):
        yield where.folder
    elif isinstance(where, And | Or):
        for part in where.parts:
            yield from folders_of(part)


@compile_where.register
def _(where: Under) -> Sql:
    path, low, high = below(where.folder)
    parent, name = split(path)
    sql = (
        "EXISTS (SELECT 1 FROM files AS f WHERE f.content_key = c.key AND (f.folder_id IN"
        " (SELECT id FROM folders WHERE path = ? OR (path >= ? AND path < ?))"
        " OR (f.name = ? AND f.folder_id = (SELECT id FROM folders WHERE path = ?))))"
    )
    return sql, (path, low, high, name, parent)

"""Filters in SQL against the same filters in plain Python, and what each of them means."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from isa_cli.filters import And, Compare, Contains, In, Near, Not, Or, Under
from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.catalog.local_time import iso_span, to_iso, to_seconds
from isa_cli.gallery.catalog.paths import below, is_under
from isa_cli.gallery.catalog.where import compile_where, folders_of, great_circle_km
from isa_cli.gallery.records import Embedded, Same
from isa_cli.types import EmbeddingSpace, FileStamp, Photo, PhotoInfo

# --- the same in plain Python ---------------------------------------------------------------------

COMPARISONS = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def value_of(photo, field):
    info = photo.info
    derived = {
        "bytes": photo.bytes,
        "long_side": max(info.width, info.height),
        "pixels": info.width * info.height,
    }
    return derived[field] if field in derived else getattr(info, field)


def compare(photo, field, op, wanted):
    value = value_of(photo, field)
    if value is None:
        return False
    if field == "taken_at":
        value = value[: len(wanted)]  # a prefix stands for all it names
    return COMPARISONS[op](value, wanted)


def haversine(a, b):
    """The angle between two points, by their vectors: another formula than the one tested."""

    def unit(place):
        lat, lon = map(math.radians, place)
        return np.array(
            [math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)]
        )

    u, v = unit(a), unit(b)
    return 6371.0088 * math.atan2(np.linalg.norm(np.cross(u, v)), u @ v)


def near(photo, where):
    info = photo.info
    if info.latitude is None or info.longitude is None:
        return False
    km = haversine((info.latitude, info.longitude), (where.latitude, where.longitude))
    assume(abs(km - where.km) > 1e-3)  # a metre: the formulas may differ in rounding
    return km <= where.km


def under(path, folder):
    folder = b"/" + folder.strip(b"/")
    parts, wanted = path.split(b"/"), [part for part in folder.split(b"/") if part]
    return parts[1 : len(wanted) + 1] == wanted


def holds(where, photo):  # noqa: C901, PLR0911  (one line per kind of filter)
    match where:
        case Compare(field, op, value):
            return compare(photo, field, op, value)
        case Contains(field, text):
            value = value_of(photo, field)
            return value is not None and text.casefold() in value.casefold()
        case In(field, values):
            return any(compare(photo, field, "=", value) for value in values)
        case Under(folder):
            return any(under(path, folder) for path in photo.paths)
        case Near():
            return near(photo, where)
        case And(parts):
            return all(holds(part, photo) for part in parts)
        case Or(parts):
            return any(holds(part, photo) for part in parts)
        case Not(part):
            return not holds(part, photo)


# --- photos and filters to try -------------------------------------------------------------------

CAMERAS = ["Canon EOS R5", "canon eos", "FUJIFILM X-T5", "Straße 1", "ÉCLAIR 50%", "a_b", ""]
FORMATS = ["JPEG", "PNG", "HEIF"]
FOLDERS = [b"/", b"/a", b"/a/b", b"/a/b/c", b"/a/bc", b"/a/b%", b"/a_", b"/\xff", b"/a/B"]
NAMES = [b"1.jpg", b"b", b"\xfe%"]

seconds = st.one_of(
    st.integers(to_seconds("2024-04-28"), to_seconds("2024-05-03")),
    st.integers(to_seconds("1899-01-01"), to_seconds("2100-01-01")),
)
latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9, 0.0, 48.2, 89.9, 90.0]))
longitudes = st.one_of(
    st.floats(-180, 180), st.sampled_from([-180.0, -179.95, 0.0, 16.37, 179.95, 180.0])
)
sizes = st.one_of(st.integers(1, 20), st.integers(1, 10_000))


@st.composite
def infos(draw):
    place = draw(st.one_of(st.none(), st.tuples(latitudes, longitudes)))
    return PhotoInfo(
        format=draw(st.sampled_from(FORMATS)),
        width=draw(sizes),
        height=draw(sizes),
        taken_at=draw(st.one_of(st.none(), seconds.map(to_iso))),
        camera=draw(st.one_of(st.none(), st.sampled_from(CAMERAS))),
        latitude=place and place[0],
        longitude=place and place[1],
    )


paths = st.builds(os.path.join, st.sampled_from(FOLDERS), st.sampled_from(NAMES))
photos = st.lists(
    st.builds(
        Photo,
        key=st.just(0),
        digest=st.just(""),
        paths=st.lists(paths, min_size=1, max_size=3, unique=True).map(tuple),
        bytes=sizes,
        info=infos(),
    ),
    min_size=1,
    max_size=8,
)
prefixes = st.builds(
    lambda iso, length: iso[:length], seconds.map(to_iso), st.sampled_from([4, 7, 10, 13, 16, 19])
)
numbers = st.one_of(sizes, st.floats(0, 100), st.sampled_from([2**80, -(2**80), math.inf]))
texts = {"camera": st.sampled_from([*CAMERAS, "x"]), "format": st.sampled_from([*FORMATS, "x"])}
ops = st.sampled_from(sorted(COMPARISONS))
comparable = st.one_of(
    st.tuples(st.just("taken_at"), prefixes),
    *(st.tuples(st.just(field), values) for field, values in texts.items()),
    st.tuples(st.sampled_from(["width", "height", "long_side", "pixels", "bytes"]), numbers),
)
leaves = st.one_of(
    st.builds(lambda pair, op: Compare(pair[0], op, pair[1]), comparable, ops),
    st.builds(
        Contains,
        st.sampled_from(["camera", "format"]),
        st.sampled_from(["CANON", "strasse", "éclair", "%", "_", "e", "", "'"]),
    ),
    comparable.flatmap(lambda pair: st.just(In(pair[0], (pair[1],)))),
    st.builds(lambda a, b: In("taken_at", (a, b)), prefixes, prefixes),
    st.sampled_from([In("camera", ()), In("camera", ("a_b", "")), In("width", (3, 4.0, 5))]),
    st.builds(Under, st.one_of(st.sampled_from([*FOLDERS, b"/a/b/"]), paths)),
    st.builds(Near, latitudes, longitudes, st.one_of(st.floats(0, 300), st.floats(0, 21_000))),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)

# --- against each other --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    path = tmp_path_factory.mktemp("where") / "catalog.db"
    with Catalog.open(path, writable=True) as catalog:
        catalog.metadata.set_space(EmbeddingSpace("tiny", 2, "ab"))
        catalog._db.rows("PRAGMA synchronous = OFF")
        yield catalog


def fill(catalog, wanted):
    """Replace what the catalogue holds; return the photos by vector key, as they are there."""
    catalog.forget_under(b"/")
    taken = set()
    for n, photo in enumerate(wanted):
        mine = [path for path in photo.paths if path not in taken] or [b"/own/%d" % n]
        taken.update(mine)
        digest, angle = b"%016d" % n, n * 0.1
        row = np.array([math.cos(angle), math.sin(angle)], np.float32)
        first, *rest = (FileStamp(path, photo.bytes, 1) for path in mine)
        catalog.record(
            [Embedded(first, digest, photo.info, row), *(Same(stamp, digest) for stamp in rest)]
        )
    return {
        key: found[0] for key, found in catalog.photos.of(catalog.vectors.select(And(()))).items()
    }


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(photos, st.lists(filters, min_size=1, max_size=4))
def test_sql_and_python_agree(catalog, wanted, wheres):
    held = fill(catalog, wanted)
    assert len(held) == len(wanted)
    for where in wheres:
        expected = [key for key, photo in sorted(held.items()) if holds(where, photo)]
        keys = catalog.vectors.select(where)
        assert keys.tolist() == expected
        every = np.array(sorted(held), np.uint64)
        assert sorted(catalog.photos.of(every, where)) == expected


# --- what it means -------------------------------------------------------------------------------


@pytest.fixture
def one(catalog):
    def matches(where, **fields):
        info = {"format": "JPEG", "width": 40, "height": 30} | fields
        fill(catalog, [Photo(0, "", (b"/a/1",), 1, PhotoInfo(**info))])
        return len(catalog.vectors.select(where)) == 1

    return matches


@pytest.mark.parametrize(
    ("op", "prefix", "expected"),
    [
        (">=", "2024-05-01", True),
        (">=", "2024-05-02", False),
        ("<=", "2024-05-01", True),
        ("<", "2024-05-01", False),
        (">", "2024-05-01", False),
        (">", "2024-04-30", True),
        ("=", "2024", True),
        ("=", "2024-05-01T12:30", True),
        ("=", "2024-05-01 12:30:15", True),
        ("<", "2024-05-01T12:30:15", False),
        ("<=", "2024-05-01T12:30:15", True),
        ("<", "9999-12", True),
    ],
)
def test_a_date_stands_for_all_it_names(one, op, prefix, expected):
    where = Compare("taken_at", op, prefix)
    assert one(where, taken_at="2024-05-01T12:30:15") is expected


@pytest.mark.parametrize(
    "where",
    [
        Compare("taken_at", ">", "1900"),
        Compare("camera", ">=", ""),
        Contains("camera", ""),
        In("camera", ("", "x")),
        Near(0, 0, 30_000),
    ],
)
def test_a_photo_without_the_field_fails_the_filter_and_passes_its_negation(one, where):
    assert not one(where)
    assert one(Not(where))
    assert not one(Not(Not(where)))


@pytest.mark.parametrize(
    ("place", "where", "expected"),
    [
        ((0.0, 179.99), Near(0, -179.99, 3), True),  # across the date line
        ((0.0, -180.0), Near(0, 180, 0.001), True),
        ((89.99, 10.0), Near(89.99, -170, 3), True),  # across the pole
        ((-90.0, 77.0), Near(-90, 0, 0.001), True),
        ((60.0, 1.0), Near(60, 0, 56), True),  # a degree is 55.6 km here, not 111
        ((60.0, 1.0), Near(60, 0, 55), False),
        ((0.0, 0.0), Near(0, 0, -1), False),
        ((-45.0, 90.0), Near(45, -90, 20_016), True),  # the antipode
    ],
)
def test_near(one, place, where, expected):
    assert one(where, latitude=place[0], longitude=place[1]) is expected


def test_a_great_circle_of_known_length():
    assert great_circle_km(48.2082, 16.3738, 51.5074, -0.1278) == pytest.approx(1236, rel=2e-3)


def test_case_is_ignored_beyond_ascii(one):
    assert one(Contains("camera", "ÉCLAIR straSSE"), camera="éclair Straße")


def test_values_are_never_read_as_sql_or_patterns(one):
    for text in ("' OR 1 --", "%", "_", "\udcff"):
        assert not one(Contains("camera", text), camera="Canon")
        assert not one(Compare("camera", "=", text), camera="Canon")
    assert one(Compare("camera", "=", "\udcff"), camera="\udcff")


def test_nothing_to_hold_always_holds_and_no_choice_never(one):
    assert one(And(()))
    assert not one(Or(()))


def test_thousands_of_parts(one):
    parts = tuple(Compare("width", ">", n) for n in range(100, 3_100))
    assert not one(Or(parts))
    assert one(Or((*parts, Under(b"/a"))))
    assert one(Not(In("width", tuple(range(100, 3_100)))))


@pytest.mark.parametrize(
    "where",
    [
        Compare("taken_at", ">", "May"),
        Compare("taken_at", ">", "2024-13"),
        Compare("taken_at", "=", 2024),
        Compare("width", ">", "wide"),
        Compare("camera", "=", 5),
        Compare("colour", "=", 5),
        Compare("width", "; DROP TABLE files; --", 5),
        Contains("width", "5"),
        Contains("taken_at", "05"),
        Near(91, 0, 5),
        Near(0, math.nan, 5),
        "camera = 'x'",
    ],
)
def test_what_makes_no_sense_is_refused(where):
    with pytest.raises(ValueError, match=r"."):
        compile_where(where)


@pytest.mark.parametrize(
    ("prefix", "first", "after"),
    [
        ("2024", "2024-01-01T00:00:00", "2025-01-01T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("2023-12-31", "2023-12-31T00:00:00", "2024-01-01T00:00:00"),
        ("2024-02-29T23", "2024-02-29T23:00:00", "2024-03-01T00:00:00"),
        ("1969-12-31T23:59:59", "1969-12-31T23:59:59", "1970-01-01T00:00:00"),
    ],
)
def test_the_span_of_a_prefix(prefix, first, after):
    assert tuple(map(to_iso, iso_span(prefix))) == (first, after)


def test_under_in_python_is_under_in_sql():
    assert below(b"/a/b/") == (b"/a/b", b"/a/b/", b"/a/b0")
    assert below(b"/") == (b"/", b"/", b"0")
    assert is_under(b"/a/b", b"/a/b")
    assert is_under(b"/a", b"/")
    assert not is_under(b"/a/bc", b"/a/b")


def test_the_folders_a_filter_asks_for():
    where = And((Under(b"/a"), Or((Under(b"/b"), Compare("width", ">", 1))), Not(Under(b"/c"))))
    assert list(folders_of(where)) == [b"/a", b"/b"]

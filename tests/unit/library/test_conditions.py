"""Filter flags: what each one means, and what is refused with which words."""

import os

import pytest

from isa_cli.errors import FilterError
from isa_cli.filters import And, Compare, Contains, In, Near, Or, Under
from isa_cli.library import conditions


def test_no_flags_are_no_filter():
    assert conditions.where_of() is None


def test_one_flag_is_that_filter_alone():
    assert conditions.where_of(after="2024") == Compare("taken_at", ">=", "2024")


def test_different_flags_must_all_hold():
    assert conditions.where_of(after="2023", before="2024", types=["png"]) == And(
        (
            Compare("taken_at", ">=", "2023"),
            Compare("taken_at", "<", "2024"),
            In("format", ("PNG",)),
        )
    )


def test_a_repeated_flag_holds_if_one_value_does():
    assert conditions.where_of(camera=["pixel", "canon"]) == Or(
        (Contains("camera", "pixel"), Contains("camera", "canon"))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", "2024"),
        ("2024-05", "2024-05"),
        (" 2024-05-01 ", "2024-05-01"),
        ("2024-05-01T12:30", "2024-05-01T12:30"),
        ("2024-05-01 12:30:59", "2024-05-01T12:30:59"),
        ("2024-02-29", "2024-02-29"),
    ],
)
def test_dates(text, expected):
    assert conditions.moment("--after", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "24", "May 2024", "2024-5", "2024/05/01", "2024-13", "2023-02-29", "0000"),
        *("2024-05-01T25:00", "2024-05-01T12", "2024-05-01T12:30Z", "2024-05T12:30", "2024-05-01T"),
        "\uff12\uff10\uff12\uff14",  # digits, but not ASCII's
    ],
)
def test_senseless_dates_name_the_flag_and_show_how(text):
    with pytest.raises(FilterError) as caught:
        conditions.moment("--before", text)
    assert "--before" in caught.value.message
    assert "2024-05-01" in caught.value.hint


@pytest.mark.parametrize("taken", ["2024-05-01T00:00:00", "2024-05-01T12:30:00"])
def test_after_includes_and_before_excludes_the_day_itself(taken):
    day = conditions.moment("--after", "2024-05-01")
    assert taken >= day
    assert not taken < day
    assert day > "2024-04-30T23:59:59"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48.1,11.5", Near(48.1, 11.5, conditions.NEAR_KM)),
        ("-33.9, 151.2, 10", Near(-33.9, 151.2, 10.0)),
        ("90,-180,0.5", Near(90.0, -180.0, 0.5)),
    ],
)
def test_places(text, expected):
    assert conditions.place(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "48", "48.1", "48,11,5,6", "munich", "91,0", "0,181", "48,11,0", "48,11,-1", "nan,0",
     "48,11,inf", "48,11,nan", "48;11", "48.1N,11.5E"],
)  # fmt: skip
def test_senseless_places(text):
    with pytest.raises(FilterError) as caught:
        conditions.place(text)
    assert "--near" in caught.value.message
    assert "LAT,LON" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1200", Compare("long_side", ">=", 1200)),
        ("1200px", Compare("long_side", ">=", 1200)),
        ("12MP", Compare("pixels", ">=", 12_000_000)),
        ("0.5 mp", Compare("pixels", ">=", 500_000)),
        ("2MB", Compare("bytes", ">=", 2_000_000)),
        ("300kb", Compare("bytes", ">=", 300_000)),
    ],
)
def test_sizes(text, expected):
    assert conditions.at_least(text) == expected


@pytest.mark.parametrize(
    "text", ["", "big", "-5", "12 megapixels", "1e6", "1200x800", "MB", "nan", "9" * 400]
)
def test_senseless_sizes(text):
    with pytest.raises(FilterError, match="--min-size"):
        conditions.at_least(text)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["jpeg"], ("JPEG",)),
        (["JPG,.heic"], ("JPEG", "HEIF")),
        (["jpg", "jpeg, png"], ("JPEG", "PNG")),
    ],
)
def test_types(types, expected):
    assert conditions.formats(types) == expected


@pytest.mark.parametrize("types", [["docx"], ["jpeg,"], [""], ["jpeg png"]])
def test_unknown_types_list_the_known_ones(types):
    with pytest.raises(FilterError) as caught:
        conditions.formats(types)
    assert "jpeg" in caught.value.hint
    assert "heic" in caught.value.hint


def test_under_is_absolute_and_keeps_any_byte(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = os.fsencode(str(tmp_path))
    assert conditions.folder(".") == here
    assert conditions.folder("a/../b/") == here + b"/b"
    assert conditions.folder("caf\udce9") == here + b"/caf\xe9"
    with pytest.raises(FilterError, match="--under"):
        conditions.folder("")


def test_under_does_not_resolve_links(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert conditions.folder(str(tmp_path / "link")) == os.fsencode(str(tmp_path / "link"))


def test_under_expands_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert conditions.where_of(under=["~/Pictures"]) == Under(b"/home/me/Pictures")

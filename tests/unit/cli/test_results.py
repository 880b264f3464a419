"""Hits on stdout, in every form, with names that are no text."""

import csv
import io
import json
import os

import pytest

from isa_cli.cli import console, results
from isa_cli.types import Hit, Photo, PhotoInfo

PLAIN = b"/photos/a.jpg"
HOSTILE = b"/photos/caf\xe9\n[red]\x1b[31m.jpg"


def photo(key, *paths, **info):
    fields = {"format": "JPEG", "width": 640, "height": 480} | info
    return Photo(key=key, digest=f"{key:032x}", paths=paths, bytes=1000, info=PhotoInfo(**fields))


HITS = [
    Hit(1, 0.91234567, 3.21, photo(7, PLAIN, b"/photos/copy.jpg", taken_at="2024-05-01T12:30:00")),
    Hit(2, 0.5, 1.0, photo(9, HOSTILE, camera="ACME 1"), similar=(photo(8, b"/photos/twin.jpg"),)),
]


@pytest.fixture
def printed(monkeypatch):
    """Return what a form prints, in bytes, as ``main`` sets the stream up."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape", newline="")

    def show(form):
        monkeypatch.setattr("sys.stdout", stream)
        results.show(HITS, form)
        stream.flush()
        return stream.buffer.getvalue()

    return show


def test_json_is_one_object_a_line_and_loses_no_byte(printed):
    first, second = (json.loads(line) for line in printed("json").splitlines())
    assert first == {
        "rank": 1,
        "score": 0.912346,
        "z": 3.21,
        "path": "/photos/a.jpg",
        "paths": ["/photos/a.jpg", "/photos/copy.jpg"],
        "taken_at": "2024-05-01T12:30:00",
        "camera": None,
        "latitude": None,
        "longitude": None,
        "width": 640,
        "height": 480,
        "format": "JPEG",
        "bytes": 1000,
        "key": 7,
        "digest": f"{7:032x}",
        "similar": [],
    }
    assert os.fsencode(second["path"]) == HOSTILE
    assert second["similar"] == ["/photos/twin.jpg"]


def test_json_is_plain_ascii(printed):
    assert printed("json").isascii()


def test_csv_reads_back(printed):
    text = printed("csv").decode("utf-8", "surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert [os.fsencode(row["path"]) for row in rows] == [PLAIN, HOSTILE]
    assert rows[0]["paths"].splitlines() == ["/photos/a.jpg", "/photos/copy.jpg"]
    assert rows[1]["taken_at"] == ""


def test_paths_are_bytes_as_they_are(printed):
    assert printed("paths") == PLAIN + b"\n" + HOSTILE + b"\n"


def test_print0_ends_each_path_with_nul(printed):
    assert printed("print0") == PLAIN + b"\0" + HOSTILE + b"\0"


def test_lines_are_tab_separated_and_harmless(printed):
    first, second = printed("lines").decode().splitlines()
    assert first.split("\t") == [
        "1",
        "0.912",
        "3.2",
        "/photos/a.jpg  (+ 1 copy)",
        "2024-05-01 12:30",
    ]
    assert second.split("\t")[3] == r"/photos/caf\xe9\n[red]\x1b[31m.jpg  (+ 1 similar)"


def test_table_takes_names_for_text_and_never_for_markup(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    text = printed("table").decode()
    assert r"/photos/caf\xe9\n[red]\x1b[31m.jpg  (+ 1 similar)" in text
    assert "2024-05-01 12:30" in text
    assert "0.912" in text
    assert "\x1b" not in text


def test_table_on_a_narrow_terminal_keeps_the_whole_path(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "48")
    rows = [line.split() for line in printed("table").decode().splitlines()]
    assert all(len(line) <= 48 for line in printed("table").decode().splitlines())
    joined = "".join(word for row in rows for word in row)
    assert "1b[31m.jpg" in joined


@pytest.mark.parametrize(("terminal", "form"), [(True, "table"), (False, "lines")])
def test_auto_is_a_table_for_people_only(terminal, form, printed, monkeypatch):
    monkeypatch.setattr(console, "on_terminal", lambda: terminal)
    expected = printed(form)
    assert printed("auto") == expected + expected  # the stream keeps what was printed before


SHOT = Hit(1, 0.5, 1.0, photo(7, PLAIN), companions=(photo(8, b"/photos/a.cr3"),))


@pytest.mark.parametrize(
    ("form", "plain", "shown"),
    [
        ("paths", "/photos/a.jpg\n", "/photos/a.jpg\n/photos/a.cr3\n"),
        ("print0", "/photos/a.jpg\0", "/photos/a.jpg\0/photos/a.cr3\0"),
        (
            "lines",
            "1\t0.500\t1.0\t/photos/a.jpg  (+ 1 companion)\t\n",
            "1\t0.500\t1.0\t/photos/a.jpg\t\n\t\t\t+ /photos/a.cr3\t\n",
        ),
    ],
)
def test_companions_are_shown_if_they_are_asked_for(capsys, form, plain, shown):
    results.show([SHOT], form)
    assert capsys.readouterr().out == plain
    results.show([SHOT], form, companions=True)
    assert capsys.readouterr().out == shown


def test_companions_are_a_field_and_a_row(capsys):
    results.show([SHOT], "json", companions=True)
    assert json.loads(capsys.readouterr().out)["companions"] == ["/photos/a.cr3"]
    results.show([SHOT], "csv", companions=True)
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["companions"] == "/photos/a.cr3"
    results.show([SHOT], "table", companions=True)
    assert "+ /photos/a.cr3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        ("", ""),
        (-33.5, "-33.5"),
        (None, ""),
    ],
)
def test_csv_has_no_formula_and_numbers_stay_numbers(value, written, capsys):
    field = "latitude" if isinstance(value, float) else "camera"
    results.show([Hit(1, -0.5, -2.5, photo(7, PLAIN, **{field: value}))], "csv")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row[field] == written
    assert (row["score"], row["z"]) == ("-0.5", "-2.5")


def test_a_terminal_gets_what_people_may_see(capsys, monkeypatch):
    monkeypatch.setattr(console, "on_terminal", lambda: True)
    shown = r"/photos/caf\xe9\n[red]\x1b[31m.jpg"
    for form, ends in (("paths", "\n"), ("print0", r"\x00"), ("csv", ",")):
        results.show(HITS, form)
        said = capsys.readouterr().out
        assert shown + ends in said
        assert "\x1b" not in said
        assert "\r" not in said

"""``isa search`` on real files, with a real (if random) model."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from isa_cli.cli import console
from tests.cli.conftest import COLOURS, save

HOSTILE = b"caf\xe9\n\x1b[31m.jpg"


@pytest.fixture
def search(isa, indexed):
    """Search the gallery that all tests share."""

    def call(*arguments):
        return isa("search", *arguments, "--gallery", indexed.gallery, "--device", "cpu")

    return call


@pytest.fixture
def found(search):
    """Return the JSON records that a search finds."""

    def call(*arguments):
        said = search(*arguments, "--json")
        assert said.code == 0, said.err
        return [json.loads(line) for line in said.out.splitlines()]

    return call


def names(records):
    return {Path(record["paths"][-1]).name for record in records}


def test_words_alone_rank_every_photo(found):
    records = found("--text", "a dog on the beach")
    assert [record["rank"] for record in records] == [1, 2, 3, 4, 5, 6]
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)


def test_a_single_word_needs_no_option(found):
    assert found("dog") == found("--text", "dog")


def test_a_picture_finds_itself_only_if_asked(found, indexed):
    red = indexed.photos / "red.jpg"
    assert "red.jpg" not in names(found(red))
    best = found(red, "--include-ref")[0]
    assert best["score"] == pytest.approx(1.0, abs=0.002)
    assert {Path(path).name for path in best["paths"]} == {"red.jpg", "red again.jpg"}


def test_picture_and_words_and_what_must_not_show(found, indexed):
    red, green = indexed.photos / "red.jpg", indexed.photos / "green.jpg"
    both = found(red, green, "at night", "--not", "people", "--not-image", red, "--top", 3)
    assert len(both) == 3
    assert not {"red.jpg", "green.jpg"} & names(both)


@pytest.mark.parametrize("method", ["image", "text", "sum", "slerp", "calibrated"])
def test_every_method_answers(found, indexed, method):
    assert found(indexed.photos / "red.jpg", "at night", "--method", method)


def test_alpha_goes_from_picture_to_words(found, indexed):
    red = indexed.photos / "red.jpg"
    itself = found(red, "--include-ref", "--top", 1)[0]
    mixed = [found(red, "at night", "--alpha", alpha, "--method", "sum") for alpha in (0, 1)]
    picture = found(red, "at night", "--method", "image")
    words = found(red, "at night", "--method", "text")
    assert [r["key"] for r in mixed[0]] == [r["key"] for r in picture]
    assert [r["key"] for r in mixed[1]] == [r["key"] for r in words if r["key"] != itself["key"]]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--after", "2024-05-01"], "green.jpg dark.jpg"),
        (["--before", "2024-05"], "red.jpg"),
        (["--after", "2024", "--before", "2024-06-01"], "green.jpg"),
        (["--camera", "pixel"], "red.jpg"),
        (["--camera", "pixel", "--camera", "CANON"], "red.jpg green.jpg"),
        (["--near", "48.01,11.0,5"], "blue.jpg"),
        (["--min-size", "640"], "blue.jpg"),
        (["--min-size", "0.3MP"], "blue.jpg"),
        (["--type", "png"], "purple.png"),
    ],
)
def test_filters(found, flags, expected):
    assert names(found("dog", *flags)) == set(expected.split())


def test_under_shows_the_path_below_that_folder(found, indexed):
    records = found("dog", "--under", indexed.photos / "2024")
    found_names = {Path(record["path"]).name for record in records}
    assert found_names == {"blue.jpg", "dark.jpg", "red again.jpg"}


def test_group_folds_what_is_alike(found):
    groups = found("dog", "--group-at", "-1")
    assert len(groups) == 1
    assert len(groups[0]["similar"]) == 6  # five others, one of them twice


def test_names_that_are_no_text_survive_every_form_for_programs(search, indexed):
    raw = os.fsencode(indexed.photos) + b"/" + HOSTILE
    records = [json.loads(line) for line in search("dog", "--json").out.splitlines()]
    assert raw in [os.fsencode(record["path"]) for record in records]


def test_names_that_are_no_text_may_be_asked_for(search, indexed):
    hostile = os.fsdecode(os.fsencode(indexed.photos) + b"/" + HOSTILE)
    found = [json.loads(line) for line in search(hostile, "--json").out.splitlines()]
    assert len(found) == 5
    assert hostile not in [record["path"] for record in found]
    assert "there is no folder no\\xff" in search("dog", "--under", "no\udcff").err


def test_nothing_found_says_why_and_exits_1(search):
    said = search("dog", "--after", "2030", "--json")
    assert said.code == 1
    assert said.out == ""
    assert said.err == "isa: no photo matches the filters (0 of 6)\n"


def test_a_folder_that_is_not_there_is_named(search):
    assert "there is no folder no/such" in search("dog", "--under", "no/such").err


def test_csv(search):
    rows = list(csv.DictReader(io.StringIO(search("dog", "--csv").out)))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5", "6"]


def test_a_table_for_people(search, monkeypatch):
    monkeypatch.setattr(console, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    said = search("dog", "--top", 6)
    assert "score" in said.out
    assert "2024-05-01 00:00" in said.out
    assert r"caf\xe9\n\x1b[31m.jpg" in said.out


def test_html(search, indexed, tmp_path):
    sheet = tmp_path / "sheet.html"
    said = search(indexed.photos / "red.jpg", "at night", "--html", sheet)
    assert said.code == 0
    assert str(sheet) in said.err
    page = sheet.read_text()
    assert "at night" in page
    assert page.count("data:image/jpeg;base64") >= 6


def test_preview_is_for_terminals_only(search):
    said = search("dog", "--preview", "--paths", "--top", 1)
    assert said.code == 0
    assert len(said.out.splitlines()) == 1


def test_open_starts_the_desktops_program(search, monkeypatch, indexed):
    opened = []
    monkeypatch.setattr("typer.launch", lambda path: opened.append(path) or 0)
    best = search("dog", "--open", "--paths", "--top", 1).out.strip()
    assert opened == [best]


def test_open_says_if_there_is_no_such_program(search, monkeypatch):
    monkeypatch.setattr("typer.launch", lambda path: 1)
    said = search("dog", "--open", "--top", 1)
    assert said.code == 0
    assert "can't open" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to search for"),
        (["missing.jpg"], "there is no file missing.jpg"),
        (["at", "night"], '"at night"'),
        (["dog", "--text", "cat"], "--text"),
        ([""], "empty"),
        (["dog", "--top", "0"], "--top"),
        (["dog", "--top", "x"], "--top"),
        (["dog", "--alpha", "2"], "--alpha"),
        (["dog", "--alpha", "nan"], "--alpha"),
        (["dog", "--method", "magic"], "--method"),
        (["dog", "--method", "image"], "needs a reference"),
        (["dog", "--after", "yesterday"], "--after"),
        (["dog", "--near", "here"], "--near"),
        (["dog", "--type", "docx"], "--type"),
        (["dog", "--min-size", "big"], "--min-size"),
        (["dog", "--group-at", "7"], "--group-at"),
        (["dog", "--json", "--csv"], "--json and --csv"),
        (["dog", "--not-image", "missing.jpg"], "missing.jpg"),
        (["dog", "--html", "/no/such/folder/sheet.html"], "/no/such/folder"),
        (["--nonsense"], "--nonsense"),
    ],
    ids=" ".join,
)
def test_senseless_requests_are_one_sentence(search, arguments, words):
    said = search(*arguments)
    assert said.code == 2
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_reference_that_is_no_picture(search, indexed):
    said = search(indexed.photos / "broken.jpg")
    assert said.code == 2
    assert "broken.jpg" in said.err
    assert "truncated" in said.err


def test_no_gallery_yet_says_how_to_make_one(isa, tmp_path):
    said = isa("search", "dog", "--gallery", tmp_path / "none")
    assert said.code == 4
    assert "isa index" in said.err


def test_the_real_command_answers_quietly_in_bytes(indexed):
    raw = subprocess.run(
        [sys.executable, "-m", "isa_cli", "search", "dog", "-0", "--gallery", indexed.gallery],
        capture_output=True,
        check=True,
    )
    paths = raw.stdout.split(b"\0")
    assert os.fsencode(indexed.photos) + b"/" + HOSTILE in paths
    assert len(paths) == 7
    assert raw.stderr == b""


@pytest.fixture
def linked(isa, tmp_path, tiny_model):
    """A gallery of ``Pictures``, a link to ``disk``, and what the shell calls ``disk/trip``."""
    (tmp_path / "disk" / "trip").mkdir(parents=True)
    for name, colour in (("a.jpg", "red"), ("trip/b.jpg", "green")):
        save(tmp_path / "disk" / name, COLOURS[colour])
    (tmp_path / "Pictures").symlink_to(tmp_path / "disk")
    where = ("--gallery", tmp_path / "gallery", "--device", "cpu")
    assert isa("index", tmp_path / "Pictures", "--model", tiny_model, *where).code == 0
    return tmp_path


def test_under_a_folder_that_is_written_in_another_way(linked, isa, monkeypatch):
    where = ("--gallery", linked / "gallery", "--device", "cpu")
    monkeypatch.chdir(linked / "Pictures" / "trip")
    said = isa("search", "dog", "--under", ".", "--paths", *where)
    assert (said.code, said.out) == (0, f"{linked}/Pictures/trip/b.jpg\n")
    said = isa("search", "dog", "--under", linked / "disk", "--paths", *where)
    assert len(said.out.splitlines()) == 2


def test_under_a_folder_that_is_not_indexed_says_so(linked, isa, monkeypatch):
    (linked / "other").mkdir()
    monkeypatch.chdir(linked)
    said = isa("search", "dog", "--under", "other", "--gallery", linked / "gallery")
    assert said.code == 1
    assert "(0 of 2); nothing below other is indexed: isa index other\n" in said.err


def test_forget_a_folder_that_is_written_in_another_way(linked, isa, monkeypatch):
    monkeypatch.chdir(linked / "Pictures" / "trip")
    where = ("--gallery", linked / "gallery")
    assert "would forget 1 file (1 photo " in isa("forget", ".", "--dry-run", *where).err
    said = isa("forget", ".", linked / "disk" / "trip" / "b.jpg", "none.jpg", *where)
    assert said.code == 0
    assert "forgot 1 file (1 photo left the gallery)" in said.err
    assert "nothing at or below none.jpg is in the gallery" in said.err


def test_index_a_folder_that_is_known_under_another_name(linked, isa):
    where = ("--gallery", linked / "gallery", "--device", "cpu")
    said = isa("index", linked / "disk" / "trip", *where)
    assert said.code == 0
    assert f"{linked}/disk/trip is known as {linked}/Pictures/trip" in said.err
    assert "1 unchanged" in said.err
    save(linked / "disk" / "new.jpg", COLOURS["blue"])
    assert "1 photo embedded" in isa("index", linked / "disk", *where).err
    facts = json.loads(isa("status", "--json", *where[:2]).out)
    assert facts["roots"] == [f"{linked}/Pictures", f"{linked}/Pictures/trip"]
    assert facts["files"] == facts["photos"] == 3


def test_companions_are_one_answer_and_shown_if_asked_for(isa, tmp_path, photos, tiny_model):
    shutil.copy(photos / "red.jpg", photos / "blue-edited.jpg")
    (photos / "blue.cr3").write_bytes((photos / "2024" / "dark.jpg").read_bytes())
    place = ("--gallery", tmp_path / "own", "--device", "cpu")
    isa("index", photos / "blue-edited.jpg", photos / "blue.cr3", *place, "--model", tiny_model)
    assert len(isa("search", "dog", "--paths", *place).out.splitlines()) == 1
    assert len(isa("search", "dog", "--paths", "--companions", *place).out.splitlines()) == 2
    (line,) = isa("search", "dog", "--json", "--companions", *place).out.splitlines()
    assert len(json.loads(line)["companions"]) == 1

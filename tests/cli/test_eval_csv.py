"""``isa eval FILE.csv`` and what is made of its numbers, over a few plain pictures."""

import json
import os
import re
import shutil
import sys

import pytest

from tests.cli.conftest import COLOURS, isa_process, save

COLUMNS = "reference,modifier,targets\n"
METHODS = ["image", "text", "sum", "slerp", "calibrated"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Six pictures, one of them twice, a reference outside of them, and questions."""
    home = tmp_path_factory.mktemp("own")
    photos = home / "photos"
    (photos / "more").mkdir(parents=True)
    colours = [*COLOURS.values(), (200, 200, 20), (40, 40, 40), (120, 20, 120)]
    names = ["red.jpg", "green.jpg", "more/blue.jpg", "yellow.jpg", "dark.jpg", "purple.jpg"]
    for name, colour in zip(names, colours, strict=True):
        save(photos / name, colour)
    shutil.copy(photos / "red.jpg", photos / "more" / "red again.jpg")
    save(home / "asked.jpg", (90, 90, 200))
    (home / "my.csv").write_text(
        COLUMNS + "red.jpg,in green,green.jpg\n"
        '"photos/yellow.jpg",in <blue> & red,more/blue.jpg; more/red again.jpg\n'
        "asked.jpg,darker,photos/dark.jpg\n"
    )
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_model):
    """An environment whose cache the processes of this file share."""
    cache = tmp_path_factory.mktemp("cache")
    return os.environ | {"XDG_CACHE_HOME": str(cache), "ISA_MODEL": str(tiny_model)}


@pytest.fixture(scope="module")
def first(here, home):
    said = isa_process(
        *("eval", "my.csv", "--gallery", "photos", "--device", "cpu", "--json"),
        cwd=here,
        env=home,
    )
    assert said.code == 0, said.err
    return said


@pytest.fixture
def ask(isa, home, here, monkeypatch):
    """Ask the questions in this process, with the same cache."""
    for name in ("XDG_CACHE_HOME", "ISA_MODEL"):
        monkeypatch.setenv(name, home[name])
    monkeypatch.chdir(here)

    def call(*arguments, file="my.csv", gallery="photos"):
        return isa("eval", file, "--gallery", gallery, "--device", "cpu", *arguments)

    return call


def test_a_folder_of_pictures_is_asked(first):
    document = json.loads(first.out)
    assert (document["benchmark"], document["split"]) == ("my.csv", "all")
    protocol = document["protocol"]
    assert protocol["gallery"] == 6  # copies are one photo, and the reference outside is none
    assert (protocol["cases"], protocol["reference"]) == (3, "removed")
    assert protocol["template"] == "{modifier}"
    assert len(protocol["digest"]) == 8
    assert protocol["preprocessing"].startswith("32x32")
    assert [result["method"] for result in document["results"]] == METHODS
    assert document["cases"] == ["line 2", "line 3", "line 4"]
    # five of six pictures are answers to each question, so ten of them hold the right ones
    assert {result["metrics"]["R@10"] for result in document["results"]} == {1.0}


def test_a_second_run_embeds_nothing_and_says_the_same(first, here, home):
    again = isa_process(
        *("eval", "csv", "my.csv", "--gallery", "photos", "--device", "cpu", "--json"),
        cwd=here,
        env=home,
    )
    assert again.out == first.out
    assert " on cpu" in first.err  # told when the image tower was loaded
    assert " on cpu" not in again.err


def test_a_gallerys_own_vectors_are_used(isa, indexed, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ISA_GALLERY", str(indexed.gallery))
    (tmp_path / "q.csv").write_text(COLUMNS + "red.jpg,in blue,2024/blue.jpg\n")
    said = isa("eval", tmp_path / "q.csv", "--device", "cpu", "--json", "--method", "image,sum")
    assert said.code == 0, said.err
    assert " on cpu" not in said.err
    assert not (tmp_path / "cache" / "isa" / "eval").exists()
    protocol = json.loads(said.out)["protocol"]
    assert protocol["vectors"] == "the gallery's own"
    assert protocol["gallery"] == 6


def test_a_gallery_refuses_another_model(isa, indexed, tmp_path):
    (tmp_path / "q.csv").write_text(COLUMNS + "red.jpg,in blue,2024/blue.jpg\n")
    asked = ("--gallery", indexed.gallery, "--model", "isa-mini")
    said = isa("eval", tmp_path / "q.csv", *asked)
    assert said.code == 4
    assert "this gallery was indexed with" in said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["has no column 'reference'"]),
        ("reference,modifier\n", ["has no column 'target'", "separated by ;"]),
        (COLUMNS, ["holds no question"]),
        (COLUMNS + "red.jpg,,green.jpg\n", ["line 2 has no modifier"]),
        (COLUMNS + "red.jpg,in green, ; \n", ["line 2 has no target"]),
        (COLUMNS + "\nred.jpg,x\n", ["line 3 has no target"]),
        (COLUMNS + "rad.jpg,x,green.jpg\n", ["line 2", "no picture 'rad.jpg'"]),
        (COLUMNS + "red.jpg,x,gren.jpg\n", ["line 2", "'gren.jpg' is not in the gallery"]),
        (COLUMNS + "red.jpg,x,asked.jpg\n", ["'asked.jpg' is not in the gallery"]),
        (COLUMNS + "red.jpg,x,more/red again.jpg\n", ["both reference and target"]),
        (COLUMNS + '"red.jpg,x,green.jpg\n', ["can't be read as CSV"]),
        ("\xff\xfe", ["can't be read as CSV"]),
    ],
    ids=[
        "empty",
        "column",
        "none",
        "modifier",
        "targets",
        "short",
        "reference",
        "target",
        "outside",
        "same",
        "quote",
        "bytes",
    ],
)
def test_a_question_that_cannot_be_asked_is_one_sentence(ask, here, text, words):
    (here / "bad.csv").write_text(text, encoding="latin-1")
    said = ask(file="bad.csv")
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.csv", "--gallery", "photos"], ["no file 'no.csv'"]),
        (["my.csv", "--gallery", "nowhere"], ["no folder 'nowhere'"]),
        (["my.csv", "--gallery", "photos", "--json", "--markdown"], ["exclude each other"]),
        (["my.csv", "--gallery", "photos", "--html", "no/page.html"], ["folder that is not there"]),
        (["my.csv", "--gallery", "photos", "--chart", "photos"], ["--chart 'photos' is no file"]),
        (["my.csv", "--gallery", "photos", "--query-model", "no"], ["no file 'no'"]),
        (["my.csv", "--gallery", "photos", "--method", "isa"], ["needs a query model"]),
        (["compare", "no.json", "my.csv"], ["no file 'no.json'"]),
        (["compare", "my.csv", "my.csv"], ["my.csv is no JSON"]),
        (["compare", "my.csv", "my.csv", "--methods", "a"], ["'a' is no pair"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_senseless_requests_are_one_sentence(isa, here, monkeypatch, arguments, words):
    monkeypatch.chdir(here)
    said = isa("eval", *arguments)
    assert (said.code, said.out) == (2, "")
    for word in words:
        assert word in said.err


def test_a_broken_picture_is_named_and_nothing_is_left_out(ask, here):
    photos = here / "with a broken one"
    shutil.copytree(here / "photos", photos)
    (photos / "broken.jpg").write_bytes((photos / "red.jpg").read_bytes()[:400])
    (here / "b.csv").write_text(COLUMNS + "red.jpg,x,green.jpg\n")
    said = ask(file="b.csv", gallery="with a broken one")
    assert said.code == 2
    assert "broken.jpg can't be used" in said.err


def test_no_matplotlib_is_told_before_anything_is_measured(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = ask("--chart", "chart.png")
    assert (said.code, said.out) == (2, "")
    assert "charts need matplotlib" in said.err
    assert "isa-cli[plot]" in said.err


@pytest.mark.usefixtures("first")
def test_markdown_says_where_the_numbers_come_from(ask, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["isa", "eval", "my.csv", "--gallery", "my photos"])
    said = ask("--markdown", "--method", "text,sum")
    lines = said.out.splitlines()
    assert lines[0] == "**my.csv, all**: percent, and its 95 % interval"
    assert lines[2] == "| method | R@1 | R@5 | R@10 | mAP@10 |"
    assert [line.split(" | ")[0] for line in lines[4:6]] == ["| text", "| sum"]
    assert any(line.startswith("Protocol: gallery 6, cases 3,") for line in lines)
    assert lines[-3:] == ["```", "isa eval my.csv --gallery 'my photos'", "```"]


@pytest.mark.usefixtures("first")
def test_a_chart_is_a_picture(ask, tmp_path):
    said = ask("--chart", tmp_path / "chart.png")
    assert said.code == 0, said.err
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_shows_the_worst_first_and_marks_what_is_right(ask, first, tmp_path):
    page = tmp_path / "page.html"
    said = ask("--html", page, "--method", "text,image")
    assert said.code == 0, said.err
    assert f"page of text: {page}" in said.err
    text = page.read_text()
    ranks = [int(rank) for rank in re.findall(r"right answer at rank <b>(\d+)</b>", text)]
    assert len(ranks) == 3
    assert ranks == sorted(ranks, reverse=True)
    by_name = {result["method"]: result for result in json.loads(first.out)["results"]}
    assert sum(rank == 1 for rank in ranks) == 3 * by_name["text"]["metrics"]["R@1"]
    assert text.count("in &lt;blue&gt; &amp; red") == 1
    assert text.count('<span class="mark right"') == 4  # every right answer is among the first
    assert text.count("data:image/jpeg;base64,") == 7  # each picture once
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)


def test_the_page_shows_the_best_method_where_none_was_named_and_at_most_so_many(ask, tmp_path):
    page = tmp_path / "page.html"
    said = ask("--html", page, "--html-cases", "1", "--json")
    numbers = {r["method"]: r["metrics"]["R@1"] for r in json.loads(said.out)["results"]}
    best = max(numbers, key=numbers.get)
    assert f"page of {best}: " in said.err
    assert page.read_text().count("<section>") == 1


def test_two_reports_are_compared_in_pairs(ask, isa, first, tmp_path):
    (tmp_path / "a.json").write_text(first.out)
    said = ask("--json", "--alpha", "0.1")
    (tmp_path / "b.json").write_text(said.out)
    compared = isa("eval", "compare", tmp_path / "a.json", tmp_path / "b.json")
    assert compared.code == 0, compared.err
    assert compared.out.startswith("my.csv, all: percent; A is a.json, B is b.json")
    for method in METHODS:
        assert re.search(rf"^ *{method} +A +B +B - A", compared.out, re.MULTILINE)
    pair = ("--methods", "image,text", "--json")
    told = isa("eval", "compare", tmp_path / "a.json", tmp_path / "a.json", *pair)
    (found,) = json.loads(told.out)["compared"]
    assert found["methods"] == ["image", "text"]
    before, after = (json.loads(first.out)["results"][row]["metrics"] for row in (0, 1))
    for metric, difference in found["metrics"].items():
        assert difference["difference"] == pytest.approx(after[metric] - before[metric], abs=1e-6)


def test_options_may_come_before_the_benchmark(isa):
    said = isa("eval", "--json", "wardrobe", "--alpha", "2")
    assert said.code == 2
    assert "--alpha is 2" in said.err

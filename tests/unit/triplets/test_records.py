"""The file of triplets: what is written is read again, and what is wrong is named by its line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_cli.errors import UsageError
from isa_cli.triplets import Triplet, examine, read_triplets, write_triplets

GOOD = {"reference": "a.jpg", "modifier": "in blue", "target": "b.jpg"}


@pytest.fixture
def home(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(b"picture")
    return tmp_path


def written(home, *lines):
    file = home / "triplets.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    file.write_bytes(b"\n".join(texts) + b"\n")
    return file


# --- there and back ------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory, words):
    home = tmp_path_factory.mktemp("there")
    (home / "a.jpg").touch()
    (home / "b.jpg").touch()
    unique = {" ".join(word.split()).casefold(): " ".join(word.split()) for word in words}
    triplets = [
        Triplet(line, home / "a.jpg", said, home / "b.jpg")
        for line, said in enumerate(unique.values(), 1)
    ]
    assert write_triplets(home / "t.jsonl", triplets) == len(triplets)
    assert read_triplets(home / "t.jsonl") == triplets


@pytest.mark.parametrize("name", ["plain.jpg", "two words.jpg", "é.jpg", os.fsdecode(b"\xff.jpg")])
def test_any_name_survives(home, name):
    (home / name).touch()
    triplets = [Triplet(1, home / name, "x", home / "a.jpg")]
    write_triplets(home / "t.jsonl", triplets)
    assert read_triplets(home / "t.jsonl") == triplets
    (home / "t.jsonl").read_text(encoding="ascii")


def test_a_folder_with_its_pictures_can_move(home):
    old = home / "old" / "deep"
    old.mkdir(parents=True)
    (old / "a.jpg").touch()
    (home / "old" / "b.jpg").touch()
    write_triplets(
        home / "old" / "t.jsonl", [Triplet(1, old / "a.jpg", "x", home / "old" / "b.jpg")]
    )
    shutil.move(home / "old", home / "new")
    (found,) = read_triplets(home / "new" / "t.jsonl")
    assert found.reference == home / "new" / "deep" / "a.jpg"


def test_a_file_elsewhere_names_its_pictures_from_the_root(home):
    file = home / "sub" / "t.jsonl"
    write_triplets(file, [Triplet(1, home / "a.jpg", "x", home / "b.jpg")])
    assert json.loads(file.read_text())["reference"] == str(home / "a.jpg")
    assert read_triplets(file)[0].target == home / "b.jpg"


def test_relative_paths_start_at_the_file_and_not_where_one_is(home, monkeypatch):
    written(home, GOOD)
    (home / "sub").mkdir()
    monkeypatch.chdir(home / "sub")
    (found,) = read_triplets(Path("../triplets.jsonl"))
    assert found == Triplet(1, home / "a.jpg", "in blue", home / "b.jpg")


def test_a_failed_write_leaves_the_old_file(home):
    file = written(home, GOOD)
    before = file.read_bytes()

    def broken():
        yield Triplet(1, home / "a.jpg", "x", home / "b.jpg")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_triplets(file, broken())
    assert file.read_bytes() == before
    assert sorted(path.name for path in home.iterdir()) == [
        "a.jpg", "b.jpg", "c.jpg", "triplets.jsonl"
    ]  # fmt: skip


def test_a_place_that_can_not_be_written_is_told(home):
    with pytest.raises(UsageError, match=r"can't write .*/a\.jpg/t\.jsonl"):
        write_triplets(home / "a.jpg" / "t.jsonl", [])
    (home / "folder").mkdir()
    with pytest.raises(UsageError, match="can't write"):
        write_triplets(home / "folder", [])
    assert not list(home.glob("*.part"))


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "no JSON"),
        (b'"words"', "no JSON object"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no text in UTF-8"),
        ({"modifier": "x", "target": "b.jpg"}, "no reference"),
        ({"reference": "a.jpg", "target": "b.jpg"}, "no modifier"),
        ({"reference": "a.jpg", "modifier": "x"}, "no target"),
        (GOOD | {"modifier": 3}, "the modifier is no text"),
        (GOOD | {"reference": ["a.jpg"]}, "the reference is no text"),
        (GOOD | {"target": None}, "the target is no text"),
        (GOOD | {"modifier": " \t"}, "the modifier is empty"),
        (GOOD | {"reference": ""}, "the reference is empty"),
        (GOOD | {"reference": "gone.jpg"}, "there is no reference gone.jpg"),
        (GOOD | {"target": "."}, "there is no target ."),
        (GOOD | {"target": "x\0.jpg"}, "there is no target x\0.jpg"),
        (GOOD | {"target": "./a.jpg"}, "reference and target are the same picture"),
    ],
)
def test_a_line_of_no_use_is_named(home, line, reason):
    file = written(home, GOOD, line, GOOD | {"modifier": "in red"})
    found, problems = examine(file)
    assert [one.line for one in found] == [1, 3]
    assert [str(problem) for problem in problems] == [f"line 2: {reason}"]
    with pytest.raises(UsageError) as caught:
        read_triplets(file)
    assert f"1 of the 3 triplets in {file} can't be used: line 2: {reason}" in caught.value.message
    assert "isa triplets check" in caught.value.hint


def test_what_was_asked_before_is_named_with_its_line(home):
    file = written(
        home,
        GOOD,
        GOOD | {"modifier": "in  BLUE "},
        GOOD | {"target": "c.jpg"},
        GOOD | {"target": "./c.jpg"},
    )
    _, problems = examine(file)
    assert list(map(str, problems)) == ["line 2: the same as line 1", "line 4: the same as line 3"]


def test_the_first_problems_are_named_and_the_others_counted(home):
    file = written(home, GOOD, *[{"reference": "a.jpg"}] * 7)
    with pytest.raises(UsageError) as caught:
        read_triplets(file)
    assert caught.value.message.endswith("line 5: no modifier; line 6: no modifier and 2 more")
    assert "7 of the 8" in caught.value.message


def test_blank_lines_other_fields_and_a_byte_order_mark_do_no_harm(home):
    file = written(home, b"\xef\xbb\xbf" + json.dumps(GOOD | {"id": 7}).encode(), b"", b"  \r")
    assert [one.line for one in read_triplets(file)] == [1]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_told(home, content):
    file = home / "t.jsonl"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="holds no triplet"):
        read_triplets(file)


def test_a_file_that_is_not_there_is_told(home):
    with pytest.raises(UsageError, match="can't be read: No such file"):
        read_triplets(home / "gone.jsonl")
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        read_triplets(home)


# --- files of anybody's --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            b'{"reference": "a.jpg", "modifier": "\\ud800", "target": "b.jpg"}',
            "modifier is no text",
        ),
        (
            b'{"reference": "\\ud800.jpg", "modifier": "x", "target": "b.jpg"}',
            "no reference \ud800",
        ),
        (b'{"reference": "a\\u0000.jpg", "modifier": "x", "target": "b.jpg"}', "no reference a\0"),
        (b'{"reference": ' + b"9" * 900_000 + b"}", "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
        (b"\0" * 100, "no JSON"),
        (b'"' + b"x" * 40_000_000 + b'"', "longer than 1,000,000 bytes"),
        ({"reference": "x" * 900_000, "modifier": "x", "target": "b.jpg"}, "there is no reference"),
        (GOOD | {"target": "é" * 5_000}, "there is no target"),
        (GOOD | {"target": "/dev/zero"}, "there is no target"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_line_of_anything_is_named_in_few_words(home, line, reason):
    found, problems = examine(written(home, GOOD, line, GOOD | {"modifier": "in red"}))
    assert [one.line for one in found] == [1, 3]
    assert [problem.line for problem in problems] == [2]
    assert reason in str(problems[0])
    assert len(str(problems[0])) < 300


def test_a_picture_that_is_a_pipe_is_none(home):
    os.mkfifo(home / "pipe.jpg")
    _, problems = examine(written(home, GOOD | {"target": "pipe.jpg"}))
    assert [str(problem) for problem in problems] == ["line 1: there is no target pipe.jpg"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_other_systems_files_are_read(home, encoding, end):
    lines = [GOOD, GOOD | {"modifier": "größer"}]
    text = end.join(json.dumps(line, ensure_ascii=False) for line in lines) + end
    (home / "t.jsonl").write_bytes(text.encode(encoding))
    assert [one.modifier for one in read_triplets(home / "t.jsonl")] == ["in blue", "größer"]


def test_accents_may_be_written_in_two_ways(home):
    composed, apart = "café.jpg", "cafe\u0301.jpg"
    (home / apart).touch()
    (found,) = read_triplets(written(home, GOOD | {"target": composed}))
    assert found.target == home / apart


def test_what_is_no_text_at_all_is_told(home):
    (home / "t.jsonl").write_bytes(b"\xff\xfe\0")
    with pytest.raises(UsageError, match="begins as UTF-16 does"):
        read_triplets(home / "t.jsonl")
    os.mkfifo(home / "pipe.jsonl")
    with pytest.raises(UsageError, match="a pipe or a device"):
        read_triplets(home / "pipe.jsonl")

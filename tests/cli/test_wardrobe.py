"""``isa wardrobe render`` as users call it."""

from __future__ import annotations

import json

import pytest


def test_it_renders_pictures_and_the_truth(isa, tmp_path):
    done = isa("wardrobe", "render", tmp_path / "w", "--count", 3, "--seed", 5, "--size", 40)
    assert done.code == 0
    assert done.out == ""
    assert "3 pictures in" in done.err
    assert len(list((tmp_path / "w").glob("*.jpg"))) == 3
    lines = (tmp_path / "w" / "wardrobe.jsonl").read_text().splitlines()
    assert [json.loads(line)["image"] for line in lines] == ["00000.jpg", "00001.jpg", "00002.jpg"]


def test_the_same_seed_gives_the_same_bytes(isa, tmp_path):
    for name in ("a", "b"):
        call = ["wardrobe", "render", tmp_path / name, "--count", 2, "--size", 32, "--quiet"]
        assert isa(*call).code == 0
    a, b = ([path.read_bytes() for path in sorted((tmp_path / n).iterdir())] for n in "ab")
    assert a == b


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wardrobe", "render", ""], "the folder's name is empty"),
        (["wardrobe", "render"], "DIR"),
        (["wardrobe", "render", "x", "--count", 0], "--count"),
        (["wardrobe", "render", "x", "--size", 5], "--size"),
        (["wardrobe", "paint"], "paint"),
    ],
)
def test_what_can_not_be_rendered_is_told(isa, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = isa(*arguments)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_files_is_refused_in_one_sentence(isa, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = isa("wardrobe", "render", tmp_path, "--count", 1)
    assert done.code == 2
    assert "not empty" in done.err
    assert "→" in done.err
    assert "Traceback" not in done.err

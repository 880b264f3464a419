"""Files that are none, wherever a person may name one: one sentence, and nothing waits."""

import os

import pytest

PIPES = {
    "triplets": ("train", "compose", "--triplets", "{}"),
    "from, composing": ("train", "compose", "--triplets", "{file}", "--from", "{}"),
    "from, mapping": ("train", "map", "--vsi", "1", "--from", "{}"),
    "light weights": ("train", "--light-weights", "{}"),
    "soft text": ("train", "map", "--vsi", "1", "--soft-text", "{}"),
    "network": ("models", "import", "{}", "--for", "isa-mini", "--out", "q.safetensors"),
    "query model": ("eval", "wardrobe", "--query-model", "{}"),
    "questions": ("eval", "csv", "{}", "--gallery", "."),
    "questions, short": ("eval", "{}.csv", "--gallery", "."),
    "annotations": ("eval", "circo", "--annotations", "{}", "--predictions", "{file}"),
    "predictions": ("eval", "circo", "--annotations", "{file}", "--predictions", "{}"),
    "reports": ("eval", "compare", "{file}", "{}"),
    "check": ("triplets", "check", "{}"),
    "captions": ("triplets", "make", "--captions", "{}", "--out", "t.jsonl"),
    "list": ("triplets", "make", "--captions", "{table}", "--list", "{}", "--out", "t.jsonl"),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISA_GALLERY", str(tmp_path / "gallery"))
    for name in ("pipe", "pipe.csv"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "file").write_text("{}")
    (tmp_path / "table").write_text("image,caption\na.jpg,A dog\n")
    return tmp_path


@pytest.mark.parametrize("kind", PIPES)
def test_a_pipe_is_told_and_never_waited_for(kind, here, isa):
    words = {"file": str(here / "file"), "table": str(here / "table")}
    said = isa(*(each.format(here / "pipe", **words) for each in PIPES[kind]))
    assert said.code in {2, 4}, said.err
    assert said.err.startswith("isa: ")
    assert "a pipe or a device" in said.err
    assert "Traceback" not in said.err
    assert not (here / "t.jsonl").exists()

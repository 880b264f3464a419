"""A whole day with the public names alone: index, search, train, compose, explain, forget."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import isa_cli

MODIFIER = "in green"


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A folder of rendered garments with triplets, as ``isa wardrobe triplets`` makes them."""
    folder = tmp_path_factory.mktemp("day")
    command = [sys.executable, "-m", "isa_cli", "wardrobe", "triplets", "W", "--count", "48"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def test_a_library_from_the_first_photo_to_the_last(day):
    said = []
    library = isa_cli.open(day / "gallery", model="isa-mini", precision="fp32")
    photos = sorted((day / "W").rglob("*.jpg"))

    summary = library.index([day / "W"])
    assert (summary.embedded, summary.failures) == (len(photos), [])

    before = library.search(photos[0], MODIFIER, top=5)
    assert isinstance(before, isa_cli.Answer)
    assert all(isinstance(hit, isa_cli.Hit) for hit in before)
    assert len({hit.photo.path for hit in before} & set(photos)) == 5
    assert before.method == "two-stage"  # the query model that comes with isa-mini

    trained = library.train(epochs=1, batch_size=8, limit=40, progress=said.append)
    assert trained.path == library.folder / "query.safetensors"
    assert [line for line in said if "held out" in line]
    learned = library.search(photos[0], MODIFIER, top=5)
    assert learned.method == "isa"  # and the gallery's own, once it has one

    triplets = day / "W" / "triplets.jsonl"
    assert json.loads(triplets.read_text().splitlines()[0]).keys() >= {"reference", "target"}
    composed = library.compose(triplets, epochs=1, batch_size=8, memory=16, progress=said.append)
    assert composed.path == trained.path
    assert library.search(photos[0], MODIFIER).method == "two-stage"
    assert library.search(photos[0], MODIFIER, method="isa").method == "isa"

    explained = library.explain(photos[0], MODIFIER, top=2)
    assert len(explained.explanation.tokens) == 6
    assert len(explained.splits) == len(explained.answer) == 2

    assert library.forget([day / "W"], dry_run=True).photos == len(photos)
    assert library.forget([day / "W"]).photos == len(photos)
    assert library.search(modifier="a dress").total == 0
    library.close()


def test_what_can_go_wrong_is_one_error(day):
    library = isa_cli.open(day / "nothing here", model="isa-mini")
    for work in (
        lambda: library.search("missing.jpg"),
        library.train,
        lambda: library.train(tokens=0),
        lambda: library.compose("missing.jsonl"),
        lambda: library.explain("missing.jpg", "at night"),
        lambda: library.index([day / "mistyped"]),
        lambda: library.forget(["x"]),
    ):
        with pytest.raises(isa_cli.IsaError) as told:
            work()
        assert told.value.message
        assert told.value.hint
    assert not Path(library.folder).exists()


def test_options_that_are_none_are_a_programmers_mistake(day):
    with pytest.raises(TypeError, match="magic"):
        isa_cli.open(day / "gallery").train(magic=True)

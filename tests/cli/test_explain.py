"""``isa explain`` as a person and a script meet it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch

from isa_cli.encoders import locate
from isa_cli.encoders.light import load_light
from isa_cli.query.checkpoint import save
from isa_cli.query.header import Header, MapperConfig
from isa_cli.query.lookup import QUERY_MODEL
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from tests.cli.conftest import isa_process

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = 3
WORDS = "the same in <red>"


@dataclass(frozen=True)
class Learned:
    """A gallery with a query model, and a reference in it."""

    gallery: Path
    reference: Path


def with_query_model(indexed, gallery, kind):
    """Copy a gallery and put an untrained query model into it."""
    shutil.copytree(indexed.gallery, gallery)
    torch.manual_seed(2)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=64)
    config = MapperConfig(kind, light.channels, 32, TOKENS, 16)
    space = locate(str(indexed.model)).space
    header = Header(space, config, light.config, Template().as_dict())
    save(gallery / QUERY_MODEL, header, mapper=build_mapper(config), light=light)
    return Learned(gallery, indexed.photos / "red.jpg")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # of the processes
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def learned(indexed, tmp_path_factory):
    return with_query_model(indexed, tmp_path_factory.mktemp("explain") / "g", "token-learner")


def test_a_process_says_what_each_word_looks_at_and_what_each_part_gave(learned, tmp_path):
    page = tmp_path / "why.html"
    done = isa_process(
        *("explain", learned.reference, WORDS, "--gallery", learned.gallery, "--html", page),
        *("--top", "2"),
    )
    assert (done.code, done.err) == (0, f"page: {page}\n")
    shares = [int(share) for share in re.findall(r"holds (\d+)% of the picture", done.out)]
    assert len(shares) == TOKENS
    assert sum(shares) in range(99, 102)
    assert done.out.count("nearest real words: ") == TOKENS
    assert "█" in done.out  # where a map is at its highest
    table = done.out.split("the answers")[1].splitlines()
    assert table[1].split() == ["#", "query", "reference", "words", "gain", "photo"]
    assert [row.split()[0] for row in table[2:4]] == ["1", "2"]

    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == TOKENS  # one for each token
    assert text.count("data:image/jpeg;base64,") == 3  # the reference and two answers
    assert "the same in &lt;red&gt;" in text
    assert "<red>" not in text


def test_json_is_one_document_that_agrees_with_the_search(learned, isa):
    question = (learned.reference, WORDS, "--gallery", learned.gallery, "--top", "2", "--json")
    told = json.loads(isa("explain", *question).out)
    hits = [json.loads(line) for line in isa("search", *question).out.splitlines()]
    assert [hit["path"] for hit in told["answers"]] == [hit["path"] for hit in hits]
    for answer, hit in zip(told["answers"], hits, strict=True):
        assert answer["parts"].keys() == {"query", "reference", "words"}
        assert answer["parts"]["query"]["cosine"] == pytest.approx(hit["score"], abs=1e-3)
        assert answer["parts"]["query"]["z"] == pytest.approx(hit["z"], abs=0.05)
    assert told["method"] == "isa"
    assert told["modifier"] == WORDS
    assert told["parts"].keys() == {"reference", "words"}
    assert [token["token"] for token in told["tokens"]] == [1, 2, 3]
    maps = torch.tensor([token["attention"] for token in told["tokens"]])
    torch.testing.assert_close(maps.sum(dim=0), torch.ones(2, 2))
    assert all(len(token["nearest"]) == 3 for token in told["tokens"])


def test_a_blend_splits_the_query_into_its_halves(learned, isa, tmp_path):
    stranger = tmp_path / "stranger.png"  # not in the gallery: its vector has to be made
    shutil.copy(learned.reference, stranger)
    with stranger.open("ab") as file:
        file.write(b"\0")
    told = []
    for reference in (learned.reference, stranger):
        done = isa(
            *("explain", reference, WORDS, "--gallery", learned.gallery, "--alpha", "0.5", "--json")
        )
        told.append(json.loads(done.out))
    known, unknown = told
    assert known["alpha"] == unknown["alpha"] == 0.5
    assert known["parts"].keys() == {"reference", "words", "learned", "slerp"}
    assert known["parts"] == pytest.approx(unknown["parts"], abs=1e-3)


def test_a_mapper_without_maps_says_so(indexed, isa, tmp_path):
    plain = with_query_model(indexed, tmp_path / "g", "mlp")
    page = tmp_path / "why.html"
    done = isa(
        *("explain", plain.reference, WORDS, "--gallery", plain.gallery, "--html", page, "-q")
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.count("no map: ") == TOKENS
    assert "data:image/png" not in page.read_text()


def test_hostile_names_do_no_harm(learned, isa, tmp_path):
    hostile = tmp_path / "<b>x\x1b[31m.jpg"
    shutil.copy(learned.reference, hostile)
    page = tmp_path / "why.html"
    done = isa("explain", hostile, WORDS, "--gallery", learned.gallery, "--html", page)
    assert done.code == 0
    assert "\x1b" not in done.out + page.read_text()
    assert "<b>x" not in page.read_text()


def test_without_a_query_model_there_is_nothing_learned(indexed, isa):
    done = isa("explain", indexed.photos / "red.jpg", WORDS, "--gallery", indexed.gallery)
    assert done.code == 2
    assert done.out == ""
    sentence, hint = done.err.splitlines()
    assert "nothing learned to explain" in sentence
    assert "isa train" in hint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["red.jpg"], "one picture and the words"),
        (["--text", "red"], "one picture and the words"),
        (["red.jpg", "green.jpg", "x"], "one picture and the words"),
        (["red.jpg", "x", "--open"], "no page to open"),
        (["red.jpg", "x", "--html", "nowhere/x.html"], "not there"),
        (["missing.jpg", "x"], "there is no file"),
        (["red.jpg", "x", "--alpha", "2"], "between 0 and 1"),
        (["red.jpg", "x", "--top", "0"], "at least 1"),
    ],
)
def test_mistakes_are_one_sentence(learned, isa, monkeypatch, arguments, said):
    monkeypatch.chdir(learned.reference.parent)
    done = isa("explain", *arguments, "--gallery", learned.gallery)
    assert done.code == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert said in lines[0]
    assert len(lines) <= 2

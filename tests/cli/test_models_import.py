"""``isa models import``: networks in SEARLE's, LinCIR's and Pic2Word's layouts, and a search."""

from __future__ import annotations

import json
import os
import shutil
import zipfile

import pytest
import torch

from isa_cli.query.header import read_header

D = 32
"""Of the tiny model: its vectors, and its words."""


def _linear(name, rows, columns):
    generator = torch.Generator().manual_seed(rows + columns)
    return {
        f"{name}.weight": torch.randn(rows, columns, generator=generator),
        f"{name}.bias": torch.randn(rows, generator=generator),
    }


def phi(dim=D, hidden=4 * D):
    """SEARLE's and LinCIR's class."""
    return (
        _linear("layers.0", hidden, dim)
        | _linear("layers.3", hidden, hidden)
        | _linear("layers.6", dim, hidden)
    )


def im2text(dim=D, hidden=20):
    """Pic2Word's class."""
    return (
        _linear("fc_out", dim, hidden)
        | _linear("layers.0.0", hidden, dim)
        | _linear("layers.1.0", hidden, hidden)
    )


FILES = {
    "searle": {"epoch": 2, "Phi": phi(hidden=2 * D)},
    "lincir": {"Phi": phi()},
    "pic2word": {
        "epoch": 30,
        "state_dict": {"module.logit_scale": torch.tensor(4.6)},
        "state_dict_img2text": {f"module.{key}": value for key, value in im2text().items()},
    },
}
PROMPTS = {
    "searle": "a photo of {sentence} that {modifier}",
    "lincir": "a photo of {sentence} that {modifier}",
    "pic2word": "a photo of {sentence}, {modifier}",
}


@pytest.fixture
def own(indexed, tmp_path):
    """A gallery that a test may change."""
    return shutil.copytree(indexed.gallery, tmp_path / "own")


@pytest.fixture
def network(tmp_path):
    """Write a network as its authors do: ``network("searle") -> Path``."""

    def write(name, content=None):
        path = tmp_path / f"{name}.pt"
        torch.save(FILES[name] if content is None else content, path)
        return path

    return write


@pytest.fixture
def bring(isa, own, indexed):
    def call(*arguments):
        return isa("models", "import", *arguments, "--for", indexed.model, "--gallery", own)

    return call


@pytest.mark.parametrize("name", FILES)
def test_a_search_answers_with_an_imported_network(name, isa, bring, network, own, indexed):
    said = bring(network(name))
    assert said.code == 0, said.err
    assert "32 -> 32" in said.err
    assert "isa search uses it from now on" in said.err
    header = read_header(own / "query.safetensors")
    assert header.method == "published"
    assert header.template["modified"] == PROMPTS[name]
    assert header.training["file"] == f"{name}.pt"

    ask = ("search", indexed.photos / "red.jpg", "in green", "--gallery", own, "--device", "cpu")
    scores = {}
    for method in ("auto", "published", "slerp"):
        answer = isa(*ask, "--method", method, "--json")
        assert answer.code == 0, answer.err
        scores[method] = [
            json.loads(line)["score"] for line in answer.out.splitlines() if line.strip()
        ]
    assert scores["auto"] == scores["published"]
    assert scores["auto"] != scores["slerp"]


def test_a_method_of_another_kind_says_what_to_type(isa, bring, network, own, indexed):
    assert bring(network("lincir"), "--quiet").err == ""
    said = isa(
        *("search", indexed.photos / "red.jpg", "in green", "--gallery", own, "--method", "isa")
    )
    assert said.code == 2
    assert "needs a query model of isa train" in said.err
    assert "use --method published, or leave --method out" in said.err


def test_without_a_network_a_search_says_where_one_comes_from(isa, own, indexed):
    said = isa(
        *("search", indexed.photos / "red.jpg", "x", "--gallery", own, "--method", "published")
    )
    assert said.code == 2
    assert "isa models import" in said.err


def test_it_goes_to_a_file_and_the_benchmark_takes_it(isa, network, indexed, tmp_path):
    out = tmp_path / "q.safetensors"
    said = isa("models", "import", network("searle"), "--for", indexed.model, "--out", out)
    assert said.code == 0, said.err
    assert "from now on" not in said.err
    small = ("--model", indexed.model, "--count", 8, "--gallery-size", 40, "--device", "cpu")
    said = isa("eval", "wardrobe", *small, "--query-model", out, "--json", "--quiet")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert [result["method"] for result in document["results"]] == [
        *("image", "text", "sum", "slerp", "calibrated", "published")
    ]
    assert document["protocol"]["alpha"]["published"] == 1.0
    assert len(document["protocol"]["query model"]) == 8
    said = isa("eval", "wardrobe", *small, "--query-model", out, "--method", "sum,isa")
    assert said.code == 2
    assert "use --method published" in said.err


def test_the_one_that_comes_with_isa_serves_its_own_space(
    isa, bring, network, own, indexed, tmp_path, monkeypatch
):
    with_isa = tmp_path / "bundled.safetensors"
    isa("models", "import", network("searle"), "--for", indexed.model, "--out", with_isa)
    monkeypatch.setattr("isa_cli.query.lookup.BUNDLED_QUERY", with_isa)
    ask = ("search", indexed.photos / "red.jpg", "in green", "--gallery", own, "--device", "cpu")
    bundled = isa(*ask, "--method", "published", "--json")
    assert bundled.code == 0, bundled.err
    bring(network("pic2word"))
    assert isa(*ask, "--json").out not in {"", bundled.out}

    small = ("eval", "wardrobe", "--count", 8, "--gallery-size", 40, "--device", "cpu", "--json")
    document = json.loads(isa(*small, "--model", indexed.model, "--quiet").out)
    assert document["results"][-1]["method"] == "published"
    document = json.loads(isa(*small, "--model", indexed.model, "--method", "sum", "--quiet").out)
    assert "query model" not in document["protocol"]
    document = json.loads(isa(*small, "--model", "isa-mini", "--quiet").out)
    assert document["results"][-1]["method"] == "calibrated"


def test_one_that_is_there_stays_unless_forced(bring, network, own):
    (own / "query.safetensors").write_bytes(b"precious")
    said = bring(network("searle"))
    assert said.code == 2
    assert "there is a query model already" in said.err
    assert (own / "query.safetensors").read_bytes() == b"precious"
    assert bring(network("searle"), "--force").code == 0
    assert read_header(own / "query.safetensors").method == "published"


def test_a_network_for_another_model_than_the_gallerys(isa, network, own):
    said = isa("models", "import", network("searle"), "--for", "isa-mini", "--gallery", own)
    assert said.code == 4
    assert "isa-mini (192-d" in said.err
    assert "tiny (32-d" in said.err
    assert not (own / "query.safetensors").exists()


class _Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


def test_code_in_a_file_is_never_run(bring, network, own, tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    said = bring(network("evil", {"Phi": _Bomb()}))
    assert said.code == 4
    assert "runs no code" in said.err
    assert not (tmp_path / "exploded").exists()
    assert not (own / "query.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ({"Phi": phi(dim=24)}, 4, ["24 -> 24", "32 numbers", "--for"]),
        ({"Phi": phi() | {"layers.9.weight": torch.zeros(1)}}, 4, ["SEARLE", "Pic2Word"]),
        ({"model": torch.zeros(2)}, 4, ["holds: model (2,)"]),
    ],
    ids=["another model's sizes", "one layer more", "something else"],
)
def test_what_does_not_fit_is_one_sentence(bring, network, own, content, code, words):
    said = bring(network("odd", content))
    assert said.code == code
    assert said.err.count("\n") <= 2
    for word in words:
        assert word in said.err
    assert not (own / "query.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.pt", "--for", "small"), "there is no file 'none.pt'"),
        (("", "--for", "small"), "there is no file ''"),
        (("{file}",), "--for"),
        (("{file}", "--for", ""), "--for is empty"),
        (("{file}", "--for", "small", "--out", ""), "--out is empty"),
        (("{file}", "--for", "small", "--out", "a", "--gallery", "b"), "exclude each other"),
        (("{file}", "--for", "small", "--out", "nowhere/q"), "folder that is not there"),
        (("{file}", "--for", "small", "--out", "."), "is a folder"),
        ((), "FILE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_senseless_requests_are_one_sentence(isa, network, arguments, words):
    path = str(network("searle"))
    said = isa("models", "import", *(path if each == "{file}" else each for each in arguments))
    assert said.code == 2
    assert words in said.err
    assert said.out == ""


def test_no_gallery_and_no_weights(isa, network, indexed, tmp_path):
    said = isa(
        *("models", "import", network("searle"), "--for", indexed.model),
        *("--gallery", tmp_path / "none"),
    )
    assert said.code == 4
    assert "there is no gallery" in said.err
    (tmp_path / "text.pt").write_text("no weights")
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as file:
        file.writestr("a", "b")
    for name in ("text.pt", "zip.pt"):
        said = isa("models", "import", tmp_path / name, "--for", indexed.model, "--out", "q")
        assert said.code == 4
        assert name in said.err

"""``isa eval wardrobe`` with a tiny model that knows nothing: what is printed, not how good."""

import dataclasses
import json
import os

import pytest
import torch

from isa_cli.encoders import locate
from isa_cli.encoders.light import load_light
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import load, save
from isa_cli.query.header import AdaptersConfig, Header, MapperConfig, read_header
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from tests.cli.conftest import isa_process

SMALL = ("--count", 12, "--gallery-size", 150, "--device", "cpu")
METHODS = ["image", "text", "sum", "slerp", "calibrated"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An environment whose cache the runs of this file share."""
    return os.environ | {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture(scope="module")
def first(home, tiny_model):
    said = isa_process("eval", "wardrobe", "--model", tiny_model, *SMALL, "--json", env=home)
    assert said.code == 0, said.err
    return said


def test_the_document_is_all_there_is_on_stdout(first):
    document = json.loads(first.out)
    assert (document["benchmark"], document["split"]) == ("wardrobe", "test")
    protocol = document["protocol"]
    assert protocol["gallery"] == 150
    assert protocol["cases"] == 12
    assert protocol["reference"] == "removed"
    assert protocol["seed"] == 7
    assert protocol["precision"] in {"fp32", "bf16"}
    assert protocol["device"] == "cpu"
    assert protocol["preprocessing"].startswith("32x32")
    assert len(protocol["digest"]) == 8
    assert set(protocol["alpha"]) == {"sum", "slerp", "calibrated"}
    assert [result["method"] for result in document["results"]] == METHODS
    for result in document["results"]:
        assert list(result["metrics"]) == ["R@1", "R@5", "R@10", "mAP@10"]
        for name, value in result["metrics"].items():
            low, high = result["intervals"][name]
            assert 0.0 <= low <= value <= high <= 1.0
        groups = result["groups"]
        assert set(groups) <= {*("swap", "removal", "addition", "two", "category")} | {
            *("seen pairs", "unseen pairs")
        }
        assert sum(group["cases"] for name, group in groups.items() if "pairs" in name) == 12


def test_a_second_run_gives_the_same_numbers_and_embeds_nothing(first, home, tiny_model):
    said = isa_process("eval", "wardrobe", "--model", tiny_model, *SMALL, "--json", env=home)
    assert said.out == first.out
    assert " on cpu" in first.err  # told when the image tower was loaded
    assert " on cpu" not in said.err


def test_tables_and_the_protocol_line(first, home, tiny_model):
    said = isa_process(
        *("eval", "wardrobe", "--model", tiny_model, *SMALL, "--method", "text, sum"),
        *("--alpha", 0.5),
        env=home,
    )
    assert said.code == 0, said.err
    lines = [line.strip() for line in said.out.splitlines()]
    assert lines[0] == "wardrobe, test: percent, and its 95 % interval"
    assert [line.split()[0] for line in lines if line.startswith(("text ", "sum "))] == [
        *("text", "sum", "text", "sum")
    ]
    assert "image" not in said.out
    assert lines[-1].startswith("protocol: gallery 150, cases 12, reference removed, seed 7,")
    assert lines[-1].endswith("alpha sum=0.5")
    value = json.loads(first.out)["results"][1]["metrics"]["mAP@10"]
    assert f"{100 * value:.1f}" in next(line for line in lines if line.startswith("text "))


@pytest.fixture
def two_stage(tmp_path, tiny_model):
    """Write a query model with adapters that change what is read, and return its path."""
    torch.manual_seed(2)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=64)
    config = MapperConfig("token-learner", light.channels, 32, 3, 16)
    reading = AdaptersConfig((1,), 32, 4)
    adapters = Adapters(reading)
    with torch.no_grad():
        for weight in adapters.parameters():
            weight.copy_(torch.randn(weight.shape))
    header = Header(
        locate(str(tiny_model)).space,
        config,
        light.config,
        Template().as_dict(),
        adapters=reading,
    )
    path = tmp_path / "query.safetensors"
    save(path, header, mapper=build_mapper(config), light=light, adapters=adapters)
    return path


def test_one_file_serves_two_methods_and_the_ladder_is_one_table(
    isa, home, tiny_model, two_stage, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", home["XDG_CACHE_HOME"])
    asking = ("eval", "wardrobe", "--model", tiny_model, *SMALL, "--query-model", two_stage)
    said = isa(*asking, "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    results = {result["method"]: result for result in document["results"]}
    assert list(results) == [*METHODS, "isa", "two-stage"]
    assert results["isa"]["metrics"] != results["two-stage"]["metrics"]
    assert set(document["protocol"]["template"]) == {"words", "isa", "two-stage"}
    assert document["protocol"]["alpha"]["two-stage"] == 1.0
    said = isa(*asking, "--method", "image,text,sum,slerp,calibrated,isa,two-stage")
    first = said.out.partition("group")[0].splitlines()
    assert [line.split()[0] for line in first if "-" in line and "%" not in line][-7:] == [
        *(*METHODS, "isa", "two-stage")
    ]
    alone = isa(*asking, "--json", "--method", "two-stage")
    assert json.loads(alone.out)["results"] == [results["two-stage"]]


def test_a_query_model_of_one_stage_serves_no_two(isa, tiny_model, two_stage, monkeypatch):
    header = read_header(two_stage)
    model = load(two_stage)
    save(
        two_stage,
        dataclasses.replace(header, adapters=None),
        mapper=model.mapper,
        light=model.light,
    )
    said = isa(
        *("eval", "wardrobe", "--model", tiny_model, "--query-model", two_stage),
        *("--method", "two-stage"),
    )
    assert (said.code, said.out) == (2, "")
    assert "needs a query model of isa train compose" in said.err
    assert "use --method isa, or leave --method out" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wardrob"], ["no benchmark is called 'wardrob'", "wardrobe"]),
        (["wardrobe", "--method", "sum,slurp"], ["'slurp'", "image, text, sum, slerp, calibrated"]),
        (["wardrobe", "--method", "sum,sum"], ["sum is named twice"]),
        (["wardrobe", "--method", " , "], ["no method is named"]),
        (["wardrobe", "--alpha", "1.5"], ["--alpha is 1.5"]),
        (["wardrobe", "--model", ""], ["--model is empty"]),
        (["wardrobe", "--count", "0"], ["--count"]),
        (["wardrobe", "--gallery-size", "100"], ["--gallery-size 100", "at least 2400"]),
        (["wardrobe-captions", "--method", "sum"], ["words alone"]),
        (["wardrobe-captions", "--count", "5", "--gallery-size", "6"], ["each picture once"]),
        ([], ["BENCHMARK"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_senseless_requests_are_one_sentence(isa, arguments, words):
    said = isa("eval", *arguments)
    assert said.code == 2
    assert said.out == ""
    for word in words:
        assert word in said.err


def test_captions_are_asked_with_words_alone(home, tiny_model):
    said = isa_process(
        *("eval", "wardrobe-captions", "--count", 30, "--model", tiny_model, "--device", "cpu"),
        "--json",
        env=home,
    )
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert document["benchmark"] == "wardrobe-captions"
    assert (document["protocol"]["gallery"], document["protocol"]["cases"]) == (30, 30)
    assert document["protocol"]["reference"] == "none"
    (result,) = document["results"]
    assert result["method"] == "text"
    assert {name: group["cases"] for name, group in result["groups"].items()} == {
        "seen pairs": 15,
        "unseen pairs": 15,
    }


def test_a_model_that_is_not_there_is_told_before_anything_is_rendered(isa, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = isa("eval", "wardrobe", "--model", "/no/such/model")
    assert said.code == 4
    assert "/no/such/model" in said.err
    assert list(tmp_path.iterdir()) == []

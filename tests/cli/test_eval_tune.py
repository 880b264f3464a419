"""``isa eval tune``: what is tried, what is refused, and where the choice is kept."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from isa_cli.encoders import locate
from isa_cli.encoders.light import load_light
from isa_cli.evaluation import runner
from isa_cli.gallery.gallery import Gallery
from isa_cli.images import open_file
from isa_cli.query import lookup
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import load, save
from isa_cli.query.header import AdaptersConfig, Header, MapperConfig, read_header
from isa_cli.query.lookup import QUERY_MODEL
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.query.tuned import TUNED, from_json

QUESTIONS = """reference,modifier,target
red.jpg,the same in blue,2024/blue.jpg
2024/blue.jpg,in green,green.jpg
green.jpg,at night,2024/dark.jpg
"""


@pytest.fixture
def gallery(indexed, tmp_path):
    """A gallery that a test may change, and questions about it."""
    (tmp_path / "my.csv").write_text(QUESTIONS)
    return shutil.copytree(indexed.gallery, tmp_path / "gallery")


@pytest.fixture
def tune(isa, gallery, tmp_path):
    return lambda *more: isa(
        *("eval", "tune", tmp_path / "my.csv", "--gallery", gallery, "--device", "cpu", *more)
    )


def with_query_model(path, model):
    """Write an untrained query model."""
    torch.manual_seed(2)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=64)
    config = MapperConfig("token-learner", light.channels, 32, 3, 16)
    header = Header(
        locate(str(model)).space, config, light.config, Template().as_dict(), {"photos": 12}
    )
    save(path, header, mapper=build_mapper(config), light=light, half=True)
    return path


def test_the_best_of_all_that_was_tried_is_kept_in_the_gallery(tune, gallery):
    said = tune("--json", "--metric", "mAP@10")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    trials, choice = document["trials"], document["choice"]
    assert len(trials) == 2 + 3 * 9
    assert choice["value"] == max(trial["value"] for trial in trials)
    first = next(trial for trial in trials if trial["value"] == choice["value"])
    assert (first["method"], first["alpha"]) == (choice["method"], choice["alpha"])
    assert document["stored"] == str(gallery)
    assert document["protocol"]["gallery"] == 6
    with Gallery.open(gallery) as opened:
        kept = from_json(opened.catalog.metadata.setting(TUNED))
    assert kept.metric == "mAP@10"
    assert (kept.method, kept.alpha, kept.value) == tuple(
        choice[name] for name in ("method", "alpha", "value")
    )


def test_a_dry_run_stores_nothing(tune, gallery):
    said = tune("--dry-run", "--method", "sum")
    assert said.code == 0, said.err
    assert "the best 9 of" not in said.out
    assert said.out.startswith("my.csv, all: R@1, percent")
    assert "nothing was stored" in said.err
    with Gallery.open(gallery) as opened:
        assert from_json(opened.catalog.metadata.setting(TUNED)) is None


def test_both_forms_of_a_csv_mean_the_same(tune, isa, gallery, tmp_path):
    shared = ("--gallery", gallery, "--device", "cpu", "--method", "image,sum", "--json", "-n")
    named = isa("eval", "tune", "csv", tmp_path / "my.csv", *shared)
    assert named.code == 0, named.err
    assert named.out == tune("--method", "image,sum", "--json", "-n").out
    other = (tmp_path / "my.csv").rename(tmp_path / "questions.txt")
    assert isa("eval", "tune", "csv", other, *shared).code == 0


def test_a_reference_is_opened_once_whatever_is_tried(tune, indexed, tmp_path, monkeypatch):
    opened = Counter()

    def counted(path, at_least=None):
        opened[path] += 1
        return open_file(path, at_least)

    monkeypatch.setattr(runner, "open_file", counted)
    path = with_query_model(tmp_path / "own.safetensors", indexed.model)
    said = tune("--query-model", path, "--json", "-n")
    assert said.code == 0, said.err
    assert len(json.loads(said.out)["trials"]) == 6 + 5
    assert list(opened.values()) == [1, 1, 1]


def test_a_query_model_keeps_its_weights_and_learns_its_text(tune, indexed, tmp_path, isa):
    path = with_query_model(tmp_path / "own.safetensors", indexed.model)
    before, weights = read_header(path), load_file(path)
    said = tune("--query-model", path, "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert {trial["method"] for trial in document["trials"]} == {"isa"}
    assert len({trial["template"] for trial in document["trials"]}) == 6
    assert document["stored"] == str(path)
    after = read_header(path)
    assert after.template["modified"] == document["choice"]["template"]
    assert after.template["plain"] == before.template["plain"]
    assert after.training["photos"] == 12
    assert after.training["tuned"]["isa"]["benchmark"] == "my.csv"
    assert after.alpha("isa") == document["choice"]["alpha"]
    assert (after.space, after.mapper, after.light) == (before.space, before.mapper, before.light)
    kept = load_file(path)
    assert kept.keys() == weights.keys()
    for name, tensor in weights.items():
        assert kept[name].dtype == tensor.dtype
        assert torch.equal(kept[name], tensor)
    assert [left.name for left in tmp_path.glob(".*")] == []


def test_a_text_that_adapters_were_trained_with_stays(tune, indexed, tmp_path):
    path = with_query_model(tmp_path / "own.safetensors", indexed.model)
    plain = load(path)
    adapters = Adapters(AdaptersConfig((1,), 32, 4))
    header = replace(plain.header, adapters=adapters.config)
    save(path, header, mapper=plain.mapper, light=plain.light, adapters=adapters, half=True)
    document = json.loads(tune("--query-model", path, "--json").out)
    trials = {(trial["method"], trial["template"]) for trial in document["trials"]}
    assert trials == {(method, Template().modified) for method in ("isa", "two-stage")}
    after = read_header(path)
    assert after.template == header.template
    assert after.alpha(document["choice"]["method"]) == document["choice"]["alpha"]


def test_the_bundled_query_model_stays_as_it_is_and_the_gallery_gets_a_copy(
    tune, gallery, indexed, tmp_path, monkeypatch
):
    path = with_query_model(tmp_path / "bundled.safetensors", indexed.model)
    monkeypatch.setattr(lookup, "BUNDLED_QUERY", path)
    before = path.read_bytes()
    said = tune("--method", "isa", "--json")
    assert said.code == 0, said.err
    assert path.read_bytes() == before
    document = json.loads(said.out)
    assert document["stored"] == str(gallery / QUERY_MODEL)
    own = read_header(gallery / QUERY_MODEL)
    assert own.alpha("isa") == document["choice"]["alpha"]
    assert own.template["modified"] == document["choice"]["template"]
    with Gallery.open(gallery) as opened:
        assert from_json(opened.catalog.metadata.setting(TUNED)) is None


def test_what_was_chosen_is_what_is_measured_from_then_on(tune, isa, gallery, indexed, tmp_path):
    path = with_query_model(gallery / QUERY_MODEL, indexed.model)
    choice = json.loads(tune("--method", "isa", "--json").out)["choice"]
    said = isa(
        *("eval", tmp_path / "my.csv", "--gallery", gallery, "--device", "cpu", "--json"),
        *("--method", "isa"),
    )
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert document["protocol"]["alpha"] == {"isa": read_header(path).alpha("isa")}
    assert document["protocol"]["template"] == {"isa": choice["template"]}
    assert document["results"][0]["metrics"]["R@1"] == choice["value"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cirr", "--split", "test1"], ["cirr test1 is a test split"]),
        (["circo", "--split", "test"], ["circo test is a test split"]),
        (["genecis"], ["genecis test is a test split"]),
        (["wardrobe", "--seed", "7"], ["results are stated on", "--seed 1"]),
        (["wardrobe-captions"], ["nothing to choose"]),
        (["wardrob"], ["no benchmark is called 'wardrob'"]),
        (["no.csv"], ["no file 'no.csv'"]),
        (["csv", "no.txt"], ["no file 'no.txt'"]),
        (["csv"], ["no file of questions is named", "csv FILE.csv"]),
        (["cirr", "my.csv"], ["cirr takes no file"]),
        ([], ["BENCHMARK"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_test_splits_and_senseless_requests_are_refused(isa, arguments, words):
    said = isa("eval", "tune", *arguments)
    assert (said.code, said.out) == (2, "")
    for word in words:
        assert word in said.err


def test_a_metric_that_is_not_there_is_named(tune):
    said = tune("--metric", "R@2", "--method", "image")
    assert said.code == 2
    assert "no metric 'R@2'" in said.err

"""``isa eval cirr`` and ``circo`` over a few pictures in the published layouts."""

import json

import pytest
from PIL import Image

from isa_cli.encoders.names import BUNDLED_QUERY

SIZE = 56
"""Pictures: the server wants fifty answers besides the reference."""

CIRCO_SCORES = {
    "mAP@5": 0.4861,
    "mAP@10": 0.5178,
    "mAP@25": 0.54,
    "mAP@50": 0.602,
    "R@5": 0.9091,
    "R@10": 0.9091,
    "R@25": 1.3636,
    "R@50": 3.6364,
}
"""Percent, of the authors' own example."""


def cirr_at(root):
    """Write CIRR's layout with two questions of val and of test1."""
    for split, folder in (("val", "dev"), ("test1", "test1")):
        names = [f"{folder}-{number}-0-img0" for number in range(SIZE)]
        (root / folder).mkdir(parents=True)
        for number, name in enumerate(names):
            colour = (4 * number, 255 - 4 * number, (37 * number) % 256)
            Image.new("RGB", (32, 32), colour).save(root / folder / f"{name}.png")
        places = {name: f"./{folder}/{name}.png" for name in names}
        put(root / "cirr" / "image_splits" / f"split.rc2.{split}.json", places)
        questions = [
            {
                "pairid": number,
                "reference": names[number],
                "target_hard": names[number + 1],
                "target_soft": {names[number + 1]: 1.0},
                "caption": f"the same in another colour, {number}",
                "img_set": {
                    "id": number,
                    "members": names[number : number + 6],
                    "reference_rank": 0,
                    "target_rank": 1,
                },
            }
            for number in (0, 10)
        ]
        if split == "test1":
            for question in questions:
                del question["target_hard"], question["target_soft"]
        put(root / "cirr" / "captions" / f"cap.rc2.{split}.json", questions)


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    cirr_at(folder / "cirr")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cirr(isa, data, cache, tiny_model, monkeypatch):
    """Evaluate CIRR where ``$ISA_DATA`` says that it is."""
    monkeypatch.setenv("ISA_DATA", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return lambda *more: isa(
        "eval", "cirr", "--model", tiny_model, "--device", "cpu", "--method", "image,text", *more
    )


def test_val_has_all_metrics_and_says_what_is_not_as_published(cirr):
    said = cirr("--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert (document["benchmark"], document["split"]) == ("cirr", "val")
    protocol = document["protocol"]
    assert (protocol["gallery"], protocol["reference"]) == (SIZE, "removed")
    assert "2 of 4,181 questions" in protocol["not as published"]
    metrics = document["results"][0]["metrics"]
    assert {"R@1", "R@5", "R@10", "R@50"} < set(metrics)
    assert metrics["R@50"] >= metrics["R@1"]


def test_hidden_answers_give_files_and_no_number(cirr, tmp_path):
    said = cirr("--split", "test1", "--submission", tmp_path / "out")
    assert said.code == 0, said.err
    assert said.out.startswith("cirr, test1: the answers are hidden, so there is no number")
    for method in ("image", "text"):
        recall = json.loads((tmp_path / "out" / method / "recall.json").read_text())
        assert (recall["version"], recall["metric"]) == ("rc2", "recall")
        assert len(recall["0"]) == 50
        assert "test1-0-0-img0" not in recall["0"]  # the reference
        subset = json.loads((tmp_path / "out" / method / "recall_subset.json").read_text())
        assert len(subset["10"]) == 3
    said = cirr("--split", "test1", "--submission", tmp_path / "one", "--method", "text")
    assert (tmp_path / "one" / "recall.json").is_file()


def test_the_bundled_model_is_asked_by_its_own_query_model_too(isa, data, cache, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    asking = ("--root", data / "cirr", "--model", "isa-mini", "--device", "cpu", "--json")
    said = isa("eval", "cirr", *asking)
    assert said.code == 0, said.err
    document = json.loads(said.out)
    methods = [result["method"] for result in document["results"]]
    assert methods == ["image", "text", "sum", "slerp", "calibrated", "isa", "two-stage"]
    assert len(document["protocol"]["query model"]) == 8
    named = isa("eval", "cirr", *asking, "--query-model", BUNDLED_QUERY, "--method", "two-stage")
    assert json.loads(named.out)["results"] == document["results"][-1:]


def test_a_page_of_hidden_answers_marks_nothing(cirr, tmp_path):
    page = tmp_path / "page.html"
    said = cirr("--split", "test1", "--html", page, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["results"][0]["metrics"] == {}
    text = page.read_text()
    assert text.count("answer hidden") == 2
    assert 'class="mark right"' not in text


def test_check_names_what_is_missing_and_how_to_get_it(isa, data, tmp_path):
    said = isa("eval", "cirr", "--root", data / "cirr", "--check")
    assert said.code == 4
    assert "4,181" in said.out
    said = isa("eval", "circo", "--root", tmp_path, "--check")
    assert said.code == 4
    assert "github.com/miccunifi/CIRCO" in said.out
    assert str(tmp_path) in said.out
    said = isa("eval", "circo", "--root", tmp_path, "--check", "--json")
    told = json.loads(said.out)
    assert (told["benchmark"], told["split"], told["ok"]) == ("circo", "val", False)
    assert {row["ok"] for row in told["needs"] if not row["optional"]} == {False}


def test_data_that_is_not_there_is_told_before_a_model_is_wanted(isa, tmp_path, monkeypatch):
    monkeypatch.setenv("ISA_DATA", str(tmp_path))
    said = isa("eval", "fashioniq", "--model", "ViT-B-32/openai")
    assert (said.code, said.out) == (4, "")
    assert "--check" in said.err
    assert str(tmp_path / "fashioniq") in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cirr", "--root", "nowhere"], ["no folder 'nowhere'"]),
        (["cirr", "--split", "test"], ["no split 'test'", "val, test1"]),
        (["cirr", "--annotations", "nothing"], ["nothing at 'nothing'"]),
        (["circo", "--predictions", "a.json"], ["--annotations FILE"]),
        (["circo", "--predictions", "a", "--annotations", "b"], ["no file 'b'"]),
        (["cirr", "--method", "slurp"], ["'slurp'"]),
        (["cirr", "--submission", __file__], ["is no folder"]),
        (["fashioniq", "--submission", "out"], ["no server takes answers to fashioniq"]),
        (["cirr", "--split", "test1"], ["cirr test1 are hidden", "--submission DIR"]),
        (["circo", "--split", "test", "--json"], ["circo test are hidden"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_senseless_requests_are_one_sentence(isa, arguments, words):
    said = isa("eval", *arguments)
    assert (said.code, said.out) == (2, "")
    for word in words:
        assert word in said.err


@pytest.mark.parametrize("split", ["val", "test"])
def test_circos_own_example_scores_as_its_authors_say(isa, shared_data, split):
    circo = shared_data / "benchmarks" / "circo"
    said = isa(
        *(
            "eval",
            "circo",
            "--annotations",
            circo / "annotations" / f"{split}.json",
            "--predictions",
        ),
        *(circo / "submission_examples" / f"submission_{split}.json", "--split", split, "--json"),
    )
    if split == "test":
        assert said.code == 2
        assert "the answers of circo test are hidden" in said.err
        return
    (result,) = json.loads(said.out)["results"]
    percent = {name: round(100 * value, 4) for name, value in result["metrics"].items()}
    assert percent == CIRCO_SCORES

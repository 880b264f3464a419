"""CIRR: the reference out, the five others of its group, names, and every complaint."""

import json
from functools import partial

import pytest

from isa_cli.errors import BenchmarkError, UsageError
from isa_cli.evaluation.benchmark import Ranking
from isa_cli.evaluation.datasets import CIRR
from isa_cli.evaluation.datasets.loaders import load

cirr = partial(load, CIRR)

QUESTIONS = "cirr/captions/cap.rc2.val.json"


@pytest.mark.parametrize(("split", "cases", "images"), [("val", 4181, 2297), ("test1", 4148, 2315)])
def test_the_published_splits(real, layout, split, cases, images):
    annotations = real / "cirr"
    places = json.loads((annotations / f"image_splits/split.rc2.{split}.json").read_text())
    layout.pictures(*places.values())
    benchmark = cirr(layout.root, split, annotations=annotations)
    assert (len(benchmark.cases), len(benchmark.images)) == (cases, images)
    assert benchmark.protocol == {}  # as published
    assert all(
        len(case.subset) == 5 and case.reference not in case.subset for case in benchmark.cases
    )
    assert bool(benchmark.metrics) == (split == "val")
    assert all(bool(case.targets) == (split == "val") for case in benchmark.cases)
    first = benchmark.cases[0]
    assert first.id == {"val": "12060", "test1": "12063"}[split]
    assert benchmark.images[first.reference].stem == benchmark.names[first.reference]


def test_a_question_and_how_it_is_judged(cirr_layout):
    benchmark = cirr(cirr_layout.root)
    first, second = benchmark.cases
    assert (first.id, first.reference, first.targets) == ("7", 2, (4,))
    assert first.subset == (0, 1, 3, 4, 5)
    assert second.subset == (2, 3, 4, 5, 6)
    assert first.modifier == "show three bottles"
    assert not benchmark.keep_reference
    assert benchmark.depth == 50
    ranking = Ranking(top=(0, 1, 3, 6, 4), subset=(0, 4, 1, 3, 5))
    assert {name: metric(ranking, first) for name, metric in benchmark.metrics.items()} == {
        "R@1": 0,
        "R@5": 1,
        "R@10": 1,
        "R@50": 1,
        "R_subset@1": 0,
        "R_subset@2": 1,
        "R_subset@3": 1,
    }


def test_a_small_one_says_that_it_is_not_the_published_one(cirr_layout):
    assert cirr(cirr_layout.root).protocol == {
        "not as published": "2 of 4,181 questions, 8 of 2,297 pictures"
    }


def test_annotations_may_lie_in_the_root_and_pictures_in_img_raw(cirr_layout):
    root = cirr_layout.root
    for name in ("captions", "image_splits"):
        (root / "cirr" / name).rename(root / name)
    (root / "img_raw").mkdir()
    (root / "dev").rename(root / "img_raw" / "dev")
    assert cirr(root).images[0] == root / "img_raw" / "dev" / "dev-0-0-img0.png"


def test_no_such_split(cirr_layout):
    with pytest.raises(UsageError, match="cirr has no split 'test'") as caught:
        cirr(cirr_layout.root, "test")
    assert caught.value.hint == "there are val, test1"


def test_missing_annotations_are_all_named(tmp_path):
    with pytest.raises(BenchmarkError) as caught:
        cirr(tmp_path)
    assert "cap.rc2.val.json, " in caught.value.message
    assert "split.rc2.val.json" in caught.value.message
    assert caught.value.exit_code == 4
    assert "--check" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"pairid": 1,', "is not JSON"),
        ("{}", "holds no list with anything in it"),
        ("[]", "holds no list with anything in it"),
        ("[3]", "record 0: no object"),
        ("\0\ufffe", "is not JSON"),
    ],
)
def test_no_annotations_at_all(cirr_layout, text, words):
    cirr_layout.write(QUESTIONS, text)
    with pytest.raises(BenchmarkError, match=words):
        cirr(cirr_layout.root)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"caption": None}, "record 1: no caption"),
        ({"pairid": "9"}, "record 1: pairid is no whole number"),
        ({"pairid": True}, "record 1: pairid is no whole number"),
        ({"target_hard": None}, "record 1: no target_hard"),
        ({"reference": "dev-0-0-img0"}, "record 1: img_set.members lacks the reference"),
        ({"target_hard": "dev-0-0-img0"}, "record 1: img_set.members lacks the target"),
        ({"target_hard": "dev-7-0-img0"}, "or it is the reference"),
        ({"target_hard": "dev-99"}, "record 1: the picture 'dev-99' is not in the gallery"),
        ({"img_set": {"id": 1}}, "record 1: no img_set.members"),
        ({"img_set": {"members": ["a"]}}, "img_set.members has 1 entries for 6"),
        ({"img_set": {"members": [1] * 6}}, "img_set.members holds something that is no text"),
        ({"img_set": []}, "record 1: img_set is no object"),
    ],
)
def test_a_record_that_is_of_no_use_is_named_with_its_index(cirr_layout, fields, words):
    cirr_layout.change(QUESTIONS, 1, **fields)
    with pytest.raises(BenchmarkError) as caught:
        cirr(cirr_layout.root)
    assert words in caught.value.message
    assert "1 of the 2 records of" in caught.value.message
    assert QUESTIONS in caught.value.message


def test_of_many_bad_records_the_first_five_are_named(cirr_layout):
    cirr_layout.write(QUESTIONS, [{}] * 1_200)
    with pytest.raises(BenchmarkError) as caught:
        cirr(cirr_layout.root)
    assert "1,200 of the 1,200 records of" in caught.value.message
    assert "record 4: no reference and 1,195 more" in caught.value.message
    assert "record 5" not in caught.value.message


def test_missing_pictures_are_an_error_and_none_is_dropped(cirr_layout):
    for number in range(7):
        (cirr_layout.root / f"dev/dev-{number}-0-img0.png").unlink()
    with pytest.raises(BenchmarkError) as caught:
        cirr(cirr_layout.root)
    assert "cirr val lacks 7 of its 8 pictures" in caught.value.message
    assert "dev-4-0-img0.png and 2 more" in caught.value.message
    assert "dev-5" not in caught.value.message


def test_an_image_list_without_places(cirr_layout):
    cirr_layout.write("cirr/image_splits/split.rc2.val.json", {"dev-0-0-img0": 3})
    with pytest.raises(BenchmarkError, match="without saying where it is"):
        cirr(cirr_layout.root)

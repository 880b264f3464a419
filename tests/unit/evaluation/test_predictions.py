"""Somebody's file against the answers, CIRCO's own example among them."""

import json
import os
from pathlib import Path

import pytest

from isa_cli.errors import IsaError, UsageError
from isa_cli.evaluation.datasets import CIRCO, CIRR
from isa_cli.evaluation.datasets.loaders import annotated
from isa_cli.evaluation.predictions import measure_predictions, score

DATA = Path(os.environ.get("ISA_TEST_BENCHMARKS", "../shared/data/benchmarks"))
MEMBERS = [f"dev-{number}-0-img0" for number in range(6)]


@pytest.fixture
def cirr(tmp_path):
    """Return a CIRR of two questions over one group of six."""
    records = [
        {
            "pairid": pairid,
            "reference": MEMBERS[reference],
            "target_hard": MEMBERS[target],
            "target_soft": {MEMBERS[target]: 1.0},
            "caption": "shows more",
            "img_set": {"id": 1, "members": MEMBERS, "reference_rank": 2, "target_rank": 3},
        }
        for pairid, reference, target in ((7, 0, 3), (8, 5, 1))
    ]
    file = tmp_path / "cap.rc2.val.json"
    file.write_text(json.dumps(records))
    return annotated(CIRR, file)


@pytest.fixture
def circo(tmp_path):
    """Return a CIRCO of two questions."""
    records = [
        {
            "reference_img_id": 100 + number,
            "target_img_id": right[0],
            "relative_caption": "is darker",
            "shared_concept": "a cat",
            "gt_img_ids": right,
            "id": number,
            "semantic_aspects": aspects,
        }
        for number, right, aspects in ((0, [5, 6], ["negation"]), (1, [7], ["addition"]))
    ]
    file = tmp_path / "val.json"
    file.write_text(json.dumps(records))
    return annotated(CIRCO, file)


@pytest.fixture
def written(tmp_path):
    def write(content, name="predictions.json"):
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write


def test_circo_by_hand(circo, written):
    file = written({"0": [999, 6, 5], "1": [100, 101]})  # short lists; nobody knows 999
    made = measure_predictions(circo, [file], known=False)
    (result,) = made["results"]
    assert (made["benchmark"], made["split"], result["method"]) == ("circo", "val", "predictions")
    assert made["protocol"]["gallery"] == "unlisted"
    assert made["protocol"]["reference"] == "kept"
    assert result["metrics"]["mAP@5"] == pytest.approx((1 / 2 + 2 / 3) / 2 / 2)
    assert result["metrics"]["R@5"] == 0.5
    assert result["groups"]["negation"]["metrics"]["mAP@10"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert result["groups"]["addition"]["metrics"]["mAP@10"] == 0.0


def test_a_name_with_zeros_before_it_is_the_same_picture(circo, written):
    numbers = score(circo, [written({"0": [5, 6], "1": [7]}, "a.json")], known=False)
    names = score(
        circo, [written({"0": ["000000000005", "6"], "1": ["07"]}, "b.json")], known=False
    )
    assert names.values["mAP@5"].tolist() == numbers.values["mAP@5"].tolist() == [1.0, 1.0]
    with pytest.raises(IsaError, match="twice for question 0"):
        score(circo, [written({"0": [99, "0099"], "1": []})], known=False)


def test_cirr_by_hand(cirr, written):
    recall = written(
        {
            "version": "rc2",
            "metric": "recall",
            "7": [MEMBERS[1], MEMBERS[3]],
            "8": [MEMBERS[1], MEMBERS[0]],
        }
    )
    (result,) = measure_predictions(cirr, [recall])["results"]
    assert result["metrics"] == {"R@1": 0.5, "R@5": 1.0, "R@10": 1.0, "R@50": 1.0}
    subset = written(
        {
            "version": "rc2",
            "metric": "recall_subset",
            "7": [MEMBERS[4], MEMBERS[2], MEMBERS[3]],
            "8": [MEMBERS[2], MEMBERS[1], MEMBERS[0]],
        },
        "subset.json",
    )
    (result,) = measure_predictions(cirr, [recall, subset])["results"]
    assert [result["metrics"][f"R_subset@{k}"] for k in (1, 2, 3)] == [0.0, 0.5, 1.0]
    assert result["metrics"]["R@1"] == 0.5
    assert list(measure_predictions(cirr, [subset])["results"][0]["metrics"]) == [
        *("R_subset@1", "R_subset@2", "R_subset@3")
    ]


def test_predictions_that_break_the_rules(cirr, written):
    good = {"7": MEMBERS[1:], "8": MEMBERS[:5]}
    for change, words in [
        ({"7": MEMBERS}, "7 with its own reference"),
        ({"7": ["dev-9-9-img9"]}, "not in the gallery"),
        ({"7": [MEMBERS[1]] * 2}, "twice"),
        ({"9": []}, "never asked"),
        ({"metric": "recall_subset", "7": [MEMBERS[0]]}, "not in its subset"),
    ]:
        with pytest.raises(IsaError, match=words):
            score(cirr, [written(good | change)])
    with pytest.raises(IsaError, match="no answer to question 8"):
        score(cirr, [written({"7": MEMBERS[1:]})])


def test_files_that_are_no_predictions(cirr, written, tmp_path):
    for content, words in [
        ("no", "no JSON"),
        ([1], "no predictions"),
        ({"7": "a", "8": "b"}, "no predictions"),
        ({"7": [True], "8": [1.5]}, "no predictions"),
        ({"metric": "mAP", "7": [], "8": []}, "metric 'mAP'"),
        ({"metric": [], "7": [], "8": []}, "metric"),
    ]:
        with pytest.raises(UsageError, match=words):
            score(cirr, [written(content)])
    with pytest.raises(UsageError, match="can't be read"):
        score(cirr, [tmp_path / "none.json"])
    file = written({"7": MEMBERS[1:], "8": MEMBERS[:5]})
    with pytest.raises(UsageError, match="of the metric 'recall'"):
        score(cirr, [file, file])


@pytest.mark.skipif(not DATA.is_dir(), reason="CIRCO's annotations are not here")
def test_circos_own_example_scores_as_its_authors_say():
    benchmark = annotated(CIRCO, DATA / "circo" / "annotations" / "val.json")
    file = DATA / "circo" / "submission_examples" / "submission_val.json"
    (result,) = measure_predictions(benchmark, [file], known=False)["results"]
    percent = {name: round(100 * value, 4) for name, value in result["metrics"].items()}
    assert percent == {
        "mAP@5": 0.4861,
        "mAP@10": 0.5178,
        "mAP@25": 0.5400,
        "mAP@50": 0.6020,
        "R@5": 0.9091,
        "R@10": 0.9091,
        "R@25": 1.3636,
        "R@50": 3.6364,
    }

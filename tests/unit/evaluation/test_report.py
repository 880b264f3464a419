"""The document that --json prints, field by field."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.interval import interval
from isa_cli.evaluation.metrics import recall_at
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import MethodResult

BENCHMARK = Benchmark(
    name="tiny",
    split="val",
    images=[Path(f"{number}.jpg") for number in range(3)],
    cases=[
        Case("a", 0, "x", (1,), ("swap", "seen pairs")),
        Case("b", 0, "x", (1,), ("two", "seen pairs")),
        Case("c", 0, "x", (1,), ("swap",)),
    ],
    metrics={"R@1": at(recall_at, 1)},
    depth=1,
    keep_reference=False,
    groups=("two", "swap", "nobody", "seen pairs"),
    protocol={"seed": 7},
)
SURE = MethodResult("sure", {"R@1": np.ones(3)})
HALF = MethodResult("half", {"R@1": np.array([1.0, 0.0, 1.0])})


def test_the_whole_document():
    def sure(cases):
        return {"metrics": {"R@1": 1.0}, "intervals": {"R@1": list(interval(np.ones(cases)))}}

    assert document(BENCHMARK, [SURE], {"model": "m"}) == {
        "benchmark": "tiny",
        "split": "val",
        "protocol": {
            "gallery": 3,
            "cases": 3,
            "reference": "removed",
            "seed": 7,
            "model": "m",
        },
        "results": [
            {
                "method": "sure",
                **sure(3),
                "groups": {
                    "two": {"cases": 1, **sure(1)},
                    "swap": {"cases": 2, **sure(2)},
                    "seen pairs": {"cases": 2, **sure(2)},
                },
                "values": {"R@1": [1, 1, 1]},
            }
        ],
        "cases": ["a", "b", "c"],
        "macro": {},
    }


def test_groups_keep_the_benchmarks_order_and_count_their_own_cases():
    (result,) = document(BENCHMARK, [HALF], {})["results"]
    assert list(result["groups"]) == ["two", "swap", "seen pairs"]
    shares = {name: group["metrics"]["R@1"] for name, group in result["groups"].items()}
    assert shares == {"two": 0.0, "swap": 1.0, "seen pairs": 0.5}
    assert result["metrics"]["R@1"] == 2 / 3
    low, high = result["intervals"]["R@1"]
    assert 0.0 <= low < 2 / 3 < high <= 1.0


def test_it_survives_json_and_is_the_same_every_time():
    made = document(BENCHMARK, [HALF, SURE], {"alpha": {"sum": 0.7}})
    assert json.loads(json.dumps(made)) == made
    assert document(BENCHMARK, [HALF, SURE], {"alpha": {"sum": 0.7}}) == made


def test_values_are_kept_case_by_case_in_few_characters():
    values = MethodResult("m", {"mAP@5": np.array([1.0, 1 / 3, 0.0])})
    (result,) = document(BENCHMARK, [values], {})["results"]
    assert json.dumps(result["values"]) == '{"mAP@5": [1, 0.333333, 0]}'


def test_a_macro_mean_counts_each_group_once_and_resamples_within_it():
    made = document(replace(BENCHMARK, macro=("swap", "two")), [HALF], {})
    assert made["macro"] == {"swap": [0, 2], "two": [1]}
    assert made["protocol"]["mean of"] == "swap, two"
    (result,) = made["results"]
    assert result["metrics"] == {"R@1": 0.5}  # the plain mean is 2/3
    assert result["intervals"] == {"R@1": [0.5, 0.5]}  # nothing varies within either
    assert result["groups"]["swap"]["metrics"]["R@1"] == 1.0


def test_a_macro_group_without_cases_is_refused():
    with pytest.raises(ValueError, match="no case"):
        document(replace(BENCHMARK, macro=("swap", "nobody")), [HALF], {})


def test_hidden_answers_have_no_numbers():
    cases = [Case("a", 0, "x", groups=("swap",)), Case("b", 1, "x")]
    hidden = replace(BENCHMARK, cases=cases, metrics={})
    made = document(hidden, [MethodResult("m", {}, [])], {})
    nothing = {"metrics": {}, "intervals": {}}
    assert made["results"] == [
        {"method": "m", **nothing, "groups": {"swap": {"cases": 1, **nothing}}, "values": {}}
    ]

"""The paired bootstrap: that it finds what is there, and pairs what belongs together."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from isa_cli.errors import UsageError
from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.metrics import recall_at
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import MethodResult
from isa_cli.evaluation.significance import compare, paired, read


def report(values, *, ids=None, method="isa", name="tiny", metric="R@1", groups=None, macro=()):
    cases = [
        Case(str(case), 0, "x", (1,), (groups[row],) if groups else ())
        for row, case in enumerate(ids or range(len(values)))
    ]
    benchmark = Benchmark(
        name=name,
        split="val",
        images=[Path("0"), Path("1")],
        cases=cases,
        metrics={metric: at(recall_at, 1)},
        depth=1,
        keep_reference=False,
        macro=macro,
    )
    return document(benchmark, [MethodResult(method, {metric: np.array(values, float)})], {})


def test_the_interval_and_p_are_those_of_the_normal_approximation():
    rng = np.random.default_rng(0)
    first = (rng.random(800) < 0.3).astype(float)
    second = np.where(rng.random(800) < 0.06, 1.0, first)
    differences = second - first
    error = differences.std() / np.sqrt(800)
    found = paired(first, second)
    assert found.difference == pytest.approx(differences.mean())
    assert found.second - found.first == pytest.approx(found.difference)
    assert found.interval == pytest.approx(
        (differences.mean() - 1.96 * error, differences.mean() + 1.96 * error), abs=error / 5
    )
    assert found.p < 0.001


def test_p_is_two_sided_and_about_what_a_z_test_says():
    differences = np.repeat([1.0, -1.0, 0.0], [36, 22, 142])
    z = differences.mean() / (differences.std() / np.sqrt(200))
    expected = math.erfc(z / math.sqrt(2))
    forward = paired(np.zeros(200), differences)
    backward = paired(differences, np.zeros(200))
    assert forward.p == pytest.approx(expected, abs=0.02)
    assert backward.p == pytest.approx(forward.p, abs=1e-12)
    assert backward.interval == pytest.approx((-forward.interval[1], -forward.interval[0]))


def test_no_difference_is_no_evidence_and_false_alarms_are_rare():
    same = np.random.default_rng(1).random(100)
    assert paired(same, same).p == 1.0
    assert paired(same, same).interval == (0.0, 0.0)
    rng = np.random.default_rng(2)
    alarms = sum(paired(rng.random(40), rng.random(40)).p < 0.05 for _ in range(100))
    assert alarms <= 12


def test_pairing_sees_what_two_intervals_would_not():
    hard = np.random.default_rng(3).random(200)
    found = paired(hard, np.clip(hard + 0.01, 0, 1))
    assert found.p < 0.001 < found.interval[0]


def test_cases_are_paired_by_their_ids():
    first = report([1, 0, 0, 1], ids=["a", "b", "c", "d"])
    second = report([1, 1, 0, 0], ids=["d", "a", "b", "c"])  # the same values
    assert compare(first, second)["isa", "isa"]["R@1"].p == 1.0


def test_macro_means_are_compared_as_such():
    groups = ["dress"] * 3 + ["shirt"]
    first = report([0, 0, 0, 0], groups=groups, macro=("dress", "shirt"))
    second = report([1, 1, 0, 1], groups=groups, macro=("dress", "shirt"))
    found = compare(first, second)["isa", "isa"]["R@1"]
    assert found.difference == pytest.approx((2 / 3 + 1) / 2)
    assert found.second == pytest.approx(second["results"][0]["metrics"]["R@1"])


def test_the_only_method_of_each_is_compared_under_any_name():
    pairs = compare(report([1, 0], method="sum"), report([1, 1], method="isa"))
    assert list(pairs) == [("sum", "isa")]
    assert pairs["sum", "isa"]["R@1"].difference == 0.5


def test_what_cannot_be_compared_is_refused():
    first = report([1, 0])
    with pytest.raises(UsageError, match="tiny val, the other of other val"):
        compare(first, report([1, 0], name="other"))
    with pytest.raises(UsageError, match="differ in 2 questions"):
        compare(first, report([1, 0], ids=["0", "9"]))
    with pytest.raises(UsageError, match="no metric in common"):
        compare(first, report([1, 0], metric="R@5"))
    with pytest.raises(UsageError, match="no method 'sum'"):
        compare(first, first, ("sum", "isa"))
    two = report([1, 0], method="sum")
    two["results"] += report([1, 0], method="text")["results"]
    with pytest.raises(UsageError, match="share no method: sum, text; isa"):
        compare(two, first)
    with pytest.raises(ValueError, match="2 and 3 values"):
        paired(np.zeros(2), np.zeros(3))


def test_a_report_is_read_back_and_other_files_are_refused(tmp_path):
    made = report([1, 0.25])
    file = tmp_path / "a.json"
    file.write_text(json.dumps(made))
    assert read(file) == made
    file.write_text("{}")
    with pytest.raises(UsageError, match="no report"):
        read(file)
    file.write_text("no")
    with pytest.raises(UsageError, match="no JSON"):
        read(file)
    with pytest.raises(UsageError, match="can't be read"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(
    "change",
    [
        {"results": None},
        {"results": [3]},
        {"results": {"isa": 1}},
        {"results": [{"method": "isa"}]},
        {"results": [{"method": ["isa"], "values": {}}]},
        {"results": [{"method": "isa", "values": {"R@1": [1]}}]},
        {"results": [{"method": "isa", "values": {"R@1": ["1", "0"]}}]},
        {"results": [{"method": "isa", "values": {"R@1": [1, None]}}]},
        {"results": [{"method": "isa", "values": {"R@1": [1, float("nan")]}}]},
        {"results": [{"method": "isa", "values": {"R@1": [1, float("inf")]}}]},
        {"results": [{"method": "isa", "values": [1, 0]}]},
        {"cases": None},
        {"cases": []},
        {"cases": [["a"], "b"]},
        {"cases": ["a", "a"]},
        {"macro": None},
        {"macro": {"all": [0, 2]}},
        {"macro": {"all": [-1]}},
        {"macro": {"all": []}},
        {"macro": {"all": ["0"]}},
        {"benchmark": None},
        {"split": {"a": 1}},
    ],
)
def test_a_report_of_other_kinds_of_values_is_none(tmp_path, change):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(report([0, 1])))
    compare(read(path), read(path))
    path.write_text(json.dumps(report([0, 1]) | change))
    with pytest.raises(UsageError, match="no report") as caught:
        read(path)
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"\0", b"[" * 100_000, b"1" * 10**6, b"\xff\xfe\0", b"{"])
def test_a_file_of_anything_is_no_report(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(UsageError, match="no JSON"):
        read(tmp_path / "a.json")


def test_a_pipe_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(UsageError, match="a pipe or a device"):
        read(tmp_path / "a.json")

"""Files for the servers: what is in them, and that nothing wrong is ever written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from isa_cli.errors import IsaError, UsageError
from isa_cli.evaluation import submission
from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking
from isa_cli.evaluation.submission import check, write

COUNT = 60
NAMES = [f"test1-{number}-0-img0" for number in range(COUNT)]
CASES = [
    Case("12063", 0, "x", subset=(1, 2, 3, 4, 5)),
    Case("12064", 59, "y", subset=(9, 8, 7, 6, 5)),
]
CIRR = Benchmark(
    name="cirr",
    split="test1",
    images=[Path(name) for name in NAMES],
    cases=CASES,
    metrics={},
    depth=50,
    keep_reference=False,
    names=NAMES,
)
CIRCO = replace(
    CIRR,
    name="circo",
    split="test",
    cases=[Case("0", 3, "x"), Case("1", 4, "y")],
    keep_reference=True,
    names=[f"{1000 + number:012}" for number in range(COUNT)],
)
RANKINGS = [
    Ranking(tuple(range(1, 55)), (5, 4, 3, 2, 1)),
    Ranking(tuple(range(50)), (6, 9, 5, 7, 8)),
]


def test_cirr_takes_two_files(tmp_path):
    folder = tmp_path / "out" / "here"
    files = write(CIRR, RANKINGS, folder)
    assert files == [folder / "recall.json", folder / "recall_subset.json"]
    assert sorted(folder.iterdir()) == files  # and nothing half-written
    assert json.loads(files[0].read_text()) == {
        "version": "rc2",
        "metric": "recall",
        "12063": NAMES[1:51],
        "12064": NAMES[:50],
    }
    assert json.loads(files[1].read_text()) == {
        "version": "rc2",
        "metric": "recall_subset",
        "12063": [NAMES[5], NAMES[4], NAMES[3]],
        "12064": [NAMES[6], NAMES[9], NAMES[5]],
    }


def test_circo_takes_cocos_ids_as_numbers(tmp_path):
    (file,) = write(CIRCO, [Ranking(tuple(range(50))), Ranking(tuple(range(59, 9, -1)))], tmp_path)
    assert file.name == "submission_test.json"
    assert json.loads(file.read_text()) == {
        "0": list(range(1000, 1050)),
        "1": list(range(1059, 1009, -1)),
    }


def test_circo_has_numbers_or_nothing(tmp_path):
    with pytest.raises(IsaError, match="COCO ids, unlike test1-0-0-img0"):
        write(replace(CIRCO, names=NAMES), [Ranking(tuple(range(50)))] * 2, tmp_path)


def changed(ranking, **fields):
    return [replace(ranking, **fields), RANKINGS[1]]


@pytest.mark.parametrize(
    ("rankings", "words"),
    [
        (changed(RANKINGS[0], top=tuple(range(1, 50))), "recall.json has to name 50 .* 12063"),
        (
            changed(RANKINGS[0], top=(1, *range(1, 50))),
            "recall.json names a picture twice .* 12063",
        ),
        (changed(RANKINGS[0], top=tuple(range(50))), "12063 with its own reference"),
        (changed(RANKINGS[0], subset=(1, 2)), "recall_subset.json has to name 3 .* 12063"),
        (changed(RANKINGS[0], subset=(1, 2, 9)), "12063 with test1-9-0-img0, not in its subset"),
    ],
)
def test_what_the_server_would_refuse_is_not_written(rankings, words, tmp_path):
    (tmp_path / "recall.json").write_text("an older one")
    with pytest.raises(IsaError, match=words):
        write(CIRR, rankings, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["recall.json"]
    assert (tmp_path / "recall.json").read_text() == "an older one"


def test_every_question_has_to_be_answered_and_no_other():
    lists = {"12063": NAMES[1:51], "12064": NAMES[:50]}
    check(lists, CIRR, "f", count=50)
    with pytest.raises(IsaError, match=r"f has no answer to question 12063, and 1 more"):
        check({}, CIRR, "f", count=50)
    with pytest.raises(IsaError, match="answers question 7, which was never asked"):
        check(lists | {"7": []}, CIRR, "f", count=50)
    with pytest.raises(IsaError, match="12064 with nobody, not in the gallery"):
        check(lists | {"12064": ["nobody"]}, CIRR, "f")


def test_the_reference_may_be_an_answer_in_circo():
    names = list(CIRCO.names)
    check({"0": names[:50], "1": names[:50]}, CIRCO, "f", count=50)


def test_a_file_that_is_too_long_for_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "LIMIT", 1000)
    with pytest.raises(IsaError, match=r"recall\.json has 1,\d\d\d bytes; the server takes 1,000"):
        write(CIRR, RANKINGS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_cirrs_whole_test_fits():
    """4,148 questions of 50 names as long as the longest of them are below the server's 5 MB."""
    names = [f"test1-{1000 + number}-3-img1" for number in range(51)]
    cases = [Case(str(10_000 + number), 50, "x", subset=(0, 1, 2)) for number in range(4148)]
    full = replace(CIRR, images=[Path(name) for name in names], names=names, cases=cases)
    texts = submission.submission(full, [Ranking(tuple(range(50)), (0, 1, 2))] * 4148)
    assert 4_000_000 < len(texts["recall.json"]) < 5_000_000
    assert len(json.loads(texts["recall.json"])) == 4148 + 2


def test_other_benchmarks_have_no_server(tmp_path):
    with pytest.raises(UsageError, match="no server takes answers to genecis"):
        write(replace(CIRR, name="genecis"), RANKINGS, tmp_path)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        write(CIRR, RANKINGS, tmp_path / "out")

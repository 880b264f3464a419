"""Where answers are lost: each way asks what it says, of the wardrobe's own questions."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from isa_cli.evaluation.benchmark import Case
from isa_cli.evaluation.runner import Reference
from isa_cli.reporting import Silent
from isa_cli.types import Query
from isa_cli.wardrobe.cases import collection

EXAMPLES = Path(__file__).parents[3] / "examples" / "experiments"
SIZES = ("--count", "10", "--gallery-size", "60", "--pictures", "2", "--seeds", "1")


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        yield importlib.import_module("where_it_is_lost")
    del sys.modules["where_it_is_lost"]


def test_every_way_is_asked(script, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["where_it_is_lost.py", *SIZES])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows[2:]] == [
        "a full caption of the answer",
        "the reference's caption, modifier",
        *("isa", "two-stage", "isa, 1 other", "two-stage, 1 other"),
        *("isa, 2 other", "two-stage, 2 other"),
    ]
    assert all(0 <= float(cell) <= 100 for row in rows[2:] for cell in row[1:])


def test_captions_are_of_the_answer_or_of_the_reference_and_then_the_words(script):
    made = collection(3, cases=10, gallery=40)
    cases = [Case(str(n), None, one.change.modifier) for n, one in enumerate(made.cases)]
    answers = script.captioned(made, cases, of_answer=True)
    references = script.captioned(made, cases, of_answer=False)
    for case, answer, reference in zip(cases, answers, references, strict=True):
        assert reference.modifier.endswith(f", {case.modifier}")
        assert answer.modifier != reference.modifier
        assert case.modifier not in answer.modifier


def test_a_composer_is_shown_the_other_pictures(script, tmp_path):
    made = collection(3, cases=4, gallery=12)
    others = script.drawn(made, 2, 3, tmp_path, Silent())
    assert [len(pictures) for pictures in others] == [2] * 4
    assert all(picture.path.is_file() for pictures in others for picture in pictures)
    seen = []
    learned = SimpleNamespace(name="isa", space=None, compose=seen.extend)
    reference = Reference(Path("a.jpg"))
    composer = script.OtherPictures(learned, {reference: others[0]})
    composer.compose([Query(np.empty((0, 4), np.float32), "in red", images=(reference,))])
    assert seen[0].images == tuple(others[0])
    assert seen[0].modifier == "in red"

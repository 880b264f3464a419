"""Placeholders: all that the loaders look for is there, and no two pictures are alike."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from isa_cli.evaluation.published.circo import circo

SCRIPT = Path(__file__).parents[2] / "examples" / "placeholder_benchmark.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("placeholder_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gallery_is_filled_up_with_ids_that_nobody_names(script):
    assert script.filled({2, 900, 4}, 6) == [1, 2, 3, 4, 5, 900]


def test_each_picture_is_its_own_and_the_same_again(script, tmp_path):
    paths = [tmp_path / f"{number}.jpg" for number in range(50)]
    assert script.paint(paths) == 50
    first = [path.read_bytes() for path in paths]
    assert len(set(first)) == 50
    script.paint(paths)
    assert [path.read_bytes() for path in paths] == first


def test_what_is_laid_out_is_what_the_loader_expects(script, tmp_path, monkeypatch, capsys):
    question = {"reference_img_id": 70, "relative_caption": "is red", "id": 0}
    answer = {"target_img_id": 5, "gt_img_ids": [5], "semantic_aspects": ["negation"]}
    annotations = tmp_path / "from" / "circo" / "annotations"
    annotations.mkdir(parents=True)
    (annotations / "val.json").write_text(json.dumps([question | answer]))
    (annotations / "test.json").write_text(json.dumps([question]))
    monkeypatch.setattr(script, "COCO_UNLABELED", 9)
    monkeypatch.setattr(script, "ProcessPoolExecutor", _Here)
    arguments = ["--annotations", str(tmp_path / "from"), "--root", str(tmp_path / "to"), "circo"]
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
    script.main()
    script.main()
    said = capsys.readouterr().out
    assert "most of the 9 ids are made up" in said
    assert "9 pictures, 9 of them new" in said
    assert "9 pictures, 0 of them new" in said
    benchmark = circo(tmp_path / "to" / "circo")
    assert benchmark.names == ["1", "2", "3", "4", "5", "6", "7", "8", "70"]
    assert benchmark.cases[0].targets == (4,)


class _Here:
    """A pool of no processes."""

    map = staticmethod(map)

    def __init__(self, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

"""Placeholders: all that the loaders look for is there, and no two pictures are alike."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from isa_cli.evaluation.datasets import CIRCO, CIRR, GENECIS
from isa_cli.evaluation.datasets.loaders import load

SCRIPT = Path(__file__).parents[3] / "examples" / "experiments" / "placeholder_benchmark.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("placeholder_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_the_gallery_is_filled_up_with_ids_that_nobody_names(script):
    assert script.filled({2, 900, 4}, 6) == [1, 2, 3, 4, 5, 900]


def test_each_picture_is_its_own_and_the_same_again(script, tmp_path):
    paths = [tmp_path / f"{number}.jpg" for number in range(50)]
    sizes = [(45, 70), script.SIZE] * 25
    pictures = list(zip(paths, sizes, strict=True))
    assert script.paint(pictures) == 50
    first = [path.read_bytes() for path in paths]
    assert len(set(first)) == 50
    assert [size_of(path) for path in paths] == sizes
    script.paint(pictures)
    assert [path.read_bytes() for path in paths] == first


def laid_out(script, monkeypatch, folder, name):
    """Run the script on ``folder/from`` and return where it laid a benchmark out."""
    monkeypatch.setattr(script, "ProcessPoolExecutor", _Here)
    arguments = ["--annotations", str(folder / "from"), "--root", str(folder / "to"), name]
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
    script.main()
    return folder / "to" / name


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_circos_gallery_is_what_the_loader_expects(script, tmp_path, monkeypatch, capsys):
    question = {"reference_img_id": 70, "relative_caption": "is red", "id": 0}
    answer = {"target_img_id": 5, "gt_img_ids": [5], "semantic_aspects": ["negation"]}
    put(tmp_path / "from" / "circo" / "annotations" / "val.json", [question | answer])
    put(tmp_path / "from" / "circo" / "annotations" / "test.json", [question])
    monkeypatch.setattr(script, "COCO_UNLABELED", 9)
    for _ in range(2):
        root = laid_out(script, monkeypatch, tmp_path, "circo")
    said = capsys.readouterr().out
    assert "most of the 9 ids are made up" in said
    assert "9 pictures, 9 of them new" in said
    assert "9 pictures, 0 of them new" in said
    benchmark = load(CIRCO, root)
    assert benchmark.names == ["1", "2", "3", "4", "5", "6", "7", "8", "70"]
    assert benchmark.cases[0].targets == (4,)


def test_cirr_is_there_with_the_split_that_is_submitted(script, tmp_path, monkeypatch):
    for split, folder in (("val", "dev"), ("test1", "test1")):
        names = [f"{folder}-{number}" for number in range(7)]
        asked = {"pairid": 5, "reference": names[0], "caption": "red", "target_hard": names[1]}
        question = asked | {"img_set": {"members": names[:6]}}
        base = tmp_path / "from" / "cirr"
        put(base / "captions" / f"cap.rc2.{split}.json", [question])
        places = {name: f"./{folder}/{name}.png" for name in names}
        put(base / "image_splits" / f"split.rc2.{split}.json", places)
    root = laid_out(script, monkeypatch, tmp_path, "cirr")
    assert [len(load(CIRR, root, split).images) for split in ("val", "test1")] == [7, 7]


def test_genecis_pictures_hold_all_of_their_boxes(script, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def boxed(number, *box):
        return {"image_id": f"{number}", "instance_bbox": list(box)}

    attribute = {
        "reference": boxed(1, 100.5, 3, 20, 30),
        "target": boxed(2, 0, 0, 3, 3),
        "gallery": [boxed(1, 5, 200, 8, 9.5), boxed(3, 7, 7, 50, 20)],
        "condition": "colour",
    }
    thing = {
        "reference": {"val_image_id": 7},
        "target": {"val_image_id": 8},
        "gallery": [{"val_image_id": 9}],
        "condition": "wall",
    }
    for name in script.ATTRIBUTES:
        put(tmp_path / "from" / "genecis" / name, [attribute])
    for name in script.OBJECTS:
        put(tmp_path / "from" / "genecis" / name, [thing])
    root = laid_out(script, monkeypatch, tmp_path, "genecis")
    assert size_of(root / "VG_100K_all" / "1.jpg") == (121, 210)
    benchmark = load(GENECIS, root)
    assert len(benchmark.cases) == 4
    pictures = [path.read_bytes() for path in benchmark.images]
    assert len(set(pictures)) == len(pictures) == 7


class _Here:
    """A pool of no processes."""

    map = staticmethod(map)

    def __init__(self, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

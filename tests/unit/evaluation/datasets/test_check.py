"""What is on disk, what is missing: before a model is loaded; and the table of benchmarks."""

import subprocess
import sys

import pytest

from isa_cli.errors import BenchmarkError, UsageError
from isa_cli.evaluation.datasets import CIRCO, CIRR, DATASETS
from isa_cli.evaluation.datasets.check import check
from isa_cli.evaluation.datasets.loaders import LOADERS, load


@pytest.mark.parametrize("name", DATASETS)
def test_with_nothing_there_every_need_says_where_and_how(name, tmp_path):
    for split, sizes in DATASETS[name].splits.items():
        found = check(name, tmp_path, split)
        assert not found.ok
        assert {need.what: need.expected for need in found.needs} == sizes
        assert all(need.found == 0 for need in found.needs)
        assert all(need.where.is_relative_to(tmp_path) for need in found.needs)
        assert all(need.url.startswith("http") for need in found.needs)
        assert all(str(tmp_path) in need.command for need in found.needs)
        assert {need.what for need in found.needs if need.optional} == (
            {"image list"} if name == "circo" else set()
        )


def needs(found):
    return {need.what: (need.found, need.problem) for need in found.needs}


def test_cirr_with_a_picture_missing(cirr_layout):
    (cirr_layout.root / "dev/dev-3-0-img0.png").unlink()
    found = check("cirr", cirr_layout.root)
    assert needs(found) == {
        "questions": (2, ""),
        "image list": (8, ""),
        "pictures": (7, "missing: dev-3-0-img0.png"),
    }
    assert [need.what for need in found.missing] == ["questions", "image list", "pictures"]


def test_without_the_list_the_files_are_counted(cirr_layout):
    cirr_layout.write("cirr/image_splits/split.rc2.val.json", "{")
    found = needs(check("cirr", cirr_layout.root))
    assert found["image list"][0] == 0
    assert "is not JSON" in found["image list"][1]
    assert found["pictures"] == (8, "which of them are needed, the annotations would say")


def test_all_is_well_with_everything_there(cirr_layout, monkeypatch):
    sizes = {"questions": 2, "image list": 8, "pictures": 8}
    monkeypatch.setitem(CIRR.splits, "val", sizes)
    found = check("cirr", cirr_layout.root, "val")
    assert found.ok
    assert found.missing == ()


def test_circo_can_do_without_the_list_but_not_with_a_bad_one(circo_layout, monkeypatch):
    monkeypatch.setitem(CIRCO.splits, "val", {"questions": 1, "image list": 4, "pictures": 4})
    assert needs(check("circo", circo_layout.root))["image list"] == (4, "")
    info = circo_layout.root / "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json"
    info.unlink()
    assert check("circo", circo_layout.root).ok
    (circo_layout.root / "COCO2017_unlabeled/unlabeled2017/000000000040.jpg").unlink()
    found = check("circo", circo_layout.root)
    assert [need.what for need in found.missing] == ["pictures"]
    assert needs(found)["pictures"][0] == 3


def test_fashioniq_and_genecis_count_what_they_need(fashioniq_layout):
    assert needs(check("fashioniq", fashioniq_layout.root)) == {
        **{f"{each} questions": (1, "") for each in ("dress", "shirt", "toptee")},
        "dress image list": (3, ""),
        "shirt image list": (2, ""),
        "toptee image list": (2, ""),
        "pictures": (6, ""),
    }


def test_genecis_makes_no_crop_to_count(genecis_layout, tmp_path_factory, monkeypatch):
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    found = needs(check("genecis", genecis_layout.root))
    assert found["Visual Genome pictures"] == (2, "")
    assert found["COCO pictures"] == (3, "")
    assert not list(cache.iterdir())


def test_no_such_benchmark_or_split(tmp_path):
    with pytest.raises(UsageError, match="no published benchmark is called 'coco'") as caught:
        check("coco", tmp_path)
    assert caught.value.hint == "there are cirr, circo, fashioniq, genecis"
    with pytest.raises(UsageError, match="fashioniq has no split 'test1'"):
        check("fashioniq", tmp_path, "test1")


def test_the_table_loads_what_it_names(fashioniq_layout, genecis_layout, monkeypatch, tmp_path):
    assert fashioniq_layout.root == genecis_layout.root
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("fashioniq", "genecis"):
        assert load(DATASETS[name], fashioniq_layout.root).name == name
    with pytest.raises(BenchmarkError):
        load(CIRCO, tmp_path / "nowhere", "test")
    assert LOADERS.keys() == DATASETS.keys()


def test_neither_table_nor_check_nor_loaders_need_torch_and_the_table_nothing():
    code = (
        "import sys; import isa_cli.evaluation.datasets; "
        "assert 'numpy' not in sys.modules; "
        "import isa_cli.evaluation.datasets.check; "
        "import isa_cli.evaluation.datasets.loaders; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

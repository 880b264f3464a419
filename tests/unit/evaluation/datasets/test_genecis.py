"""GeneCIS: a gallery per question, crops as the official code makes them, and every complaint."""

import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.datasets import GENECIS
from isa_cli.evaluation.datasets.crops import Crop, crop, cropped
from isa_cli.evaluation.datasets.genecis import TASKS
from isa_cli.evaluation.datasets.loaders import load
from isa_cli.reporting import Silent

genecis = partial(load, GENECIS)


@pytest.fixture(autouse=True)
def crops_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "isa" / "genecis"


def test_the_published_tasks(real, layout, monkeypatch):
    files = {task: json.loads((real / f"genecis/{task}.json").read_text()) for task in TASKS}
    shown = [
        each
        for questions in files.values()
        for question in questions
        for each in (question["reference"], question["target"], *question["gallery"])
    ]
    genome = {each["image_id"] for each in shown if "image_id" in each}
    coco = {each["val_image_id"] for each in shown if "val_image_id" in each}
    layout.pictures(*(f"VG_100K_all/{each}.jpg" for each in genome))
    layout.pictures(*(f"val2017/{each:012}.jpg" for each in coco))
    made = {}
    monkeypatch.setattr(  # 31,050 crops of a single pixel would say nothing and take a minute
        "isa_cli.evaluation.datasets.genecis.cropped",
        lambda crops, reporter: made.update({each: each.source for each in crops}) or made,
    )
    benchmark = genecis(layout.root, annotations=real / "genecis")
    assert benchmark.protocol == {"crops": "dilated by 0.7, padded"}
    assert len(made) == 31_050
    tasks = {task: [case for case in benchmark.cases if case.groups == (task,)] for task in TASKS}
    assert {task: len(cases) for task, cases in tasks.items()} == {
        "focus_attribute": 2000,
        "change_attribute": 2112,
        "focus_object": 1960,
        "change_object": 1960,
    }
    sizes = {task: {len(case.gallery) for case in cases} for task, cases in tasks.items()}
    assert sizes == {
        "focus_attribute": {10},
        "change_attribute": {15},
        "focus_object": {15},
        "change_object": {15},
    }
    assert all((np.diff(case.gallery) > 0).all() for case in benchmark.cases)
    assert all(case.targets[0] in case.gallery for case in benchmark.cases)
    with_reference = sum(case.reference in case.gallery for case in benchmark.cases)
    assert with_reference == 79
    assert tasks["focus_attribute"][0].modifier == "color"


def test_questions_and_their_galleries(genecis_layout):
    benchmark = genecis(genecis_layout.root)
    attribute, again, thing, _ = benchmark.cases
    assert attribute.gallery.tolist() == [1, 2, 3]
    assert (attribute.reference, attribute.targets) == (0, (1,))
    assert again.gallery.tolist() == attribute.gallery.tolist()  # the same crops
    assert thing.modifier == "brick wall"
    assert [benchmark.images[at].name for at in thing.gallery] == [
        "000000000022.jpg",
        "000000000003.jpg",
        "000000000022.jpg",  # named twice, so it counts twice, after the target on a tie
        "000000000003.jpg",
    ]
    assert thing.targets == (thing.gallery[0],)
    assert benchmark.macro == TASKS
    assert list(benchmark.metrics) == ["R@1", "R@2", "R@3"]


def test_a_crop_is_dilated_up_and_left_only_and_padded_to_a_square():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 100, 3), np.uint8)
    made = np.asarray(crop(Image.fromarray(pixels), [20, 30, 10, 20]))
    # left 20 - 7, top 30 - 14, then 17 wide and 34 high
    assert made.shape == (34, 34, 3)
    assert (made[:, 8:25] == pixels[16:50, 13:30]).all()
    assert not made[:, :8].any()
    assert not made[:, 25:].any()


def test_a_crop_stays_within_the_picture():
    white = Image.new("RGB", (100, 60), "white")
    assert crop(white, [-0.8, 0.0, 90.0, 10.0]).size == (100, 100)
    assert np.asarray(crop(white, [90, 50, 10, 10])).min() == 255  # 83..100 by 43..60


@pytest.mark.parametrize("box", [[200, 10, 5, 5], [10, 200, 5, 5], [10, 10, 0, 0]])
def test_a_box_that_is_not_in_the_picture(box):
    with pytest.raises(ValueError, match=r".+"):
        crop(Image.new("RGB", (100, 60)), box)


def test_crops_are_made_once_and_again_when_the_picture_changes(genecis_layout, crops_cache):
    source = genecis_layout.root / "VG_100K_all" / "11.jpg"
    one, other = Crop(source, (0, 0, 10, 10)), Crop(source, (5, 5, 10, 10))
    first = cropped([one, other, one], Silent())
    assert set(crops_cache.iterdir()) == set(first.values())
    stamps = [path.stat().st_mtime_ns for path in first.values()]
    first[other].unlink()  # as if stopped half way
    second = cropped([one, other], Silent())
    assert second == first
    assert [second[one].stat().st_mtime_ns, second[other].exists()] == [stamps[0], True]
    Image.new("RGB", (50, 50), "green").save(source)
    third = cropped([one], Silent())
    assert third[one] != first[one]
    with Image.open(third[one]) as image:
        assert image.getpixel((3, 3))[1] > 100


def test_pictures_that_cannot_be_cropped_are_named(genecis_layout):
    folder = genecis_layout.root / "VG_100K_all"
    (folder / "11.jpg").write_bytes(b"no picture")
    Image.new("RGB", (5, 5)).save(folder / "12.jpg")
    with pytest.raises(BenchmarkError) as caught:
        genecis(genecis_layout.root)
    assert "2 of 2 pictures can't be cropped" in caught.value.message
    assert "11.jpg: not a picture" in caught.value.message
    assert "12.jpg: a box lies outside it" in caught.value.message


def test_a_cache_that_cannot_be_written(genecis_layout, crops_cache):
    crops_cache.parent.mkdir(parents=True)
    crops_cache.write_text("a file where the folder should be")
    with pytest.raises(BenchmarkError, match="can't write crops to"):
        genecis(genecis_layout.root)


def test_both_halves_of_visual_genome_will_do(genecis_layout):
    root = genecis_layout.root
    (root / "VG_100K_all").rename(root / "VG_100K")
    (root / "VG_100K_2").mkdir()
    (root / "VG_100K" / "12.jpg").rename(root / "VG_100K_2" / "12.jpg")
    assert len(genecis(root).images) == 9


@pytest.mark.parametrize(
    ("task", "fields", "words"),
    [
        ("focus_attribute", {"condition": None}, "no condition"),
        ("focus_attribute", {"target": {"image_id": "11"}}, "no target.instance_bbox"),
        (
            "focus_attribute",
            {"gallery": [{"image_id": "11", "instance_bbox": [1, 2, 3]}]},
            "gallery[0].instance_bbox is not four numbers",
        ),
        ("change_object", {"reference": {}}, "no reference.image_id"),
        ("change_object", {"gallery": 3}, "gallery is no list"),
    ],
)
def test_a_record_that_is_of_no_use(genecis_layout, task, fields, words):
    genecis_layout.change(f"genecis/{task}.json", 0, **fields)
    with pytest.raises(BenchmarkError) as caught:
        genecis(genecis_layout.root)
    assert f"record 0: {words}" in caught.value.message
    assert f"{task}.json" in caught.value.message


def test_missing_pictures_of_both_collections(genecis_layout):
    (genecis_layout.root / "VG_100K_all/12.jpg").unlink()
    (genecis_layout.root / "val2017/000000000003.jpg").unlink()
    with pytest.raises(BenchmarkError) as caught:
        genecis(genecis_layout.root)
    assert "genecis lacks 2 of its 5 pictures" in caught.value.message
    assert "12.jpg, " in caught.value.message
    assert "000000000003.jpg" in caught.value.message

"""FashionIQ: two wordings, a gallery per category, and every complaint."""

import json
from functools import partial

import pytest

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.datasets import FASHIONIQ
from isa_cli.evaluation.datasets.fashioniq import wordings
from isa_cli.evaluation.datasets.loaders import load

fashioniq = partial(load, FASHIONIQ)


def test_the_published_split(real, layout):
    annotations = real / "fashioniq"
    files = sorted(annotations.glob("image_splits/*.val.json"))
    ids = {each for file in files for each in json.loads(file.read_text())}
    layout.pictures(*(f"images/{each}.jpg" for each in ids))
    benchmark = fashioniq(layout.root, annotations=annotations)
    assert benchmark.protocol == {"wordings": "both orders"}
    assert len(benchmark.images) == 15_415
    sizes = {}
    for case in benchmark.cases:
        sizes.setdefault((case.groups[0], len(case.gallery)), []).append(case)
    assert {key: len(cases) for key, cases in sizes.items()} == {
        ("dress", 3817): 2017,
        ("shirt", 6346): 2038,
        ("toptee", 5373): 1961,
    }
    assert all(len({id(case.gallery) for case in cases}) == 1 for cases in sizes.values())
    first = benchmark.cases[0]
    assert first.modifier == "is shiny and silver with shorter sleeves and fit and flare"
    assert first.wordings == ("fit and flare and is shiny and silver with shorter sleeves",)
    assert benchmark.names[first.targets[0]] == "B0084Y8XIU"


def test_both_orders_without_what_stands_around_the_captions():
    assert wordings([" is red. ", "is long?"]) == ("is red and is long", "is long and is red")


def test_galleries_are_the_categories_own_and_keep_the_reference(fashioniq_layout):
    benchmark = fashioniq(fashioniq_layout.root)
    assert benchmark.names == ["D1", "D2", "BOTH", "S1", "S2", "T1"]
    assert [case.gallery.tolist() for case in benchmark.cases] == [[0, 1, 2], [3, 4], [2, 5]]
    assert [case.reference for case in benchmark.cases] == [0, 3, 2]
    assert [case.id for case in benchmark.cases] == ["dress-0000", "shirt-0000", "toptee-0000"]
    assert benchmark.keep_reference
    assert benchmark.macro == ("dress", "shirt", "toptee")
    assert list(benchmark.metrics) == ["R@10", "R@50"]
    assert benchmark.images[4].name == "S2.png"


def test_a_missing_file_of_six(fashioniq_layout):
    (fashioniq_layout.root / "image_splits/split.shirt.val.json").unlink()
    with pytest.raises(BenchmarkError, match=r"there is no file .*split\.shirt\.val\.json$"):
        fashioniq(fashioniq_layout.root)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"captions": ["one"]}, "captions has 1 entries for 2"),
        ({"captions": None}, "no captions"),
        ({"candidate": "X"}, "the picture 'X' is not in the gallery"),
        ({"target": "S1"}, "the target is not in the image list of dress"),
        ({"target": None}, "no target"),
    ],
)
def test_a_record_that_is_of_no_use(fashioniq_layout, fields, words):
    fashioniq_layout.change("captions/cap.dress.val.json", 0, **fields)
    with pytest.raises(BenchmarkError) as caught:
        fashioniq(fashioniq_layout.root)
    assert f"record 0: {words}" in caught.value.message


def test_an_image_list_of_other_things(fashioniq_layout):
    fashioniq_layout.write("image_splits/split.dress.val.json", ["D1", 2])
    with pytest.raises(BenchmarkError, match="something that is no picture's id"):
        fashioniq(fashioniq_layout.root)


def test_a_missing_picture(fashioniq_layout):
    (fashioniq_layout.root / "images/BOTH.jpg").unlink()
    with pytest.raises(
        BenchmarkError, match=r"fashioniq val lacks 1 of its 6 pictures: .*BOTH\.jpg"
    ):
        fashioniq(fashioniq_layout.root)

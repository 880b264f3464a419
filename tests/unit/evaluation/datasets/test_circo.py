"""CIRCO: several right answers, the one that was meant, aspects, and every complaint."""

import json
from functools import partial

import pytest

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Ranking
from isa_cli.evaluation.datasets import CIRCO
from isa_cli.evaluation.datasets.circo import ASPECTS, RULES, case
from isa_cli.evaluation.datasets.layout import read_records
from isa_cli.evaluation.datasets.loaders import load

circo = partial(load, CIRCO)

LIST = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json"
PICTURES = "COCO2017_unlabeled/unlabeled2017"


def ids_of(*files):
    """The ids that questions name: a gallery small enough for a test."""
    found = set()
    for file in files:
        for each in json.loads(file.read_text()):
            found |= {each["reference_img_id"], *each.get("gt_img_ids", ())}
    return sorted(found)


@pytest.mark.parametrize(("split", "count"), [("val", 220), ("test", 800)])
def test_the_published_splits(real, layout, split, count):
    annotations = real / "circo" / "annotations"
    ids = ids_of(annotations / f"{split}.json")
    layout.write(LIST, {"images": [{"id": each, "file_name": f"{each:012}.jpg"} for each in ids]})
    layout.pictures(*(f"{PICTURES}/{each:012}.jpg" for each in ids))
    benchmark = circo(layout.root, split, annotations=annotations)
    assert len(benchmark.cases) == count
    assert benchmark.protocol == {"not as published": f"{len(ids):,} of 123,403 pictures"}
    assert [asked.id for asked in benchmark.cases] == [str(number) for number in range(count)]
    assert bool(benchmark.metrics) == bool(benchmark.groups) == (split == "val")
    assert benchmark.images[benchmark.cases[3].reference].name.endswith(
        f"{int(benchmark.names[benchmark.cases[3].reference]):012}.jpg"
    )


def test_the_published_answers(real):
    cases = read_records(real / "circo" / "annotations" / "val.json", case, int, False)
    assert cases[0].targets == (355099, 528417, 534704)
    assert cases[0].reference == 271520
    in_aspect = {aspect: sum(aspect in each.groups for each in cases) for aspect in ASPECTS}
    assert in_aspect["statement_with_conjunction"] == 164
    assert in_aspect["negation"] == 21


def test_the_authors_example_scores_what_their_code_says(real):
    cases = read_records(real / "circo" / "annotations" / "val.json", case, int, False)
    answers = json.loads((real / "circo/submission_examples/submission_val.json").read_text())
    means = {
        name: sum(metric(Ranking(tuple(answers[each.id])), each) for each in cases) / len(cases)
        for name, metric in RULES.metrics.items()
    }
    assert [round(100 * mean, 4) for mean in means.values()] == [
        *(0.4861, 0.5178, 0.5400, 0.6020),
        *(0.9091, 0.9091, 1.3636, 3.6364),
    ]


def test_a_question_and_how_it_is_judged(circo_layout):
    benchmark = circo(circo_layout.root)
    assert benchmark.names == ["40", "7", "123456", "9"]
    (asked,) = benchmark.cases
    assert (asked.reference, asked.targets, asked.groups) == (1, (3, 0), ("negation", "addition"))
    assert asked.modifier == "is held by a girl"
    assert benchmark.keep_reference
    other_first = Ranking(top=(0, 1, 2, 3))
    assert benchmark.metrics["mAP@5"](other_first, asked) == (1 + 2 / 4) / 2
    assert benchmark.metrics["R@5"](Ranking(top=(0, 1, 2)), asked) == 0  # not the one meant
    assert benchmark.metrics["R@5"](other_first, asked) == 1


def test_the_one_that_was_meant_comes_first_wherever_it_is_listed(circo_layout):
    circo_layout.change("annotations/val.json", 0, gt_img_ids=[40, 9, 123456, 40])
    assert circo(circo_layout.root).cases[0].targets == (3, 0, 2)


def test_hidden_answers(circo_layout):
    benchmark = circo(circo_layout.root, "test")
    assert benchmark.metrics == {}
    assert benchmark.cases[0].targets == ()


def test_annotations_may_be_a_file_or_either_folder(circo_layout):
    folder = circo_layout.root / "annotations"
    elsewhere = circo_layout.root / "elsewhere"
    elsewhere.mkdir()
    folder.rename(elsewhere / "annotations")
    for place in (elsewhere, elsewhere / "annotations", elsewhere / "annotations" / "val.json"):
        assert len(circo(circo_layout.root, annotations=place).cases) == 1


def test_without_the_list_the_folder_is_the_gallery_if_it_is_whole(circo_layout, monkeypatch):
    (circo_layout.root / LIST).unlink()
    with pytest.raises(BenchmarkError, match="holds 4 of the 123,403 pictures of the gallery"):
        circo(circo_layout.root)
    monkeypatch.setitem(CIRCO.splits, "val", {"questions": 1, "image list": 4, "pictures": 4})
    circo_layout.write(f"{PICTURES}/notes.txt", "not a picture")
    benchmark = circo(circo_layout.root)
    assert benchmark.names == ["7", "9", "40", "123456"]
    assert benchmark.protocol == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"semantic_aspects": None}, "record 0: no semantic_aspects"),
        ({"semantic_aspects": ["smell"]}, "semantic_aspects has 'smell'"),
        ({"gt_img_ids": [40]}, "gt_img_ids lacks the target_img_id"),
        ({"gt_img_ids": [9, "40"]}, "gt_img_ids holds something that is no whole number"),
        ({"gt_img_ids": [9, 5]}, "the picture 5 is not in the gallery"),
        ({"relative_caption": 3}, "relative_caption is no text"),
    ],
)
def test_a_record_that_is_of_no_use(circo_layout, fields, words):
    circo_layout.change("annotations/val.json", 0, **fields)
    with pytest.raises(BenchmarkError) as caught:
        circo(circo_layout.root)
    assert words in caught.value.message


def test_a_list_that_is_of_no_use(circo_layout):
    circo_layout.write(LIST, {"images": [{"id": 7}]})
    with pytest.raises(BenchmarkError, match=r"can't be used: no images\[0\].file_name"):
        circo(circo_layout.root)


def test_a_missing_picture(circo_layout):
    (circo_layout.root / PICTURES / "000000123456.jpg").unlink()
    with pytest.raises(
        BenchmarkError, match=r"circo val lacks 1 of its 4 pictures: .*000000123456\.jpg"
    ):
        circo(circo_layout.root)

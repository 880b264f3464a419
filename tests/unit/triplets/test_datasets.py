"""The published training triplets, from files made by hand and from the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isa_cli.errors import BenchmarkError
from isa_cli.reporting import Silent
from isa_cli.triplets import datasets, read_triplets, write_triplets
from isa_cli.triplets.datasets import cirr, fashioniq


class Said(Silent):
    def __init__(self):
        self.lines = []

    def warn(self, message):
        self.lines.append(message)


def save(path, content=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


# --- CIRR ----------------------------------------------------------------------------------------

NAMES = {f"train-{n}-img0": f"./train/{n}/train-{n}-img0.png" for n in range(4)}


def entry(reference, caption, target):
    return {
        "pairid": 1,
        "reference": f"train-{reference}-img0",
        "target_hard": f"train-{target}-img0",
        "target_soft": {},
        "caption": caption,
        "img_set": {"id": 0, "members": []},
    }


ENTRIES = [entry(0, "show  one dog", 1), entry(1, "two dogs", 2), entry(0, "a cat", 3)]


def make_cirr(root, entries=ENTRIES, *, annotations="cirr", pictures=".", there=range(4)):
    save(root / annotations / "captions" / "cap.rc2.train.json", entries)
    save(root / annotations / "image_splits" / "split.rc2.train.json", NAMES)
    for n in there:
        save(root / pictures / NAMES[f"train-{n}-img0"], "picture")


@pytest.mark.parametrize("annotations", ["cirr", "."])
@pytest.mark.parametrize("pictures", [".", "img_raw", "cirr/img_raw"])
def test_cirr_is_found_where_it_may_lie(tmp_path, annotations, pictures):
    make_cirr(tmp_path, annotations=annotations, pictures=pictures)
    said = Said()
    found = cirr(tmp_path, said)
    assert [one.modifier for one in found] == ["show one dog", "two dogs", "a cat"]
    assert [one.line for one in found] == [1, 2, 3]
    assert found[1].target.samefile(tmp_path / pictures / "train/2/train-2-img0.png")
    assert said.lines == []
    write_triplets(tmp_path / "t.jsonl", found)
    assert len(read_triplets(tmp_path / "t.jsonl")) == 3


def test_what_a_file_of_triplets_can_not_hold_is_left_out_and_counted(tmp_path):
    more = [ENTRIES[0], entry(1, " ", 2), entry(2, "itself", 2)]
    make_cirr(tmp_path, [*ENTRIES, *more], there=(0, 1, 2))
    said = Said()
    found = cirr(tmp_path, said)
    assert [one.modifier for one in found] == ["show one dog", "two dogs"]
    (line,) = said.lines
    assert line.startswith("4 of CIRR's 6 training triplets are left out: 1 pictures")
    write_triplets(tmp_path / "t.jsonl", found)
    assert len(read_triplets(tmp_path / "t.jsonl")) == 2


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("words", "no object"),
        ({"reference": "x"}, "no target_hard"),
        (entry(0, "x", 1) | {"reference": 7}, "reference is no text"),
        (entry(0, "x", 1) | {"caption": None}, "caption is no text"),
        (entry(0, "x", 9), "the picture 'train-9-img0' is not in the image list"),
    ],
)
def test_an_entry_of_no_use_is_named(tmp_path, record, reason):
    make_cirr(tmp_path, [*ENTRIES, record])
    with pytest.raises(BenchmarkError) as caught:
        cirr(tmp_path)
    assert "1 of the 4 records" in caught.value.message
    assert f"record 3: {reason}" in caught.value.message


def test_many_entries_of_no_use_are_counted(tmp_path):
    make_cirr(tmp_path, [*ENTRIES, *[{}] * 8])
    with pytest.raises(BenchmarkError, match=r"record 7: no reference and 3 more"):
        cirr(tmp_path)


def test_a_missing_part_of_cirr_is_named(tmp_path):
    with pytest.raises(BenchmarkError, match=r"split\.rc2\.train\.json can't be read") as caught:
        cirr(tmp_path)
    assert "github.com/Cuberick-Orion" in caught.value.hint
    make_cirr(tmp_path, there=())
    with pytest.raises(BenchmarkError, match="CIRR has none of its pictures"):
        cirr(tmp_path)
    save(tmp_path / "cirr/captions/cap.rc2.train.json", "{")
    with pytest.raises(BenchmarkError, match="is not JSON"):
        cirr(tmp_path)
    save(tmp_path / "cirr/captions/cap.rc2.train.json", "[]")
    with pytest.raises(BenchmarkError, match="holds no list"):
        cirr(tmp_path)


def test_the_real_image_list_of_cirr_fits(shared_data, tmp_path):
    real = shared_data / "benchmarks" / "cirr" / "image_splits" / "split.rc2.train.json"
    places = json.loads(real.read_text())
    one, two = list(places)[:2]
    (tmp_path / "image_splits").symlink_to(real.parent)
    save(
        tmp_path / "captions/cap.rc2.train.json",
        [{"reference": one, "target_hard": two, "caption": "another"}],
    )
    for name in (one, two):
        save(tmp_path / places[name], "picture")
    (found,) = cirr(tmp_path)
    assert found.reference == tmp_path / places[one]


# --- FashionIQ -----------------------------------------------------------------------------------


def make_fashioniq(root, **entries):
    for category, records in entries.items():
        save(root / "captions" / f"cap.{category}.train.json", records)
    for name in ("A.jpg", "B.png", "C.jpg", "C.png"):
        save(root / "images" / name, "picture")


def pair(candidate, target, *captions):
    return {"candidate": candidate, "target": target, "captions": list(captions)}


def test_fashioniq_joins_two_captions_and_all_categories(tmp_path):
    make_fashioniq(
        tmp_path,
        dress=[pair("A", "B", "is longer.", " Has no sleeves, ")],
        shirt=[pair("B", "C", "is red", "")],
        toptee=[pair("C", "A", "", ""), pair("A", "gone", "x", "y")],
    )
    said = Said()
    found = fashioniq(tmp_path, said)
    assert [one.modifier for one in found] == ["is longer and Has no sleeves", "is red"]
    assert [one.target.name for one in found] == ["B.png", "C.png"]
    assert [line.partition(":")[0] for line in said.lines] == [
        "2 of FashionIQ's 4 training triplets are left out"
    ]


def test_a_category_that_is_missing_is_named(tmp_path):
    make_fashioniq(tmp_path, dress=[pair("A", "B", "is longer", "is red")])
    said = Said()
    assert len(fashioniq(tmp_path, said)) == 1
    assert said.lines[0].startswith("FashionIQ without shirt and toptee")
    with pytest.raises(BenchmarkError, match=r"no file .*cap\.dress\.train\.json"):
        fashioniq(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("captions", "reason"),
    [
        (None, "captions is no list"),
        ("is red", "captions is no list"),
        (["is red", 3], "captions holds something that is no text"),
    ],
)
def test_captions_that_are_none_are_named(tmp_path, captions, reason):
    make_fashioniq(tmp_path, dress=[pair("A", "B") | {"captions": captions}])
    with pytest.raises(BenchmarkError, match=f"record 0: {reason}"):
        fashioniq(tmp_path)


def test_the_real_fashioniq_is_read_whole(shared_data, tmp_path, monkeypatch):
    (tmp_path / "captions").symlink_to(shared_data / "benchmarks" / "fashioniq" / "captions")
    with pytest.raises(BenchmarkError, match="none of its pictures"):
        fashioniq(tmp_path)
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    said = Said()
    found = fashioniq(tmp_path, said)
    entries = [
        each
        for category in datasets.CATEGORIES
        for each in json.loads((tmp_path / f"captions/cap.{category}.train.json").read_text())
    ]
    assert len(entries) == 5985 + 5988 + 6027
    assert 0.99 * len(entries) < len(found) <= len(entries)
    assert len(said.lines) == (len(found) < len(entries))
    assert found[0].modifier == "is solid black with no sleeves and is black with straps"
    assert found[0].reference == tmp_path / "images" / "B003FGW7MK.jpg"

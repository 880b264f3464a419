"""Small benchmarks in the published layouts, and the real annotations where they are."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


class Layout:
    """A benchmark's folder that a test writes, and breaks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._picture = root / "one.png"
        Image.new("RGB", (1, 1)).save(self._picture)

    def write(self, name: str, value) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def pictures(self, *names: str) -> None:
        """Put a picture at each place: hard links to one file, for they are many."""
        for folder in {(self.root / name).parent for name in names}:
            folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            os.link(self._picture, self.root / name)

    def change(self, name: str, index: int, **fields) -> None:
        """Change fields of a record; ``None`` takes one away."""
        records = json.loads((self.root / name).read_text())
        records[index] |= fields
        records[index] = {key: value for key, value in records[index].items() if value is not None}
        self.write(name, records)


@pytest.fixture
def layout(tmp_path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture(scope="session")
def real(shared_data) -> Path:
    return shared_data / "benchmarks"


def cirr_question(pairid: int, reference: str, target: str | None, members: list[str]) -> dict:
    question = {
        "pairid": pairid,
        "reference": reference,
        "caption": "show three bottles",
        "img_set": {"id": 1, "members": members, "reference_rank": 0},
    }
    return question if target is None else question | {"target_hard": target}


@pytest.fixture
def cirr_layout(layout) -> Layout:
    names = [f"dev-{number}-0-img0" for number in range(8)]
    layout.write(
        "cirr/image_splits/split.rc2.val.json", {name: f"./dev/{name}.png" for name in names}
    )
    layout.write(
        "cirr/captions/cap.rc2.val.json",
        [
            cirr_question(7, names[2], names[4], names[:6]),
            cirr_question(9, names[7], names[3], names[2:8]),
        ],
    )
    layout.pictures(*(f"dev/{name}.png" for name in names))
    return layout


@pytest.fixture
def circo_layout(layout) -> Layout:
    ids = [40, 7, 123456, 9]
    layout.write(
        "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json",
        {"images": [{"id": each, "file_name": f"{each:012}.jpg"} for each in ids]},
    )
    layout.write(
        "annotations/val.json",
        [
            {
                "reference_img_id": 7,
                "target_img_id": 9,
                "relative_caption": "is held by a girl",
                "shared_concept": "a bear",
                "gt_img_ids": [9, 40],
                "id": 0,
                "semantic_aspects": ["negation", "addition"],
            }
        ],
    )
    layout.write(
        "annotations/test.json",
        [
            {
                "reference_img_id": 40,
                "relative_caption": "is red",
                "shared_concept": "a bus",
                "id": 0,
            }
        ],
    )
    layout.pictures(*(f"COCO2017_unlabeled/unlabeled2017/{each:012}.jpg" for each in ids))
    return layout


@pytest.fixture
def fashioniq_layout(layout) -> Layout:
    ids = {"dress": ["D1", "D2", "BOTH"], "shirt": ["S1", "S2"], "toptee": ["BOTH", "T1"]}
    for category, names in ids.items():
        layout.write(f"image_splits/split.{category}.val.json", names)
        layout.write(
            f"captions/cap.{category}.val.json",
            [{"target": names[1], "candidate": names[0], "captions": [" is red. ", "is long?"]}],
        )
    layout.pictures(*(f"images/{name}.jpg" for name in ("D1", "D2", "BOTH", "S1", "T1")))
    layout.pictures("images/S2.png")
    return layout


def genome(name: str, *box: float) -> dict:
    return {"image_id": name, "instance_bbox": list(box)}


@pytest.fixture
def genecis_layout(layout) -> Layout:
    for task in ("focus_attribute", "change_attribute"):
        layout.write(
            f"genecis/{task}.json",
            [
                {
                    "reference": genome("11", 10, 10, 20, 10),
                    "target": genome("11", 0.0, 0.0, 30.5, 40.25),
                    "gallery": [genome("12", 50, 50, 10, 10), genome("12", 5, 5, 90, 10)],
                    "condition": "color",
                }
            ],
        )
    for task in ("focus_object", "change_object"):
        layout.write(
            f"genecis/{task}.json",
            [
                {
                    "condition": "brick wall",
                    "reference": {"val_image_id": 1},
                    "target": {"val_image_id": 22},
                    "gallery": [{"val_image_id": 3}, {"val_image_id": 22}, {"val_image_id": 3}],
                }
            ],
        )
    layout.pictures(*(f"val2017/{each:012}.jpg" for each in (1, 22, 3)))
    (layout.root / "VG_100K_all").mkdir()
    for name, colour in (("11", "red"), ("12", "blue")):
        Image.new("RGB", (100, 60), colour).save(layout.root / "VG_100K_all" / f"{name}.jpg")
    return layout

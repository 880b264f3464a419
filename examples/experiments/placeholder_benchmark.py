"""Lay out CIRR, CIRCO, FashionIQ and GeneCIS at full size with pictures that carry nothing.

    python examples/experiments/placeholder_benchmark.py --annotations DIR --root OUT \
      [cirr circo ...]
    isa eval cirr --root OUT/cirr --model isa-mini

The questions are the published ones (``DIR/cirr``, ``DIR/circo`` and so on, as their authors
publish them; of CIRR both val and test1); each picture is noise of its own.  So the whole path can
be run and measured without the photos, and its scores are those of chance: R@k is k over the
gallery's size.

COCO's list of the 123,403 unlabeled pictures is used where it is in ``DIR/circo``.  Else the ids
that questions and example submissions name are filled up with the smallest others: the right
number, the right answers among them, but not all the right ids.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Pictures: TypeAlias = dict[Path, tuple[int, int]]
"""Where pictures belong, and how wide and high they are."""

SIZE = (32, 32)
"""Width and height of a picture of which no part is asked for by itself."""

GRAIN = 4
"""Pixels along each side of a patch in larger pictures, which would be large files without."""

CHUNK = 1_000
COCO_UNLABELED = 123_403
CATEGORIES = ("dress", "shirt", "toptee")
ATTRIBUTES = ("focus_attribute.json", "change_attribute.json")
OBJECTS = ("focus_object.json", "change_object.json")


def noise(path: Path, size: tuple[int, int] = SIZE) -> Image.Image:
    """Return the picture that belongs at ``path``: the same in each run, and like no other."""
    grain = 1 if size == SIZE else GRAIN
    width, height = (-(-side // grain) for side in size)
    rng = np.random.default_rng(crc32(path.name.encode()))
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    return image if grain == 1 else image.resize(size, Image.Resampling.NEAREST)


def paint(pictures: list[tuple[Path, tuple[int, int]]]) -> int:
    """Write pictures of these sizes, and return how many they are."""
    for path, size in pictures:
        noise(path, size).save(path)
    return len(pictures)


def read(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def copied(source: Path, target: Path, names: list[str]) -> None:
    """Copy annotation files, by their paths in the folder."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def cirr(annotations: Path, root: Path) -> Pictures:
    """Lay out CIRR's annotations (val and test1), and return where its pictures belong."""
    lists = [f"image_splits/split.rc2.{split}.json" for split in ("val", "test1")]
    questions = [f"captions/cap.rc2.{split}.json" for split in ("val", "test1")]
    copied(annotations, root / "cirr", questions + lists)
    places = [place for name in lists for place in read(annotations / name).values()]
    return dict.fromkeys((root / place for place in places), SIZE)


def circo(annotations: Path, root: Path) -> Pictures:
    """Lay out CIRCO's annotations and a gallery's list, and return where its pictures belong."""
    copied(annotations, root, ["annotations/val.json", "annotations/test.json"])
    info = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json"
    if (annotations / info).is_file():
        copied(annotations, root, [info])
        names = [each["file_name"] for each in read(root / info)["images"]]
    else:
        ids = filled(named(annotations), COCO_UNLABELED)
        names = [f"{each:012}.jpg" for each in ids]
        images = [{"id": each, "file_name": f"{each:012}.jpg"} for each in ids]
        (root / info).parent.mkdir(parents=True, exist_ok=True)
        (root / info).write_text(json.dumps({"images": images}), encoding="utf-8")
        print(f"circo: no {info}, so most of the {len(ids):,} ids are made up")
    folder = root / "COCO2017_unlabeled" / "unlabeled2017"
    return dict.fromkeys((folder / name for name in names), SIZE)


def named(annotations: Path) -> set[int]:
    """Return the ids of COCO's that CIRCO's questions and example submissions name."""
    found = set()
    for split in ("val", "test"):
        for each in read(annotations / "annotations" / f"{split}.json"):
            found |= {each["reference_img_id"], *each.get("gt_img_ids", ())}
    for file in sorted(annotations.glob("submission_examples/*.json")):
        found |= {each for answer in read(file).values() for each in answer}
    return found


def filled(ids: set[int], size: int) -> list[int]:
    """Return ``size`` ids, rising: those given, and the smallest others."""
    others = (each for each in count(1) if each not in ids)
    return sorted(ids | set(islice(others, size - len(ids))))


def fashioniq(annotations: Path, root: Path) -> Pictures:
    """Lay out FashionIQ's annotations (val), and return where its pictures belong."""
    captions = [f"captions/cap.{category}.val.json" for category in CATEGORIES]
    lists = [f"image_splits/split.{category}.val.json" for category in CATEGORIES]
    copied(annotations, root, captions + lists)
    ids = [each for name in lists for each in read(annotations / name)]
    return dict.fromkeys((root / "images" / f"{each}.jpg" for each in ids), SIZE)


def genecis(annotations: Path, root: Path) -> Pictures:
    """Lay out GeneCIS' annotations, and return where its pictures belong.

    Those of Visual Genome are just as large as the boxes in them need.
    """
    copied(annotations, root, [*ATTRIBUTES, *OBJECTS])
    pictures: Pictures = {}
    for part in shown(annotations, ATTRIBUTES):
        left, top, width, height = part["instance_bbox"]
        path = root / "VG_100K_all" / f"{part['image_id']}.jpg"
        before = pictures.get(path, (1, 1))
        pictures[path] = max(before[0], ceil(left + width)), max(before[1], ceil(top + height))
    for part in shown(annotations, OBJECTS):
        pictures[root / "val2017" / f"{part['val_image_id']:012}.jpg"] = SIZE
    return pictures


def shown(annotations: Path, names: Iterable[str]) -> Iterator[Any]:
    """Yield what the questions in these files show: references, targets and the others."""
    for name in names:
        for question in read(annotations / name):
            yield from (question["reference"], question["target"], *question["gallery"])


def main() -> None:
    """Lay out the benchmarks that are asked for."""
    layouts = {"cirr": cirr, "circo": circo, "fashioniq": fashioniq, "genecis": genecis}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(layouts)}")
    parser.add_argument("--annotations", type=Path, required=True, metavar="DIR")
    parser.add_argument("--root", type=Path, required=True, metavar="OUT")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - layouts.keys():
        parser.error(f"no layout for {', '.join(sorted(unknown))}")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name in arguments.names or layouts:
            began = time.monotonic()
            pictures = layouts[name](arguments.annotations / name, arguments.root / name)
            folders = dict.fromkeys(path.parent for path in pictures)
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            there = {Path(entry.path) for folder in folders for entry in os.scandir(folder)}
            new = [(path, size) for path, size in pictures.items() if path not in there]
            chunks = [new[start : start + CHUNK] for start in range(0, len(new), CHUNK)]
            made = sum(pool.map(paint, chunks))
            seconds = time.monotonic() - began
            print(f"{name}: {len(pictures):,} pictures, {made:,} of them new, {seconds:.0f} s")


if __name__ == "__main__":
    main()

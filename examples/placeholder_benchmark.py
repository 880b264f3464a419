"""Lay out CIRR, CIRCO and FashionIQ at full size with pictures that carry nothing.

    python examples/placeholder_benchmark.py --annotations DIR --root OUT [cirr circo fashioniq]
    isa eval cirr --root OUT/cirr --model isa-mini

The questions are the published ones (``DIR/cirr``, ``DIR/circo`` and ``DIR/fashioniq`` as their
authors publish them); each picture is noise of its own.  So the whole path can be run and measured
without the photos, and its scores are those of chance: R@k is k over the gallery's size.

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
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image

SIZE = 32
CHUNK = 1_000
COCO_UNLABELED = 123_403
CATEGORIES = ("dress", "shirt", "toptee")


def noise(path: Path) -> Image.Image:
    """Return the picture that belongs at ``path``: the same in each run, and like no other."""
    rng = np.random.default_rng(crc32(path.name.encode()))
    return Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8))


def paint(paths: list[Path]) -> int:
    """Write the pictures, and return how many they are."""
    for path in paths:
        noise(path).save(path)
    return len(paths)


def read(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def copied(source: Path, target: Path, names: list[str]) -> None:
    """Copy annotation files, by their paths in the folder."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def cirr(annotations: Path, root: Path) -> list[Path]:
    """Lay out CIRR's annotations (val), and return where its pictures belong."""
    image_list = "image_splits/split.rc2.val.json"
    copied(annotations, root / "cirr", ["captions/cap.rc2.val.json", image_list])
    return [root / place for place in read(annotations / image_list).values()]


def circo(annotations: Path, root: Path) -> list[Path]:
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
    return [root / "COCO2017_unlabeled" / "unlabeled2017" / name for name in names]


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


def fashioniq(annotations: Path, root: Path) -> list[Path]:
    """Lay out FashionIQ's annotations (val), and return where its pictures belong."""
    captions = [f"captions/cap.{category}.val.json" for category in CATEGORIES]
    lists = [f"image_splits/split.{category}.val.json" for category in CATEGORIES]
    copied(annotations, root, captions + lists)
    ids = dict.fromkeys(each for name in lists for each in read(annotations / name))
    return [root / "images" / f"{each}.jpg" for each in ids]


def main() -> None:
    """Lay out the benchmarks that are asked for."""
    layouts = {"cirr": cirr, "circo": circo, "fashioniq": fashioniq}
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
            paths = layouts[name](arguments.annotations / name, arguments.root / name)
            folders = dict.fromkeys(path.parent for path in paths)
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            there = {Path(entry.path) for folder in folders for entry in os.scandir(folder)}
            new = [path for path in paths if path not in there]
            chunks = [new[start : start + CHUNK] for start in range(0, len(new), CHUNK)]
            made = sum(pool.map(paint, chunks))
            seconds = time.monotonic() - began
            print(f"{name}: {len(paths):,} pictures, {made:,} of them new, {seconds:.0f} s")


if __name__ == "__main__":
    main()

"""FashionIQ (Wu et al., CVPR 2021): dresses, shirts and tops, two people's words for each change.

::

    ROOT/captions/cap.dress.val.json
    ROOT/image_splits/split.dress.val.json
    ROOT/images/B0084Y8XIU.jpg               or .png

A category's gallery is its whole image list, the reference among it.  A question's two captions
make two wordings, 'A and B' and 'B and A', each caption without the full stops, question marks,
commas and blanks around it, as in SEARLE's evaluation; a composer averages what it makes of them.
The headline is the mean of the three categories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Case, at
from isa_cli.evaluation.datasets import FASHIONIQ, layout
from isa_cli.evaluation.datasets.rules import ScoringRules
from isa_cli.evaluation.metrics import recall_at
from isa_cli.triplets.annotations import Unusable
from isa_cli.triplets.datasets import CATEGORIES, STRIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.datasets.layout import LocalCopy
    from isa_cli.triplets.annotations import Record

RULES = ScoringRules(
    dataset=FASHIONIQ,
    metrics={f"R@{k}": at(recall_at, k) for k in (10, 50)},
    depth=50,
    keep_reference=True,
    groups=CATEGORIES,
    macro=CATEGORIES,
    protocol={"wordings": "both orders"},
)


def benchmark(copy: LocalCopy) -> Benchmark:
    """Return FashionIQ; see ``loaders.load``."""
    files = _files(copy)
    layout.require_files([file for pair in files.values() for file in pair])
    lists = {category: _ids(image_list) for category, (_, image_list) in files.items()}
    pictures = layout.PictureList(_pictures(copy.root, lists))
    cases: list[Case] = []
    sizes: dict[str, int] = {}
    for category, (questions, _) in files.items():
        gallery = np.unique([pictures.position(name) for name in lists[category]])
        asked = layout.read_records(questions, _case, pictures, category, gallery)
        sizes |= {f"{category} questions": len(asked), f"{category} image list": len(gallery)}
        cases += asked
    return RULES.over(pictures, copy.split, cases, sizes)


def wordings(captions: list[str]) -> tuple[str, str]:
    """Return both orders of a question's two captions."""
    first, second = (caption.strip(STRIPPED) for caption in captions)
    return f"{first} and {second}", f"{second} and {first}"


def _case(
    pictures: layout.PictureList,
    category: str,
    gallery: NDArray[np.int64],
    index: int,
    record: Record,
) -> Case:
    modifier, other = wordings(record.many("captions", str, 2))
    target = pictures.position(record.get("target", str))
    if target not in gallery:
        raise Unusable(f"the target is not in the image list of {category}")
    return Case(
        id=f"{category}-{index:04}",
        reference=pictures.position(record.get("candidate", str)),
        modifier=modifier,
        targets=(target,),
        groups=(category,),
        wordings=(other,),
        gallery=gallery,
    )


def _files(copy: LocalCopy) -> dict[str, tuple[Path, Path]]:
    """Return where each category's questions and its image list are."""
    folder, split = copy.annotations or copy.root, copy.split
    captions, lists = folder / "captions", folder / "image_splits"
    return {
        each: (captions / f"cap.{each}.{split}.json", lists / f"split.{each}.{split}.json")
        for each in CATEGORIES
    }


def _ids(image_list: Path) -> list[str]:
    names = layout.read_list(image_list)
    if any(type(name) is not str for name in names):
        raise BenchmarkError(f"{image_list} holds something that is no picture's id")
    return names


def _pictures(root: Path, lists: dict[str, list[str]]) -> dict[str, Path]:
    """Return each picture's file, those of two categories once."""
    folder = root / "images"
    there = layout.listing(folder)
    names = dict.fromkeys(name for ids in lists.values() for name in ids)
    return {
        name: folder / (f"{name}.png" if f"{name}.png" in there else f"{name}.jpg")
        for name in names
    }


def sources(copy: LocalCopy) -> list[layout.Source]:
    """Return the things that have to be there, and how to get them."""
    files, images = _files(copy), copy.root / "images"
    url = "https://github.com/XiaoxiaoGuo/fashion-iq"
    clone = f"git clone {url}.git '{copy.annotations or copy.root}'"
    found: list[layout.Source] = []
    for category, (questions, image_list) in files.items():
        found += [
            layout.annotation_source(f"{category} questions", questions, url, clone),
            layout.annotation_source(f"{category} image list", image_list, url, clone),
        ]

    def needed() -> list[Path]:
        lists = {category: _ids(image_list) for category, (_, image_list) in files.items()}
        return list(_pictures(copy.root, lists).values())

    links = "https://github.com/hongwang600/fashion-iq-metadata"
    fetch = (
        f"git clone {links}.git && mkdir -p '{images}' && "
        "cat fashion-iq-metadata/image_url/asin2url.*.txt | while read id link; "
        f"do curl -sfLo '{images}'/$id.jpg $link; done"
    )
    return [
        *found,
        layout.picture_source("pictures", images, links, fetch, needed),
    ]

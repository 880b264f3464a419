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

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.datasets import FASHIONIQ
from isa_cli.evaluation.datasets.layout import (
    Pictures,
    Source,
    Unusable,
    as_published,
    listing,
    present,
    require_files,
    require_pictures,
)
from isa_cli.evaluation.datasets.records import entries, read_list, read_records
from isa_cli.evaluation.metrics import recall_at

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from isa_cli.evaluation.datasets.records import Record

CATEGORIES = ("dress", "shirt", "toptee")
METRICS = {f"R@{k}": at(recall_at, k) for k in (10, 50)}
DEPTH = 50
STRIPPED = ".?, "


def fashioniq(root: Path, split: str = "val", *, annotations: Path | None = None) -> Benchmark:
    """Return FashionIQ as it lies below ``root``.

    Args:
        root: the folder with everything.
        split: ``val``.
        annotations: the folder with ``captions`` and ``image_splits``, where it is another.

    Raises:
        UsageError: there is no such split.
        BenchmarkError: something is missing or not as it was published.
    """
    FASHIONIQ.expected(split)
    files = {category: _files(annotations or root, category, split) for category in CATEGORIES}
    require_files([file for pair in files.values() for file in pair])
    lists = {category: _ids(image_list) for category, (_, image_list) in files.items()}
    pictures = Pictures(_pictures(root, lists))
    cases, sizes = [], {"pictures": len(pictures.names)}
    for category, (questions, _) in files.items():
        gallery = np.unique([pictures.position(name) for name in lists[category]])
        own = read_records(questions, partial(_case, pictures, category, gallery))
        sizes |= {f"{category} questions": len(own), f"{category} image list": len(gallery)}
        cases += own
    require_pictures(f"fashioniq {split}", pictures.paths)
    return Benchmark(
        name="fashioniq",
        split=split,
        images=pictures.paths,
        cases=cases,
        metrics=METRICS,
        depth=DEPTH,
        keep_reference=True,
        groups=CATEGORIES,
        macro=CATEGORIES,
        names=pictures.names,
        protocol={"wordings": "both orders"} | as_published(FASHIONIQ, split, sizes),
    )


def wordings(captions: list[str]) -> tuple[str, str]:
    """Return both orders of a question's two captions."""
    first, second = (caption.strip(STRIPPED) for caption in captions)
    return f"{first} and {second}", f"{second} and {first}"


def _case(
    pictures: Pictures, category: str, gallery: NDArray[np.int64], index: int, record: Record
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


def _files(folder: Path, category: str, split: str) -> tuple[Path, Path]:
    """Return where a category's questions and its image list are."""
    return (
        folder / "captions" / f"cap.{category}.{split}.json",
        folder / "image_splits" / f"split.{category}.{split}.json",
    )


def _ids(image_list: Path) -> list[str]:
    names = read_list(image_list)
    if any(type(name) is not str for name in names):
        raise BenchmarkError(f"{image_list} holds something that is no picture's id")
    return names


def _pictures(root: Path, lists: dict[str, list[str]]) -> dict[str, Path]:
    """Return each picture's file, those of two categories once."""
    folder = root / "images"
    there = listing(folder)
    names = dict.fromkeys(name for ids in lists.values() for name in ids)
    return {
        name: folder / (f"{name}.png" if f"{name}.png" in there else f"{name}.jpg")
        for name in names
    }


def sources(root: Path, split: str, annotations: Path | None = None) -> list[Source]:
    """Return what has to be there, and how to get it."""
    folder, images = annotations or root, root / "images"
    files = {category: _files(folder, category, split) for category in CATEGORIES}
    url = "https://github.com/XiaoxiaoGuo/fashion-iq"
    clone = f"git clone {url}.git '{folder}'"
    found: list[Source] = []
    for category, (questions, image_list) in files.items():
        found += [
            Source(f"{category} questions", questions, url, clone, entries(questions, read_list)),
            Source(
                f"{category} image list", image_list, url, clone, entries(image_list, read_list)
            ),
        ]

    def pictures() -> list[Path]:
        lists = {category: _ids(image_list) for category, (_, image_list) in files.items()}
        return list(_pictures(root, lists).values())

    links = "https://github.com/hongwang600/fashion-iq-metadata"
    fetch = (
        f"git clone {links}.git && mkdir -p '{images}' && "
        "cat fashion-iq-metadata/image_url/asin2url.*.txt | while read id link; "
        f"do curl -sfLo '{images}'/$id.jpg $link; done"
    )
    return [*found, Source("pictures", images, links, fetch, present(pictures, images))]

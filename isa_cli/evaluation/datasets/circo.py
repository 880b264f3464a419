"""CIRCO (Baldrati et al., ICCV 2023): several right answers among COCO's unlabeled photos.

::

    ROOT/annotations/val.json
    ROOT/COCO2017_unlabeled/annotations/image_info_unlabeled2017.json     the gallery's list
    ROOT/COCO2017_unlabeled/unlabeled2017/000000243611.jpg

The reference stays in the ranking.  mAP@k is over all right answers; R@k asks for the one that the
words were written for, which comes first in ``Case.targets``.  Per-aspect numbers are the groups'
(the official one is mAP@10).  The answers of ``test`` are hidden.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Benchmark, Case, Metric, Ranking, at
from isa_cli.evaluation.datasets import CIRCO
from isa_cli.evaluation.datasets.layout import (
    HINT,
    Pictures,
    Source,
    Unusable,
    as_published,
    first_with,
    listing,
    present,
    require_files,
    require_pictures,
)
from isa_cli.evaluation.datasets.records import Record, entries, read_dict, read_list, read_records
from isa_cli.evaluation.metrics import average_precision_at, recall_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASPECTS = (
    "cardinality",
    "addition",
    "negation",
    "direct_addressing",
    "compare_change",
    "comparative_statement",
    "statement_with_conjunction",
    "spatial_relations_background",
    "viewpoint",
)
"""What a question is about, in the official order."""


def target_recall(k: int) -> Metric:
    """Return whether the picture that the words were written for is among the first k."""

    def judge(ranking: Ranking, case: Case) -> float:
        return recall_at(ranking.top, case.targets[:1], k)

    return judge


METRICS = {
    **{f"mAP@{k}": at(average_precision_at, k) for k in (5, 10, 25, 50)},
    **{f"R@{k}": target_recall(k) for k in (5, 10, 25, 50)},
}
DEPTH = 50


def circo(root: Path, split: str = "val", *, annotations: Path | None = None) -> Benchmark:
    """Return CIRCO as it lies below ``root``.

    Args:
        root: the folder with everything.
        split: ``val``, or ``test`` without answers.
        annotations: the folder with ``SPLIT.json``, or that file, where it is another.

    Raises:
        UsageError: there is no such split.
        BenchmarkError: something is missing or not as it was published.
    """
    sizes = CIRCO.expected(split)
    questions = _questions(root, split, annotations)
    require_files([questions])
    pictures = Pictures(_pictures(root, sizes["pictures"]))
    cases = cases_of(questions, split, pictures.position)
    require_pictures(f"circo {split}", pictures.paths)
    found = {"questions": len(cases), "pictures": len(pictures.names)}
    hidden = split in CIRCO.hidden
    return Benchmark(
        name="circo",
        split=split,
        images=pictures.paths,
        cases=cases,
        metrics={} if hidden else METRICS,
        depth=DEPTH,
        keep_reference=True,
        groups=() if hidden else ASPECTS,
        names=pictures.names,
        protocol=as_published(CIRCO, split, found),
    )


def cases_of(file: Path, split: str, position: Callable[[str | int], int]) -> list[Case]:
    """Return the questions of an annotation file; no picture is looked at.

    Args:
        file: ``val.json`` or ``test.json``.
        split: whether there are answers to expect.
        position: of a picture by its id, or ``Unusable``; ``int`` makes cases in COCO's own ids.

    Raises:
        BenchmarkError: the file can't be used.
    """
    return read_records(file, partial(_case, position, split in CIRCO.hidden))


def _case(
    position: Callable[[str | int], int],
    hidden: bool,  # noqa: FBT001 - a fact, not a switch
    _index: int,
    record: Record,
) -> Case:
    return Case(
        id=str(record.get("id", int)),
        reference=position(record.get("reference_img_id", int)),
        modifier=record.get("relative_caption", str),
        targets=() if hidden else _targets(position, record),
        groups=() if hidden else _aspects(record),
    )


def _targets(position: Callable[[str | int], int], record: Record) -> tuple[int, ...]:
    """Return all right answers, the one that the words were written for first."""
    first = record.get("target_img_id", int)
    right = record.many("gt_img_ids", int)
    if first not in right:
        raise Unusable("gt_img_ids lacks the target_img_id")
    return tuple(position(each) for each in dict.fromkeys((first, *right)))


def _aspects(record: Record) -> tuple[str, ...]:
    aspects = tuple(record.many("semantic_aspects", str))
    unknown = [aspect for aspect in aspects if aspect not in ASPECTS]
    if unknown:
        raise Unusable(f"semantic_aspects has {unknown[0]!r}, which means nothing")
    return aspects


def _questions(root: Path, split: str, annotations: Path | None) -> Path:
    if annotations is not None and annotations.is_file():
        return annotations
    name = f"{split}.json"
    if annotations is None:
        return root / "annotations" / name
    return first_with([annotations, annotations / "annotations"], name) / name


def _gallery(root: Path) -> tuple[Path, Path]:
    """Return where the list of the gallery and its pictures are."""
    coco = first_with([root / "COCO2017_unlabeled", root], "unlabeled2017")
    return coco / "annotations" / "image_info_unlabeled2017.json", coco / "unlabeled2017"


def _pictures(root: Path, expected: int) -> dict[str, Path]:
    """Return each picture's file by its id, in the list's order, or by id where there is none."""
    image_list, folder = _gallery(root)
    if image_list.is_file():
        return _listed(image_list)
    names = sorted(name for name in listing(folder) if re.fullmatch(r"\d{12}\.jpg", name))
    if len(names) != expected:
        raise BenchmarkError(
            f"{folder} holds {len(names):,} of the {expected:,} pictures of the gallery, and "
            f"without {image_list} nobody can say which are missing",
            HINT,
        )
    return {str(int(name.removesuffix(".jpg"))): folder / name for name in names}


def _listed(image_list: Path) -> dict[str, Path]:
    """Return each picture's file by its id, as COCO's own list has them."""
    folder = image_list.parents[1] / "unlabeled2017"
    try:
        images = Record(read_dict(image_list)).parts("images")
        return {str(each.get("id", int)): folder / each.get("file_name", str) for each in images}
    except Unusable as error:
        raise BenchmarkError(f"{image_list} can't be used: {error}", HINT) from error


def sources(root: Path, split: str, annotations: Path | None = None) -> list[Source]:
    """Return what has to be there, and how to get it."""
    questions = _questions(root, split, annotations)
    image_list, folder = _gallery(root)
    url, site = "https://github.com/miccunifi/CIRCO", "https://cocodataset.org/#download"
    clone = f"git clone {url}.git '{root}'"
    info = _fetch("annotations/image_info_unlabeled2017.zip", folder.parent)
    zipped = _fetch("zips/unlabeled2017.zip", folder.parent)

    def pictures() -> list[Path]:
        return list(_pictures(root, CIRCO.expected(split)["pictures"]).values())

    return [
        Source("questions", questions, url, clone, entries(questions, read_list)),
        Source("image list", image_list, site, info, entries(image_list, _listed), optional=True),
        Source("pictures", folder, site, zipped, present(pictures, folder)),
    ]


def _fetch(name: str, folder: Path) -> str:
    archive = name.rpartition("/")[2]
    return f"curl -LO http://images.cocodataset.org/{name} && unzip -q {archive} -d '{folder}'"

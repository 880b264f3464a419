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
from typing import TYPE_CHECKING

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Case, Metric, Ranking, at
from isa_cli.evaluation.datasets import CIRCO, layout
from isa_cli.evaluation.datasets.rules import ScoringRules
from isa_cli.evaluation.metrics import average_precision_at, recall_at
from isa_cli.triplets.annotations import Record, Unusable, first_with

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.datasets.layout import LocalCopy, Position

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


RULES = ScoringRules(
    dataset=CIRCO,
    metrics={
        **{f"mAP@{k}": at(average_precision_at, k) for k in (5, 10, 25, 50)},
        **{f"R@{k}": target_recall(k) for k in (5, 10, 25, 50)},
    },
    depth=50,
    keep_reference=True,
    groups=ASPECTS,
)


def benchmark(copy: LocalCopy) -> Benchmark:
    """Return CIRCO; see ``loaders.load``."""
    questions = _questions(copy)
    layout.require_files([questions])
    pictures = layout.PictureList(_pictures(copy))
    cases = layout.read_records(questions, case, pictures.position, copy.split in CIRCO.hidden)
    return RULES.over(pictures, copy.split, cases, {"questions": len(cases)})


def case(position: Position, hidden: bool, _: int, record: Record) -> Case:  # noqa: FBT001
    """Return the meaning of an entry of ``SPLIT.json``; pictures go by COCO's ids."""
    return Case(
        id=str(record.get("id", int)),
        reference=position(record.get("reference_img_id", int)),
        modifier=record.get("relative_caption", str),
        targets=() if hidden else _targets(position, record),
        groups=() if hidden else _aspects(record),
    )


def _targets(position: Position, record: Record) -> tuple[int, ...]:
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


def _questions(copy: LocalCopy) -> Path:
    folder, name = copy.annotations, f"{copy.split}.json"
    if folder is None:
        return copy.root / "annotations" / name
    if folder.is_file():
        return folder
    return first_with([folder, folder / "annotations"], name) / name


def _gallery(root: Path) -> tuple[Path, Path]:
    """Return where the list of the gallery and its pictures are."""
    coco = first_with([root / "COCO2017_unlabeled", root], "unlabeled2017")
    return coco / "annotations" / "image_info_unlabeled2017.json", coco / "unlabeled2017"


def _pictures(copy: LocalCopy) -> dict[str, Path]:
    """Return each picture's file by its id, in the list's order, or by id where there is none."""
    image_list, folder = _gallery(copy.root)
    if image_list.is_file():
        return _listed(image_list)
    names = sorted(name for name in layout.listing(folder) if re.fullmatch(r"\d{12}\.jpg", name))
    expected = CIRCO.expected(copy.split)["pictures"]
    if len(names) != expected:
        raise BenchmarkError(
            f"{folder} holds {len(names):,} of the {expected:,} pictures of the gallery, and "
            f"without {image_list} nobody can say which are missing",
            layout.HINT,
        )
    return {str(int(name.removesuffix(".jpg"))): folder / name for name in names}


def _listed(image_list: Path) -> dict[str, Path]:
    """Return each picture's file by its id, as COCO's own list has them."""
    folder = image_list.parents[1] / "unlabeled2017"
    try:
        images = Record(layout.read_dict(image_list)).parts("images")
        return {str(each.get("id", int)): folder / each.get("file_name", str) for each in images}
    except Unusable as error:
        raise BenchmarkError(f"{image_list} can't be used: {error}", layout.HINT) from error


def sources(copy: LocalCopy) -> list[layout.Source]:
    """Return the things that have to be there, and how to get them."""
    questions = _questions(copy)
    image_list, folder = _gallery(copy.root)
    url, site = "https://github.com/miccunifi/CIRCO", "https://cocodataset.org/#download"
    clone = f"git clone {url}.git '{copy.root}'"
    info = _fetch("annotations/image_info_unlabeled2017.zip", folder.parent)
    zipped = _fetch("zips/unlabeled2017.zip", folder.parent)

    def needed() -> list[Path]:
        return list(_pictures(copy).values())

    return [
        layout.annotation_source("questions", questions, url, clone),
        layout.annotation_source("image list", image_list, site, info, _listed, optional=True),
        layout.picture_source("pictures", folder, site, zipped, needed),
    ]


def _fetch(name: str, folder: Path) -> str:
    archive = name.rpartition("/")[2]
    return f"curl -LO http://images.cocodataset.org/{name} && unzip -q {archive} -d '{folder}'"

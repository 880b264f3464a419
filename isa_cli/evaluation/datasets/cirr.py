"""CIRR (Liu et al., ICCV 2021): photos of everyday scenes, in groups of six that look alike.

::

    ROOT/cirr/captions/cap.rc2.val.json            or ROOT/captions/...
    ROOT/cirr/image_splits/split.rc2.val.json      a picture's name and where it is
    ROOT/dev/dev-244-0-img0.png                    or ROOT/img_raw/dev/...
                                                   or ROOT/cirr/img_raw/dev/...

The reference is removed from the ranking.  R_subset@k ranks the five others of the reference's
group among themselves.  The answers of ``test1`` are hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Case, at, within
from isa_cli.evaluation.datasets import CIRR, layout
from isa_cli.evaluation.datasets.rules import ScoringRules
from isa_cli.evaluation.metrics import recall_at
from isa_cli.triplets.annotations import Unusable, first_with

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.datasets.layout import LocalCopy, Position
    from isa_cli.triplets.annotations import Record

RULES = ScoringRules(
    dataset=CIRR,
    metrics={
        **{f"R@{k}": at(recall_at, k) for k in (1, 5, 10, 50)},
        **{f"R_subset@{k}": within(recall_at, k) for k in (1, 2, 3)},
    },
    depth=50,
    keep_reference=False,
)
GROUP = 6


def benchmark(copy: LocalCopy) -> Benchmark:
    """Return CIRR; see ``loaders.load``."""
    questions, image_list = _files(copy)
    layout.require_files([questions, image_list])
    pictures = layout.PictureList(_pictures(copy.root, image_list))
    cases = layout.read_records(questions, case, pictures.position, copy.split in CIRR.hidden)
    return RULES.over(pictures, copy.split, cases, {"questions": len(cases)})


def case(position: Position, hidden: bool, _: int, record: Record) -> Case:  # noqa: FBT001
    """Return the meaning of an entry of ``cap.rc2.SPLIT.json``; pictures go by their names."""
    reference = record.get("reference", str)
    members = record.part("img_set").many("members", str, GROUP)
    if reference not in members:
        raise Unusable("img_set.members lacks the reference")
    subset = tuple(position(name) for name in members if name != reference)
    targets = () if hidden else (position(record.get("target_hard", str)),)
    if not set(targets) <= set(subset):
        raise Unusable("img_set.members lacks the target, or it is the reference")
    return Case(
        id=str(record.get("pairid", int)),
        reference=position(reference),
        modifier=record.get("caption", str),
        targets=targets,
        subset=subset,
    )


def _files(copy: LocalCopy) -> tuple[Path, Path]:
    """Return where the questions and the image list are."""
    questions = f"captions/cap.rc2.{copy.split}.json"
    places = [copy.annotations] if copy.annotations else [copy.root / "cirr", copy.root]
    folder = first_with(places, questions)
    return folder / questions, folder / "image_splits" / f"split.rc2.{copy.split}.json"


def _pictures(root: Path, image_list: Path) -> dict[str, Path]:
    """Return each picture's file, in the list's order."""
    places = layout.read_dict(image_list)
    if any(type(place) is not str for place in places.values()):
        raise BenchmarkError(f"{image_list} names a picture without saying where it is")
    top = next(iter(places.values())).removeprefix("./").partition("/")[0]
    folder = first_with([root, root / "img_raw", root / "cirr" / "img_raw"], top)
    return {name: folder / place for name, place in places.items()}


def sources(copy: LocalCopy) -> list[layout.Source]:
    """Return the things that have to be there, and how to get them."""
    root, (questions, image_list) = copy.root, _files(copy)
    folder, url = copy.annotations or root / "cirr", "https://github.com/Cuberick-Orion/CIRR"
    clone = f"git clone -b cirr_dataset {url}.git '{folder}'"
    top = "dev" if copy.split == "val" else copy.split
    ask = f"unzip -q {top}_img.zip -d '{root}'"
    site = "https://lil.nlp.cornell.edu/nlvr/"

    def needed() -> list[Path]:
        return list(_pictures(root, image_list).values())

    return [
        layout.annotation_source("questions", questions, url, clone),
        layout.annotation_source("image list", image_list, url, clone, layout.read_dict),
        layout.picture_source("pictures", root / top, site, ask, needed),
    ]

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

from functools import partial
from typing import TYPE_CHECKING

from isa_cli.errors import BenchmarkError
from isa_cli.evaluation.benchmark import Benchmark, Case, at, within
from isa_cli.evaluation.datasets import CIRR
from isa_cli.evaluation.datasets.layout import (
    Pictures,
    Source,
    Unusable,
    as_published,
    first_with,
    present,
    require_files,
    require_pictures,
)
from isa_cli.evaluation.datasets.records import entries, read_dict, read_list, read_records
from isa_cli.evaluation.metrics import recall_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.evaluation.datasets.records import Record

METRICS = {
    **{f"R@{k}": at(recall_at, k) for k in (1, 5, 10, 50)},
    **{f"R_subset@{k}": within(recall_at, k) for k in (1, 2, 3)},
}
DEPTH = 50
GROUP = 6


def cirr(root: Path, split: str = "val", *, annotations: Path | None = None) -> Benchmark:
    """Return CIRR as it lies below ``root``.

    Args:
        root: the folder with everything.
        split: ``val``, or ``test1`` without answers.
        annotations: the folder with ``captions`` and ``image_splits``, where it is another.

    Raises:
        UsageError: there is no such split.
        BenchmarkError: something is missing or not as it was published.
    """
    CIRR.expected(split)
    questions, image_list = _files(root, split, annotations)
    require_files([questions, image_list])
    pictures = Pictures(_pictures(root, image_list))
    cases = cases_of(questions, split, pictures.position)
    require_pictures(f"cirr {split}", pictures.paths)
    sizes = {"questions": len(cases), "pictures": len(pictures.names)}
    return Benchmark(
        name="cirr",
        split=split,
        images=pictures.paths,
        cases=cases,
        metrics={} if split in CIRR.hidden else METRICS,
        depth=DEPTH,
        keep_reference=False,
        names=pictures.names,
        protocol=as_published(CIRR, split, sizes),
    )


def cases_of(file: Path, split: str, position: Callable[[str | int], int]) -> list[Case]:
    """Return the questions of an annotation file; no picture is looked at.

    Args:
        file: ``cap.rc2.SPLIT.json``.
        split: whether there are answers to expect.
        position: of a picture by name, or ``Unusable``.

    Raises:
        BenchmarkError: the file can't be used.
    """
    return read_records(file, partial(_case, position, split in CIRR.hidden))


def _case(
    position: Callable[[str | int], int],
    hidden: bool,  # noqa: FBT001 - a fact, not a switch
    _index: int,
    record: Record,
) -> Case:
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


def _files(root: Path, split: str, annotations: Path | None) -> tuple[Path, Path]:
    """Return where the questions and the image list are."""
    questions, image_list = f"captions/cap.rc2.{split}.json", f"image_splits/split.rc2.{split}.json"
    folder = first_with([annotations] if annotations else [root / "cirr", root], questions)
    return folder / questions, folder / image_list


def _pictures(root: Path, image_list: Path) -> dict[str, Path]:
    """Return each picture's file, in the list's order."""
    places = read_dict(image_list)
    if any(type(place) is not str for place in places.values()):
        raise BenchmarkError(f"{image_list} names a picture without saying where it is")
    top = next(iter(places.values())).removeprefix("./").partition("/")[0]
    folder = first_with([root, root / "img_raw", root / "cirr" / "img_raw"], top)
    return {name: folder / place for name, place in places.items()}


def sources(root: Path, split: str, annotations: Path | None = None) -> list[Source]:
    """Return what has to be there, and how to get it."""
    questions, image_list = _files(root, split, annotations)
    folder, url = annotations or root / "cirr", "https://github.com/Cuberick-Orion/CIRR"
    clone = f"git clone -b cirr_dataset {url}.git '{folder}'"
    top = "dev" if split == "val" else split
    ask = f"unzip -q {top}_img.zip -d '{root}'"
    found = present(lambda: list(_pictures(root, image_list).values()), root / top)
    return [
        Source("questions", questions, url, clone, entries(questions, read_list)),
        Source("image list", image_list, url, clone, entries(image_list, read_dict)),
        Source("pictures", root / top, "https://lil.nlp.cornell.edu/nlvr/", ask, found),
    ]

"""GeneCIS (Vaze et al., CVPR 2023): four notions of similarity, a small gallery for each question.

::

    ROOT/genecis/focus_attribute.json  change_attribute.json  focus_object.json  change_object.json
                                             or ROOT/focus_attribute.json ...
    ROOT/val2017/000000121506.jpg            COCO 2017 validation: the object tasks
    ROOT/VG_100K_all/2366050.jpg             Visual Genome 1.2: the attribute tasks; or both of
                                             ROOT/VG_100K and ROOT/VG_100K_2

As in the official code: the condition alone is the modifier ('color', 'brick wall'); the gallery is
the target and 9 or 14 others, among which the reference stays if it is there (79 questions); a
picture that a gallery names twice counts twice.  Attribute tasks show crops, see ``crops``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.datasets import GENECIS
from isa_cli.evaluation.datasets.crops import Crop, cropped
from isa_cli.evaluation.datasets.layout import (
    Source,
    Unusable,
    as_published,
    first_with,
    listing,
    present,
    require_files,
    require_pictures,
)
from isa_cli.evaluation.datasets.records import entries, read_list, read_records
from isa_cli.evaluation.metrics import recall_at
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    from isa_cli.evaluation.datasets.records import Record
    from isa_cli.reporting import Reporter

    Picture: TypeAlias = "Crop | Path"

TASKS = ("focus_attribute", "change_attribute", "focus_object", "change_object")
METRICS = {f"R@{k}": at(recall_at, k) for k in (1, 2, 3)}
DEPTH = 3

_SILENT = Silent()


@dataclass(slots=True)
class _Gathered:
    """The pictures that questions name, in the order of their first mention.

    Attributes:
        coco, genome: where the two collections lie.
        positions: of each picture, and of how many times one gallery has named it before.
    """

    coco: Path
    genome: Sequence[Path]
    positions: dict[tuple[Picture, int], int] = field(default_factory=dict)
    _listed: list[frozenset[str]] = field(default_factory=list)

    def position(self, picture: Picture, copy: int = 0) -> int:
        return self.positions.setdefault((picture, copy), len(self.positions))

    def read(self, record: Record) -> Picture:
        """Return the picture that a part of a question names."""
        if "val_image_id" in record.fields:
            return self.coco / f"{record.get('val_image_id', int):012}.jpg"
        name = f"{record.get('image_id', str)}.jpg"
        box = record.get("instance_bbox", list)
        if len(box) != 4 or any(type(edge) not in (int, float) for edge in box):  # noqa: PLR2004
            raise Unusable(f"{record.inside}instance_bbox is not four numbers")
        return Crop(self._genome_folder(name) / name, tuple(map(float, box)))

    def _genome_folder(self, name: str) -> Path:
        if not self._listed:
            self._listed = [listing(folder) for folder in self.genome]
        for folder, names in zip(self.genome, self._listed, strict=True):
            if name in names:
                return folder
        return self.genome[0]

    def files(self) -> tuple[list[Path], list[Path]]:
        """Return the files of Visual Genome and of COCO that are needed, each once."""
        pictures = dict.fromkeys(picture for picture, _ in self.positions)
        genome = dict.fromkeys(each.source for each in pictures if isinstance(each, Crop))
        return list(genome), [each for each in pictures if not isinstance(each, Crop)]


def genecis(
    root: Path,
    split: str = "test",
    *,
    annotations: Path | None = None,
    reporter: Reporter = _SILENT,
) -> Benchmark:
    """Return GeneCIS as it lies below ``root``, its crops made.

    Args:
        root: the folder with everything.
        split: ``test``; there is no other.
        annotations: the folder with the four tasks, where it is another.
        reporter: shows how cropping gets on.

    Raises:
        UsageError: there is no such split.
        BenchmarkError: something is missing or not as it was published.
    """
    GENECIS.expected(split)
    files = _files(root, annotations)
    require_files(list(files.values()))
    gathered = _gathered(root)
    cases, sizes = [], {}
    for task, file in files.items():
        own = read_records(file, partial(_case, gathered, task))
        sizes[f"{task} questions"] = len(own)
        cases += own
    genome, coco = gathered.files()
    require_pictures("genecis", [*genome, *coco])
    sizes |= {"Visual Genome pictures": len(genome), "COCO pictures": len(coco)}
    pictures = [picture for picture, _ in gathered.positions]
    made = cropped([each for each in pictures if isinstance(each, Crop)], reporter)
    return Benchmark(
        name="genecis",
        split=split,
        images=[made[each] if isinstance(each, Crop) else each for each in pictures],
        cases=cases,
        metrics=METRICS,
        depth=DEPTH,
        keep_reference=True,
        groups=TASKS,
        macro=TASKS,
        protocol={"crops": "dilated by 0.7, padded"} | as_published(GENECIS, split, sizes),
    )


def _case(gathered: _Gathered, task: str, index: int, record: Record) -> Case:
    reference = gathered.position(gathered.read(record.part("reference")))
    shown = [gathered.read(part) for part in (record.part("target"), *record.parts("gallery"))]
    named: Counter[Picture] = Counter()
    gallery = []
    for picture in shown:
        gallery.append(gathered.position(picture, named[picture]))
        named[picture] += 1
    return Case(
        id=f"{task}-{index:04}",
        reference=reference,
        modifier=record.get("condition", str),
        targets=(gallery[0],),
        groups=(task,),
        gallery=np.array(sorted(gallery), np.int64),
    )


def _files(root: Path, annotations: Path | None) -> dict[str, Path]:
    folders = [annotations] if annotations else [root / "genecis", root]
    folder = first_with(folders, f"{TASKS[0]}.json")
    return {task: folder / f"{task}.json" for task in TASKS}


def _gathered(root: Path) -> _Gathered:
    genome = [root / name for name in ("VG_100K_all", "VG_100K", "VG_100K_2")]
    return _Gathered(root / "val2017", [each for each in genome if each.is_dir()] or genome[:1])


def sources(root: Path, split: str, annotations: Path | None = None) -> list[Source]:  # noqa: ARG001
    """Return what has to be there, and how to get it."""
    files, gathered = _files(root, annotations), _gathered(root)

    def needed() -> tuple[list[Path], list[Path]]:
        again = _gathered(root)
        for task, file in files.items():
            read_records(file, partial(_case, again, task))
        return again.files()

    url, site = "https://github.com/facebookresearch/genecis", "https://cocodataset.org"
    clone = f"git clone {url}.git '{annotations or root}'"
    coco = "http://images.cocodataset.org/zips/val2017.zip"
    part = "https://cs.stanford.edu/people/rak248/VG_100K_2/images"
    return [
        *(
            Source(f"{task} questions", file, url, clone, entries(file, read_list))
            for task, file in files.items()
        ),
        Source(
            "Visual Genome pictures",
            gathered.genome[0],
            "http://visualgenome.org/api/v0/api_home.html",
            f"curl -LO {part}.zip -LO {part}2.zip && "
            f"unzip -q images.zip -d '{root}' && unzip -q images2.zip -d '{root}'",
            present(lambda: needed()[0], gathered.genome[0]),
        ),
        Source(
            "COCO pictures",
            gathered.coco,
            site,
            f"curl -LO {coco} && unzip -q val2017.zip -d '{root}'",
            present(lambda: needed()[1], gathered.coco),
        ),
    ]

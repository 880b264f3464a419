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
from typing import TYPE_CHECKING

import numpy as np

from isa_cli.evaluation.benchmark import Case, at
from isa_cli.evaluation.datasets import GENECIS, layout
from isa_cli.evaluation.datasets.crops import Crop, cropped
from isa_cli.evaluation.datasets.rules import ScoringRules
from isa_cli.evaluation.metrics import recall_at
from isa_cli.triplets.annotations import Unusable, first_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.datasets.layout import LocalCopy
    from isa_cli.triplets.annotations import Record

    Picture: TypeAlias = "Crop | Path"

TASKS = ("focus_attribute", "change_attribute", "focus_object", "change_object")
RULES = ScoringRules(
    dataset=GENECIS,
    metrics={f"R@{k}": at(recall_at, k) for k in (1, 2, 3)},
    depth=3,
    keep_reference=True,
    groups=TASKS,
    macro=TASKS,
    protocol={"crops": "dilated by 0.7, padded"},
)


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
            self._listed = [layout.listing(folder) for folder in self.genome]
        for folder, names in zip(self.genome, self._listed, strict=True):
            if name in names:
                return folder
        return self.genome[0]

    def files(self) -> tuple[list[Path], list[Path]]:
        """Return the files of Visual Genome and of COCO that are needed, each once."""
        pictures = dict.fromkeys(picture for picture, _ in self.positions)
        genome = dict.fromkeys(each.source for each in pictures if isinstance(each, Crop))
        return list(genome), [each for each in pictures if not isinstance(each, Crop)]


def benchmark(copy: LocalCopy) -> Benchmark:
    """Return GeneCIS, its crops made; see ``loaders.load``."""
    files = _files(copy)
    layout.require_files(list(files.values()))
    gathered = _gathered(copy.root)
    cases: list[Case] = []
    sizes: dict[str, int] = {}
    for task, file in files.items():
        asked = layout.read_records(file, _case, gathered, task)
        sizes[f"{task} questions"] = len(asked)
        cases += asked
    genome, coco = gathered.files()
    layout.require_pictures("genecis", [*genome, *coco])
    sizes |= {"Visual Genome pictures": len(genome), "COCO pictures": len(coco)}
    pictures = [picture for picture, _ in gathered.positions]
    crops = [each for each in pictures if isinstance(each, Crop)]
    made = cropped(crops, copy.reporter)
    images = [made[each] if isinstance(each, Crop) else each for each in pictures]
    return RULES.benchmark(copy.split, images, cases, found=sizes)


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


def _files(copy: LocalCopy) -> dict[str, Path]:
    folders = [copy.annotations] if copy.annotations else [copy.root / "genecis", copy.root]
    folder = first_with(folders, f"{TASKS[0]}.json")
    return {task: folder / f"{task}.json" for task in TASKS}


def _gathered(root: Path) -> _Gathered:
    genome = [root / name for name in ("VG_100K_all", "VG_100K", "VG_100K_2")]
    return _Gathered(root / "val2017", [each for each in genome if each.is_dir()] or genome[:1])


def sources(copy: LocalCopy) -> list[layout.Source]:
    """Return the things that have to be there, and how to get them."""
    root, files, gathered = copy.root, _files(copy), _gathered(copy.root)

    def needed() -> tuple[list[Path], list[Path]]:
        again = _gathered(root)
        for task, file in files.items():
            layout.read_records(file, _case, again, task)
        return again.files()

    url, site = "https://github.com/facebookresearch/genecis", "https://cocodataset.org"
    clone = f"git clone {url}.git '{copy.annotations or root}'"
    coco = "http://images.cocodataset.org/zips/val2017.zip"
    part = "https://cs.stanford.edu/people/rak248/VG_100K_2/images"
    return [
        *(
            layout.annotation_source(f"{task} questions", file, url, clone)
            for task, file in files.items()
        ),
        layout.picture_source(
            "Visual Genome pictures",
            gathered.genome[0],
            "http://visualgenome.org/api/v0/api_home.html",
            f"curl -LO {part}.zip -LO {part}2.zip && "
            f"unzip -q images.zip -d '{root}' && unzip -q images2.zip -d '{root}'",
            lambda: needed()[0],
        ),
        layout.picture_source(
            "COCO pictures",
            gathered.coco,
            site,
            f"curl -LO {coco} && unzip -q val2017.zip -d '{root}'",
            lambda: needed()[1],
        ),
    ]

"""The training triplets of CIRR and FashionIQ, as they were published.

::

    ROOT/cirr/captions/cap.rc2.train.json          or ROOT/captions/...
    ROOT/cirr/image_splits/split.rc2.train.json    a picture's name and where it is
    ROOT/train/34/train-11041-2-img0.png           or ROOT/img_raw/... or ROOT/cirr/img_raw/...

    ROOT/captions/cap.dress.train.json             also shirt and toptee; at least one of them
    ROOT/images/B0084Y8XIU.jpg                     or .png

People wrote them, so what learns from them is supervised: afterwards the benchmark of the same
name no longer tells what is found without labels.  Pictures that could not be had are left out,
unlike in an evaluation, which would be another one then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import BenchmarkError
from isa_cli.reporting import Silent
from isa_cli.triplets.annotations import Unusable, first_with, read_json, read_records
from isa_cli.triplets.records import Triplet
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from isa_cli.reporting import Reporter
    from isa_cli.triplets.annotations import Record

CATEGORIES = ("dress", "shirt", "toptee")
STRIPPED = ".?, "
"""Taken off both ends of FashionIQ's captions, as the field does."""


def cirr(root: Path, reporter: Reporter | None = None) -> list[Triplet]:
    """Return CIRR's training triplets.

    Args:
        root: the folder with everything.
        reporter: told what is left out.

    Raises:
        BenchmarkError: the annotations or all pictures are missing, or not as they were published.
    """
    inside = "captions/cap.rc2.train.json"
    folder = first_with([root / "cirr", root], inside)
    places = read_json(folder / "image_splits" / "split.rc2.train.json", dict, _hint("CIRR"))
    top = first_with([root, root / "img_raw", root / "cirr" / "img_raw"], "train")

    def triplet(_: int, entry: Record) -> tuple[Path, str, Path]:
        names = entry.get("reference", str), entry.get("target_hard", str)
        lacking = [name for name in names if type(places.get(name)) is not str]
        if lacking:
            raise Unusable(f"the picture {lacking[0]!r} is not in the image list")
        reference, target = (top / places[name] for name in names)
        return reference, entry.get("caption", str), target

    entries = read_records(folder / inside, triplet, _hint("CIRR"))
    return _there(entries, "CIRR", reporter or Silent())


def fashioniq(root: Path, reporter: Reporter | None = None) -> list[Triplet]:
    """Return FashionIQ's training triplets, of all categories that are there.

    The two captions of a pair become one: "is longer and has no sleeves".

    Args:
        root: the folder with everything.
        reporter: told what is left out.

    Raises:
        BenchmarkError: the annotations or all pictures are missing, or not as they were published.
    """
    reporter = reporter or Silent()
    files = {name: root / "captions" / f"cap.{name}.train.json" for name in CATEGORIES}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing == list(files):
        raise BenchmarkError(f"there is no file {files['dress']}", _hint("FashionIQ"))
    if missing:
        lacking = printable(str(files[missing[0]]))
        reporter.warn(f"FashionIQ without {' and '.join(missing)}: no file {lacking}")
    images = root / "images"
    listed = {path.name for path in images.iterdir()} if images.is_dir() else set()

    def picture(entry: Record, name: str) -> Path:
        key = entry.get(name, str)
        return images / (f"{key}.png" if f"{key}.png" in listed else f"{key}.jpg")

    def triplet(_: int, entry: Record) -> tuple[Path, str, Path]:
        captions = entry.many("captions", str)
        words = " and ".join(filter(None, (each.strip(STRIPPED) for each in captions)))
        return picture(entry, "candidate"), words, picture(entry, "target")

    entries = [
        entry
        for name, file in files.items()
        if name not in missing
        for entry in read_records(file, triplet, _hint("FashionIQ"))
    ]
    return _there(entries, "FashionIQ", reporter)


def _there(
    entries: Iterable[tuple[Path, str, Path]], title: str, reporter: Reporter
) -> list[Triplet]:
    """Return the entries as triplets, less those that a file of triplets can't hold."""
    entries = list(entries)
    pictures = {path for reference, _, target in entries for path in (reference, target)}
    lacking = sorted(path for path in pictures if not path.is_file())
    if len(lacking) == len(pictures):
        raise BenchmarkError(f"{title} has none of its pictures: {lacking[0]}", _hint(title))
    gone = frozenset(lacking)
    usable = dict.fromkeys(
        (reference, " ".join(words.split()), target)
        for reference, words, target in entries
        if words.strip() and reference != target and not gone & {reference, target}
    )
    if len(usable) < len(entries):
        reporter.warn(
            f"{len(entries) - len(usable):,} of {title}'s {len(entries):,} training triplets are "
            f"left out: {len(lacking):,} pictures are not there, the others repeat or say nothing"
        )
    return [Triplet(line, *each) for line, each in enumerate(usable, 1)]


_URLS = {
    "CIRR": "https://github.com/Cuberick-Orion/CIRR",
    "FashionIQ": "https://github.com/XiaoxiaoGuo/fashion-iq",
}


def _hint(title: str) -> str:
    return f"its authors say how to get it: {_URLS[title]}"


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Triplets that others have published to learn from.

    Attributes:
        title: what their authors call them.
        read: returns them, given the folder with everything and who is told what is left out.
    """

    title: str
    read: Callable[[Path, Reporter | None], list[Triplet]]


TRAINING_SETS = {
    "cirr": TrainingSet("CIRR", cirr),
    "fashioniq": TrainingSet("FashionIQ", fashioniq),
}
"""By the option of ``isa triplets make`` that names their folder."""

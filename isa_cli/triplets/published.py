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

import json
from typing import TYPE_CHECKING, Any

from isa_cli.errors import BenchmarkError
from isa_cli.reporting import Silent
from isa_cli.triplets.records import NAMED, Triplet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from isa_cli.reporting import Reporter

CATEGORIES = ("dress", "shirt", "toptee")
STRIPPED = ".?, "
"""Taken off both ends of FashionIQ's captions, as the field does."""


class _Unusable(Exception):
    """Why an entry can't be used."""


def cirr(root: Path, reporter: Reporter | None = None) -> list[Triplet]:
    """Return CIRR's training triplets.

    Args:
        root: the folder with everything.
        reporter: told what is left out.

    Raises:
        BenchmarkError: the annotations or all pictures are missing, or not as they were published.
    """
    inside = "captions/cap.rc2.train.json"
    folder = _first_with([root / "cirr", root], inside)
    places = _read(folder / "image_splits" / "split.rc2.train.json", dict, "CIRR")
    top = _first_with([root, root / "img_raw", root / "cirr" / "img_raw"], "train")

    def triplet(entry: Mapping[str, Any]) -> tuple[Path, str, Path]:
        names = _text(entry, "reference"), _text(entry, "target_hard")
        lacking = [name for name in names if type(places.get(name)) is not str]
        if lacking:
            raise _Unusable(f"the picture {lacking[0]!r} is not in the image list")
        reference, target = (top / places[name] for name in names)
        return reference, _text(entry, "caption"), target

    return _there(_entries(folder / inside, "CIRR", triplet), "CIRR", reporter or Silent())


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
        reporter.warn(f"FashionIQ without {' and '.join(missing)}: no file {files[missing[0]]}")
    images = root / "images"
    listed = {path.name for path in images.iterdir()} if images.is_dir() else set()

    def picture(entry: Mapping[str, Any], name: str) -> Path:
        key = _text(entry, name)
        return images / (f"{key}.png" if f"{key}.png" in listed else f"{key}.jpg")

    def triplet(entry: Mapping[str, Any]) -> tuple[Path, str, Path]:
        captions = entry.get("captions")
        if not isinstance(captions, list) or not all(type(each) is str for each in captions):
            raise _Unusable("captions is no list of texts")
        words = " and ".join(filter(None, (each.strip(STRIPPED) for each in captions)))
        return picture(entry, "candidate"), words, picture(entry, "target")

    entries = [
        entry
        for name, file in files.items()
        if name not in missing
        for entry in _entries(file, "FashionIQ", triplet)
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


# --- annotation files ----------------------------------------------------------------------------


def _entries(
    file: Path, title: str, make: Callable[[Mapping[str, Any]], tuple[Path, str, Path]]
) -> list[tuple[Path, str, Path]]:
    """Return what each entry means, or name the first that mean nothing."""
    made, wrong = [], []
    entries = _read(file, list, title)
    for number, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise _Unusable("no object")
            made.append(make(entry))
        except _Unusable as error:
            wrong.append(f"record {number}: {error}")
    if wrong:
        more = f" and {len(wrong) - NAMED:,} more" if len(wrong) > NAMED else ""
        raise BenchmarkError(
            f"{len(wrong):,} of the {len(entries):,} records of {file} can't be used: "
            f"{'; '.join(wrong[:NAMED])}{more}",
            "records are counted from 0; fetch the file again",
        )
    return made


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        raise _Unusable(f"{name} is no text" if name in entry else f"no {name}")
    return value


def _read(file: Path, kind: type[Any], title: str) -> Any:
    """Return the list or the object that a JSON file holds."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkError(
            f"{file} can't be read: {error.strerror or error}", _hint(title)
        ) from error
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(f"{file} is not JSON: {error}", "fetch it again") from error
    if type(value) is not kind or not value:
        raise BenchmarkError(f"{file} holds no {kind.__name__} with anything in it", _hint(title))
    return value


def _first_with(folders: list[Path], inside: str) -> Path:
    return next((folder for folder in folders if (folder / inside).exists()), folders[0])


_URLS = {
    "CIRR": "https://github.com/Cuberick-Orion/CIRR",
    "FashionIQ": "https://github.com/XiaoxiaoGuo/fashion-iq",
}


def _hint(title: str) -> str:
    return f"its authors say how to get it: {_URLS[title]}"

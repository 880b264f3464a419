"""GeneCIS' crops as files, since vectors are made of files and kept by their bytes.

As in the official code: the box begins ``DILATION`` of its width further left and of its height
further up, but within the picture; from there it is ``1 + DILATION`` times as large, again within
the picture; so nothing is added on the right and below.  What comes out is put in the middle of a
black square.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from PIL import Image

from isa_cli.atomic import replacing
from isa_cli.config import cache_dir, usable_cores
from isa_cli.errors import BenchmarkError, ImageError, next_step
from isa_cli.evaluation.datasets.layout import listing
from isa_cli.images import open_image, read_file
from isa_cli.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from isa_cli.reporting import Reporter

DILATION = 0.7

RECIPE = 1
"""Counts the changes of what is done here: crops of an older one are made again."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a picture.

    Attributes:
        source: the picture's file.
        box: left, top, width and height in its pixels.
    """

    source: Path
    box: tuple[float, ...]


def crop(image: Image.Image, box: Sequence[float]) -> Image.Image:
    """Return a box of a picture, dilated and padded to a square.

    Args:
        image: RGB.
        box: left, top, width and height.

    Raises:
        ValueError: the box is empty, or outside the picture.
    """
    left, top = (max(0.0, box[axis] - DILATION * box[axis + 2]) for axis in (0, 1))
    right = min(image.width, left + (1 + DILATION) * box[2])
    bottom = min(image.height, top + (1 + DILATION) * box[3])
    part = image.crop((left, top, right, bottom))
    side = max(part.size)
    if not side:
        raise ValueError("the box is empty")
    square = Image.new(part.mode, (side, side))
    square.paste(part, ((side - part.width) // 2, (side - part.height) // 2))
    return square


def cropped(
    crops: Iterable[Crop], reporter: Reporter, folder: Path | None = None
) -> dict[Crop, Path]:
    """Return each crop's file; those that are there already are not made again.

    Args:
        crops: one may be named twice.
        reporter: shows progress.
        folder: for the files; ``None``: one in the cache.

    Raises:
        BenchmarkError: pictures can't be cropped, which it names, or nothing can be written.
    """
    folder = folder or cache_dir() / "genecis"
    by_source: dict[Path, list[Crop]] = {}
    for each in dict.fromkeys(crops):
        by_source.setdefault(each.source, []).append(each)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = {each: folder / name for each, name in _names(by_source).items()}
        there = listing(folder)
        missing = {
            source: absent
            for source, parts in by_source.items()
            if (absent := {part.box: made[part] for part in parts if made[part].name not in there})
        }
        _make(missing, reporter)
    except OSError as error:
        raise BenchmarkError(
            f"can't write crops to {folder}: {error.strerror or error}",
            next_step(error, "let XDG_CACHE_HOME name a folder of yours"),
        ) from error
    return made


def _names(by_source: Mapping[Path, Sequence[Crop]]) -> dict[Crop, str]:
    """Return names that change with the picture's file: its crops would be others too."""
    names = {}
    for source, parts in by_source.items():
        status = source.stat()
        for part in parts:
            key = repr((RECIPE, status.st_size, status.st_mtime_ns, part.box)).encode()
            names[part] = f"{source.stem}-{blake2b(key, digest_size=10).hexdigest()}.png"
    return names


def _make(missing: Mapping[Path, Mapping[tuple[float, ...], Path]], reporter: Reporter) -> None:
    """Crop on all cores; a picture is read once for all its crops."""
    if not missing:
        return
    failures = []
    pool = ThreadPoolExecutor(usable_cores())
    try:
        with reporter.progress("cropping", len(missing), "picture") as progress:
            for failure in pool.map(partial(_crop_one, missing), missing):
                failures += failure
                progress.advance()
    finally:
        pool.shutdown(cancel_futures=True)
    if failures:
        raise BenchmarkError(
            f"{len(failures):,} of {len(missing):,} pictures can't be cropped: "
            f"{enumerated(failures, '; ')}",
            "fetch them again; the others are done and will not be cropped again",
        )


def _crop_one(missing: Mapping[Path, Mapping[tuple[float, ...], Path]], source: Path) -> list[str]:
    """Write the crops of one picture, and return why that failed, if it did."""
    try:
        image, _ = open_image(read_file(source))
        for box, path in missing[source].items():
            with replacing(path) as part:
                crop(image, box).save(part, "PNG", compress_level=1)
    except ImageError as error:
        return [f"{source}: {error.reason}"]
    except ValueError:
        return [f"{source}: a box lies outside it, so it is another picture"]
    return []

"""Tables of captioned photos: CSV files as people and data sets write them."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.reporting import Silent
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from isa_cli.reporting import Reporter

IMAGE = re.compile(r"(image|img|photo|picture|file)?_?(file|path|name)?_?(name)?")
CAPTION = re.compile(r"(raw_)?(caption|text|sentence|comment|description)s?_?\d*")
SPLIT = "split"
SEPARATORS = ",\t|;"

NEEDED = "it needs a column image and one or more columns caption, caption2, ..."


@dataclass(frozen=True, slots=True)
class Captioned:
    """A photo and what people said of it.

    Attributes:
        path: of the photo, absolute.
        captions: at least one.
    """

    path: Path
    captions: tuple[str, ...]


def read_captions(
    file: Path, *, split: str | None = None, names: Collection[str] | None = None
) -> dict[str, list[str]]:
    """Return each photo's captions by the photo's name, in the file's order.

    A photo may have several rows, several columns of captions, or both.  Rows without a caption
    are passed over.

    Args:
        file: CSV, or with tabs, bars or semicolons in the commas' place; with the columns' names.
        split: only rows that have this in their column ``split``.
        names: only these photos, by their whole name or its last part.

    Raises:
        UsageError: it can't be read, lacks a column, or nothing is left of it.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            heading = stream.readline()
            separator = max(SEPARATORS, key=heading.count)
            columns = next(csv.reader([heading], delimiter=separator, skipinitialspace=True), [])
            rows = csv.reader(stream, delimiter=separator, skipinitialspace=True)
            found = _gathered(rows, _Columns(file, columns, split), split, names)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file} can't be read as CSV: {reason}", NEEDED) from error
    if not found:
        chosen = f" of the split {split!r}" if split else ""
        listed = " on the list" if names is not None else ""
        raise UsageError(f"{file} has no captions of a photo{chosen}{listed}", NEEDED)
    return found


class _Columns:
    """Where the columns are."""

    def __init__(self, file: Path, heading: Sequence[str], split: str | None) -> None:
        names = [re.sub(r"\W+", "_", name.strip().lower()) for name in heading]
        images = [at for at, name in enumerate(names) if name and IMAGE.fullmatch(name)]
        self.captions = [at for at, name in enumerate(names) if CAPTION.fullmatch(name)]
        if not images or not self.captions:
            missing = "the captions" if images else "the photos' names"
            raise UsageError(f"{file} has no column for {missing} in its first line", NEEDED)
        self.image = images[0]
        if split is not None and SPLIT not in names:
            raise UsageError(
                f"{file} has no column {SPLIT!r} in its first line", "leave --split out"
            )
        self.split = names.index(SPLIT) if split is not None else None


def _gathered(
    rows: Iterable[list[str]],
    columns: _Columns,
    split: str | None,
    names: Collection[str] | None,
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        cells = defaultdict(str, enumerate(cell.strip() for cell in row))
        name = cells[columns.image]
        if not name or (columns.split is not None and cells[columns.split] != split):
            continue
        if names is None or name in names or Path(name).name in names:
            said = [cells[at] for at in columns.captions if cells[at]]
            if said:
                found[name] += said
    return dict(found)


def read_list(file: Path) -> frozenset[str]:
    """Return the names in a file, one on each line.

    Raises:
        UsageError: it can't be read, or is empty.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines()
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}") from error
    names = frozenset(line.strip() for line in lines if line.strip())
    if not names:
        raise UsageError(f"{file} names no photo", "write one name on each line")
    return names


def captioned(
    captions: Mapping[str, Sequence[str]], folder: Path, reporter: Reporter | None = None
) -> list[Captioned]:
    """Return the photos that are there; of files with the same bytes only the first.

    Args:
        captions: by the photo's name, see ``read_captions``.
        folder: where relative names start.
        reporter: told how many photos are left out, and why.

    Raises:
        UsageError: none is there.
    """
    reporter = reporter or Silent()
    home = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay links
    named = [Captioned(home / name, tuple(said)) for name, said in captions.items()]
    there = [photo for photo in named if photo.path.is_file()]
    if not there:
        raise UsageError(
            f"none of the {len(named):,} photos is there: {named[0].path}",
            "--photos names the folder that the names start from",
        )
    if len(there) < len(named):
        lacking = next(photo.path for photo in named if not photo.path.is_file())
        reporter.warn(
            f"left out, since they are not there: {len(named) - len(there):,} of {len(named):,} "
            f"photos, the first {printable(str(lacking))}"
        )
    unique = _without_copies(there)
    if len(unique) < len(there):
        reporter.note(
            f"left out as copies of others: {len(there) - len(unique):,} of {len(there):,} photos"
        )
    return unique


def _without_copies(photos: Sequence[Captioned]) -> list[Captioned]:
    """Return the first photo of each content; those of a size of their own are not read."""
    sizes = defaultdict(list)
    for photo in photos:
        sizes[photo.path.stat().st_size].append(photo.path)
    shared = {path for paths in sizes.values() if len(paths) > 1 for path in paths}
    seen: set[bytes] = set()
    unique = []
    for photo in photos:
        if photo.path in shared:
            content = hashlib.blake2b(photo.path.read_bytes(), digest_size=16).digest()
            if content in seen:
                continue
            seen.add(content)
        unique.append(photo)
    return unique

"""Tables of captioned photos: CSV files as people and data sets write them."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.paths import Spelling, composed
from isa_cli.regular import read_bytes
from isa_cli.reporting import Silent
from isa_cli.triplets.sheets import MOST_BYTES, NotText, encoding_of, read_text, rows_of
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from isa_cli.reporting import Reporter

IMAGE = re.compile(r"(image|img|photo|picture|file)?_?(file|path|name)?_?(name)?")
CAPTION = re.compile(r"(raw_)?(caption|text|sentence|comment|description)s?_?\d*")
SPLIT = "split"

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
        rows = rows_of(read_text(file), _Columns.are_in, lenient=True)
    except (OSError, NotText) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file} can't be read as CSV: {why}", NEEDED) from error
    columns = _Columns(file, rows[0][1] if rows else [], split)
    found = _gathered((cells for _, cells in rows[1:]), columns, split, names)
    if not found:
        chosen = f" of the split {split!r}" if split else ""
        listed = " on the list" if names is not None else ""
        raise UsageError(f"{file} has no captions of a photo{chosen}{listed}", NEEDED)
    return found


class _Columns:
    """Where the columns are."""

    def __init__(self, file: Path, heading: Sequence[str], split: str | None) -> None:
        names, images, self.captions = self._found(heading)
        if not images or not self.captions:
            missing = "the captions" if images else "the photos' names"
            raise UsageError(f"{file} has no column for {missing} in its first line", NEEDED)
        self.image = images[0]
        if split is not None and SPLIT not in names:
            raise UsageError(
                f"{file} has no column {SPLIT!r} in its first line", "leave --split out"
            )
        self.split = names.index(SPLIT) if split is not None else None

    @staticmethod
    def _found(heading: Sequence[str]) -> tuple[list[str], list[int], list[int]]:
        """Return the names, and where the photos' names and the captions are."""
        names = [re.sub(r"\W+", "_", name.strip().lower()) for name in heading]
        images = [at for at, name in enumerate(names) if name and IMAGE.fullmatch(name)]
        captions = [at for at, name in enumerate(names) if CAPTION.fullmatch(name)]
        return names, images, captions

    @classmethod
    def are_in(cls, heading: Sequence[str]) -> bool:
        """Whether these cells name what is needed."""
        _, images, captions = cls._found(heading)
        return bool(images and captions)


def _gathered(
    rows: Iterable[list[str]],
    columns: _Columns,
    split: str | None,
    names: Collection[str] | None,
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    listed = None if names is None else frozenset(map(composed, names))
    for row in rows:
        cells = defaultdict(str, enumerate(row))
        name = cells[columns.image]
        if not name or (columns.split is not None and cells[columns.split] != split):
            continue
        if listed is None or not listed.isdisjoint((composed(name), composed(Path(name).name))):
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
        data = read_bytes(file, at_most=MOST_BYTES)
        encoding = encoding_of(data)
        # a name need not be text
        text = data.decode(encoding, "surrogateescape" if "utf-8" in encoding else "strict")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "save it as UTF-8"
        raise UsageError(f"{file} can't be read: {why}", "write one name on each line") from error
    names = frozenset(line.strip() for line in text.splitlines() if line.strip())
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
    spelling, there, lacking = Spelling(), [], []
    for name, said in captions.items():
        path = spelling.file(home / name)
        if path is None:
            lacking.append(home / name)
        else:
            there.append(Captioned(path, tuple(said)))
    if not there:
        raise UsageError(
            f"none of the {len(captions):,} photos is there: {lacking[0]}",
            "--photos names the folder that the names start from",
        )
    if lacking:
        reporter.warn(
            f"left out, since they are not there: {len(lacking):,} of {len(captions):,} "
            f"photos, the first {printable(str(lacking[0]))}"
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

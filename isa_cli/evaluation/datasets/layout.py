"""What the published benchmarks' folders share: files by name, each folder looked into once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from isa_cli.errors import BenchmarkError
from isa_cli.triplets.annotations import Unusable, read_json
from isa_cli.triplets.annotations import read_records as read_any_records
from isa_cli.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
    from pathlib import Path
    from typing import TypeAlias

    from isa_cli.reporting import Reporter

    Position: TypeAlias = Callable[[str | int], int]
    """Where a picture stands, by its name or its id; raises ``Unusable``."""

T = TypeVar("T")

HINT = "'isa eval BENCHMARK --root DIR --check' says what is missing, and how to get it"


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """One split of a data set as somebody has it on disk, or would have it.

    Attributes:
        root: the folder with everything.
        split: one of the data set's.
        annotations: where the annotations are; ``None``: below the root.
        reporter: shows what takes a while.
    """

    root: Path
    split: str
    annotations: Path | None
    reporter: Reporter


@dataclass(frozen=True, slots=True)
class Source:
    """Something that has to be fetched: an annotation file, or pictures.

    Attributes:
        what: what it is called, as in ``Dataset.splits``.
        where: the file or the folder that is looked for.
        url: where its authors say how to get it.
        command: a shell command that gets it.
        count: how many entries or pictures are there, and what is wrong with them or ''.
        optional: whether the benchmark can do without.
    """

    what: str
    where: Path
    url: str
    command: str
    count: Callable[[], tuple[int, str]]
    optional: bool = False


class PictureList:
    """A benchmark's pictures, each with its position.

    Attributes:
        names: what the annotations call them.
        paths: their files, parallel to ``names``.

    Args:
        paths: the files by name, in the benchmark's order.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.names = list(paths)
        self.paths = list(paths.values())
        self._positions = {name: position for position, name in enumerate(self.names)}

    def position(self, name: str | int) -> int:
        """Return where a picture stands.

        Raises:
            Unusable: the benchmark has no such picture.
        """
        try:
            return self._positions[str(name)]
        except KeyError:
            raise Unusable(f"the picture {name!r} is not in the gallery") from None


# --- files ---------------------------------------------------------------------------------------


def listing(folder: Path) -> frozenset[str]:
    """Return the names in a folder, from one look into it; none where it can't be looked into."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return frozenset()


def absent(paths: Iterable[Path]) -> list[Path]:
    """Return the paths that are not there, looking into each folder once.

    A hundred thousand questions to the file system would take a minute on a network's disk.
    """
    inside: dict[str, frozenset[str]] = {}
    missing = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in inside:
            inside[folder] = listing(path.parent)
        if name not in inside[folder]:
            missing.append(path)
    return missing


def require_files(paths: Sequence[Path]) -> None:
    """Refuse to begin where an annotation file is missing.

    Raises:
        BenchmarkError: names those that are missing.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise BenchmarkError(f"there is no file {enumerated(missing)}", HINT)


def require_pictures(name: str, paths: Sequence[Path]) -> None:
    """Refuse to begin where a picture is missing: the score would be another benchmark's.

    Raises:
        BenchmarkError: names the first, and says how many.
    """
    missing = absent(paths)
    if missing:
        raise BenchmarkError(
            f"{name} lacks {len(missing):,} of its {len(paths):,} pictures: {enumerated(missing)}",
            HINT,
        )


# --- annotations ---------------------------------------------------------------------------------


def read_list(file: Path) -> list[Any]:
    """Return the list that a JSON file holds; raises as ``read_json``."""
    return read_json(file, list, HINT)


def read_dict(file: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds; raises as ``read_json``."""
    return read_json(file, dict, HINT)


def read_records(file: Path, make: Callable[..., T], *known: object) -> list[T]:
    """Return the meaning of each entry of an annotation file, in its order.

    Args:
        file: a JSON list of objects.
        make: takes what is ``known``, an entry's index from 0, and the entry.
        known: what all entries are read with.

    Raises:
        BenchmarkError: the file can't be read, or some entries can't be used; names the first.
    """
    return read_any_records(file, partial(make, *known), HINT)


# --- what has to be fetched ----------------------------------------------------------------------


def annotation_source(
    what: str,
    file: Path,
    url: str,
    command: str,
    read: Callable[[Path], Sized] = read_list,
    *,
    optional: bool = False,
) -> Source:
    """Return an annotation file as a source.

    Args:
        what: what it is called, as of ``Source``.
        file: where it belongs.
        url: where its authors say how to get it.
        command: a shell command that gets it.
        read: returns its entries.
        optional: whether the benchmark can do without.
    """
    return Source(what, file, url, command, partial(_entries, file, read), optional)


def picture_source(
    what: str, folder: Path, url: str, command: str, needed: Callable[[], Sequence[Path]]
) -> Source:
    """Return a folder's pictures as a source.

    Args:
        what: what they are called, as of ``Source``.
        folder: where they lie.
        url: where their authors say how to get them.
        command: a shell command that gets them.
        needed: which they are; where that can't be told, the folder's files are counted.
    """
    return Source(what, folder, url, command, partial(_present, folder, needed))


def _entries(file: Path, read: Callable[[Path], Sized]) -> tuple[int, str]:
    """Return how many entries there are, or 0 and why."""
    if not file.is_file():
        return 0, "there is no such file"
    try:
        return len(read(file)), ""
    except BenchmarkError as error:
        return 0, error.message


def _present(folder: Path, needed: Callable[[], Sequence[Path]]) -> tuple[int, str]:
    """Return how many pictures are there, and which are not."""
    try:
        wanted = needed()
    except BenchmarkError:
        return len(listing(folder)), "which of them are needed, the annotations would say"
    missing = absent(wanted)
    names = enumerated([path.name for path in missing])
    return len(wanted) - len(missing), f"missing: {names}" if missing else ""

"""What the published benchmarks share: folders that are looked into once, and pictures by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from isa_cli.evaluation.datasets import Published

HINT = "'isa eval BENCHMARK --root DIR --check' says what is missing, and how to get it"

NAMED = 5
"""So many files are named in a message; of the others, how many there are."""


class Unusable(Exception):
    """Why one entry of an annotation file can't be used; see ``records.read_records``."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that has to be fetched: an annotation file, or pictures.

    Attributes:
        what: what it is called, as in ``Published.splits``.
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


class Pictures:
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


def first_with(folders: Sequence[Path], inside: str) -> Path:
    """Return the first of several folders that has something by this name; if none, the first."""
    return next((folder for folder in folders if (folder / inside).exists()), folders[0])


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


def enumerated(things: Sequence[object], separator: str = ", ") -> str:
    """Return the first few of the things, and how many more there are."""
    told = separator.join(map(str, things[:NAMED]))
    return f"{told} and {len(things) - NAMED:,} more" if len(things) > NAMED else told


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


def present(pictures: Callable[[], Sequence[Path]], folder: Path) -> Callable[[], tuple[int, str]]:
    """Return how a ``Source`` counts the pictures that it should have.

    Args:
        pictures: which they are; where that can't be told, the folder's files are counted.
        folder: where they lie.
    """

    def count() -> tuple[int, str]:
        try:
            wanted = pictures()
        except BenchmarkError:
            return len(listing(folder)), "which of them are needed, the annotations would say"
        missing = absent(wanted)
        names = enumerated([path.name for path in missing])
        return len(wanted) - len(missing), f"missing: {names}" if missing else ""

    return count


def as_published(published: Published, split: str, found: Mapping[str, int]) -> dict[str, str]:
    """Return a line for the protocol where the sizes are not the published ones, else nothing.

    Args:
        published: the benchmark.
        split: which of its splits.
        found: sizes by what ``Published.splits`` calls them.
    """
    expected = published.expected(split)
    other = [
        f"{size:,} of {expected[what]:,} {what}"
        for what, size in found.items()
        if size != expected[what]
    ]
    return {"not as published": ", ".join(other)} if other else {}

"""What of a published benchmark is on disk, what is missing, and how to get it.

Looks at files only: no model is loaded and no picture opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import PUBLISHED

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a benchmark needs.

    Attributes:
        what: what it is called.
        found, expected: how many entries or pictures of it are there, and were published.
        where: the file or the folder that was looked for.
        url: where its authors say how to get it.
        command: a shell command that gets it.
        problem: what is wrong, more closely; may be ''.
        optional: whether the benchmark can do without.
    """

    what: str
    found: int
    expected: int
    where: Path
    url: str
    command: str
    problem: str = ""
    optional: bool = False

    @property
    def ok(self) -> bool:
        """Whether all of it is there, as it was published, or it is not needed."""
        return self.found == self.expected or (self.optional and not self.found)


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one split of a benchmark."""

    name: str
    split: str
    root: Path
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether the benchmark can be run as it was published."""
        return all(row.ok for row in self.rows)

    @property
    def missing(self) -> tuple[Row, ...]:
        """What has to be fetched."""
        return tuple(row for row in self.rows if not row.ok)


def check(
    name: str, root: Path, split: str | None = None, *, annotations: Path | None = None
) -> Check:
    """Return what of a published benchmark lies below ``root``.

    Args:
        name: of the benchmark.
        root: the folder with everything.
        split: ``None``: the default one.
        annotations: the folder with the annotations, where it is another.

    Raises:
        UsageError: there is no such benchmark, or no such split.
    """
    if name not in PUBLISHED:
        raise UsageError(f"no published benchmark is called {name!r}", f"there are {_names()}")
    published = PUBLISHED[name]
    split = split or published.default
    expected = published.expected(split)
    rows = []
    for source in published.sources(root, split, annotations=annotations):
        found, problem = source.count()
        rows.append(
            Row(
                what=source.what,
                found=found,
                expected=expected[source.what],
                where=source.where,
                url=source.url,
                command=source.command,
                problem=problem,
                optional=source.optional,
            )
        )
    return Check(name, split, root, tuple(rows))


def _names() -> str:
    return ", ".join(PUBLISHED)

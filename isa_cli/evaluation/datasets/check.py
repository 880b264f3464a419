"""What of a published benchmark is on disk, what is missing, and how to get it.

Looks at files only: no model is loaded and no picture opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import DATASETS
from isa_cli.evaluation.datasets.loaders import sources

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Need:
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
    needs: tuple[Need, ...]

    @property
    def ok(self) -> bool:
        """Whether the benchmark can be run as it was published."""
        return all(need.ok for need in self.needs)

    @property
    def missing(self) -> tuple[Need, ...]:
        """What has to be fetched."""
        return tuple(need for need in self.needs if not need.ok)


def check(
    name: str, root: Path, split: str | None = None, *, annotations: Path | None = None
) -> Check:
    """Look below ``root`` for everything that a published benchmark needs.

    Args:
        name: of the benchmark.
        root: the folder with everything.
        split: ``None``: the default one.
        annotations: the folder with the annotations, where it is another.

    Raises:
        UsageError: there is no such benchmark, or no such split.
    """
    if name not in DATASETS:
        known = ", ".join(DATASETS)
        raise UsageError(f"no published benchmark is called {name!r}", f"there are {known}")
    dataset = DATASETS[name]
    split = split or dataset.default
    expected = dataset.expected(split)
    needs = []
    for source in sources(dataset, root, split, annotations=annotations):
        found, problem = source.count()
        needs.append(
            Need(
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
    return Check(name, split, root, tuple(needs))

"""The published benchmarks: what they are called, their splits and their sizes.

Standard library only, for ``--help``; what reads their files is in ``loaders``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A benchmark that others have published, with files of its own.

    Attributes:
        name: what ``isa eval`` calls it.
        title: what its authors call it.
        folder: what its folder is called by default.
        splits: how many entries and pictures each split has, by what ``isa eval --check`` calls
            them.
        default: the split that is meant where none is named.
        hidden: the splits whose answers only a server knows.
    """

    name: str
    title: str
    folder: str
    splits: Mapping[str, Mapping[str, int]]
    default: str
    hidden: frozenset[str] = frozenset()

    def expected(self, split: str) -> Mapping[str, int]:
        """Return a split's sizes as published.

        Raises:
            UsageError: there is no such split.
        """
        if split not in self.splits:
            raise UsageError(
                f"{self.name} has no split {split!r}", f"there are {', '.join(self.splits)}"
            )
        return self.splits[split]


CIRR = Dataset(
    name="cirr",
    title="CIRR (rc2)",
    folder="cirr",
    splits={
        "val": {"questions": 4_181, "image list": 2_297, "pictures": 2_297},
        "test1": {"questions": 4_148, "image list": 2_315, "pictures": 2_315},
    },
    default="val",
    hidden=frozenset({"test1"}),
)

CIRCO = Dataset(
    name="circo",
    title="CIRCO",
    folder="circo",
    splits={
        "val": {"questions": 220, "image list": 123_403, "pictures": 123_403},
        "test": {"questions": 800, "image list": 123_403, "pictures": 123_403},
    },
    default="val",
    hidden=frozenset({"test"}),
)

FASHIONIQ = Dataset(
    name="fashioniq",
    title="FashionIQ",
    folder="fashioniq",
    splits={
        "val": {
            "dress questions": 2_017,
            "dress image list": 3_817,
            "shirt questions": 2_038,
            "shirt image list": 6_346,
            "toptee questions": 1_961,
            "toptee image list": 5_373,
            "pictures": 15_415,  # 121 of them are in two lists
        },
    },
    default="val",
)

GENECIS = Dataset(
    name="genecis",
    title="GeneCIS",
    folder="genecis",
    splits={
        "test": {
            "focus_attribute questions": 2_000,
            "change_attribute questions": 2_112,
            "focus_object questions": 1_960,
            "change_object questions": 1_960,
            "Visual Genome pictures": 23_640,  # those that are asked about, of 108,249
            "COCO pictures": 3_033,  # of 5,000
        },
    },
    default="test",
)

DATASETS = {each.name: each for each in (CIRR, CIRCO, FASHIONIQ, GENECIS)}
"""By name, in the order of the help."""

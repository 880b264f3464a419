"""How a published benchmark judges answers: with these, questions and pictures are a benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isa_cli.evaluation.benchmark import Benchmark
from isa_cli.evaluation.datasets.layout import require_pictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Case, Metric
    from isa_cli.evaluation.datasets import Dataset
    from isa_cli.evaluation.datasets.layout import PictureList


@dataclass(frozen=True, kw_only=True)
class ScoringRules:
    """A published protocol; where a split's answers are hidden, nothing is judged.

    Attributes:
        dataset: whose.
        metrics, depth, keep_reference, groups, macro: as of ``Benchmark``.
        protocol: what is told of it besides.
    """

    dataset: Dataset
    metrics: Mapping[str, Metric]
    depth: int
    keep_reference: bool
    groups: tuple[str, ...] = ()
    macro: tuple[str, ...] = ()
    protocol: Mapping[str, str | int] = field(default_factory=dict)

    def over(
        self,
        pictures: PictureList,
        split: str,
        cases: Sequence[Case],
        found: Mapping[str, int],
    ) -> Benchmark:
        """Return the benchmark over pictures, all of which have to be there.

        Args:
            pictures: the gallery; submissions call them by their names.
            split: which of the dataset's.
            cases: its questions.
            found: sizes by what ``Dataset.splits`` calls them, besides that of the pictures.

        Raises:
            BenchmarkError: a picture is missing.
        """
        require_pictures(f"{self.dataset.name} {split}", pictures.paths)
        sizes = {**found, "pictures": len(pictures.names)}
        return self.benchmark(split, pictures.paths, cases, names=pictures.names, found=sizes)

    def benchmark(
        self,
        split: str,
        images: Sequence[Path],
        cases: Sequence[Case],
        *,
        names: Sequence[str] = (),
        found: Mapping[str, int] | None = None,
    ) -> Benchmark:
        """Return the benchmark over files of which nobody looks whether they are there.

        Args:
            split: which of the dataset's.
            images: what the cases point into.
            cases: its questions.
            names: what submissions call the images.
            found: as of ``over``; the protocol tells where they are not the published sizes.
        """
        hidden = split in self.dataset.hidden
        return Benchmark(
            name=self.dataset.name,
            split=split,
            images=images,
            cases=cases,
            metrics={} if hidden else self.metrics,
            depth=self.depth,
            keep_reference=self.keep_reference,
            groups=() if hidden else self.groups,
            macro=self.macro,
            names=names,
            protocol={**self.protocol, **self._differing(split, found or {})},
        )

    def _differing(self, split: str, found: Mapping[str, int]) -> dict[str, str]:
        """Return a line for the protocol where sizes are not the published ones, else nothing."""
        expected = self.dataset.expected(split)
        other = [
            f"{size:,} of {expected[what]:,} {what}"
            for what, size in found.items()
            if size != expected[what]
        ]
        return {"not as published": ", ".join(other)} if other else {}

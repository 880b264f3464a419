"""A published benchmark of which only the questions are at hand: for scoring somebody's answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.evaluation.benchmark import Benchmark
from isa_cli.evaluation.published import CIRCO, CIRR, circo, cirr

if TYPE_CHECKING:
    from isa_cli.evaluation.published import Published


def annotated(published: Published, file: Path, split: str | None = None) -> Benchmark:
    """Return a benchmark from its annotation file alone; its gallery is what the file names.

    Args:
        published: CIRR or CIRCO, for which there are files of answers.
        file: the annotations.
        split: of which; ``None``: the default one.

    Raises:
        UsageError: there are no files of answers for this benchmark, or the split's are hidden.
        BenchmarkError: the file can't be used.
    """
    split = split or published.default
    published.expected(split)
    if published not in (CIRR, CIRCO):
        raise UsageError(
            f"there is no format for predictions of {published.title}",
            f"there is for {CIRR.name} and {CIRCO.name}",
        )
    if split in published.hidden:
        raise UsageError(
            f"the answers of {published.name} {split} are hidden",
            "only its server can score predictions; name another --split",
        )
    module = cirr if published is CIRR else circo
    positions: dict[str, int] = {}

    def position(name: str | int) -> int:
        return positions.setdefault(str(name), len(positions))

    cases = module.cases_of(file, split, position)
    return Benchmark(
        name=published.name,
        split=split,
        images=[Path(name) for name in positions],
        cases=cases,
        metrics=module.METRICS,
        depth=module.DEPTH,
        keep_reference=published is CIRCO,
        groups=circo.ASPECTS if published is CIRCO else (),
        names=list(positions),
    )

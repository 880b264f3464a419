"""What reads each published benchmark: the table, and the three things that are asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import (
    CIRCO,
    CIRR,
    FASHIONIQ,
    GENECIS,
    circo,
    cirr,
    fashioniq,
    genecis,
)
from isa_cli.evaluation.datasets.layout import LocalCopy, read_records
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from isa_cli.evaluation.benchmark import Benchmark, Case
    from isa_cli.evaluation.datasets import Dataset
    from isa_cli.evaluation.datasets.layout import Source
    from isa_cli.evaluation.datasets.rules import ScoringRules
    from isa_cli.reporting import Reporter


@dataclass(frozen=True, slots=True)
class Loader:
    """What reads one published benchmark.

    Attributes:
        benchmark: its questions and pictures, as they lie there.
        sources: what has to lie there.
        rules, case: of a benchmark whose annotation file alone can score answers: how, and what
            an entry means, given where a picture stands and whether answers are hidden.
    """

    benchmark: Callable[[LocalCopy], Benchmark]
    sources: Callable[[LocalCopy], list[Source]]
    rules: ScoringRules | None = None
    case: Callable[..., Case] | None = None


LOADERS = {
    CIRR.name: Loader(cirr.benchmark, cirr.sources, cirr.RULES, cirr.case),
    CIRCO.name: Loader(circo.benchmark, circo.sources, circo.RULES, circo.case),
    FASHIONIQ.name: Loader(fashioniq.benchmark, fashioniq.sources),
    GENECIS.name: Loader(genecis.benchmark, genecis.sources),
}


def load(
    dataset: Dataset,
    root: Path,
    split: str | None = None,
    *,
    annotations: Path | None = None,
    reporter: Reporter | None = None,
) -> Benchmark:
    """Return a published benchmark as it lies below ``root``.

    Args:
        dataset: which.
        root: the folder with everything.
        split: ``None``: the default one.
        annotations: the folder with the annotations as they lie in the root, where that is
            another; of CIRCO and GeneCIS the one with their JSON files, of CIRCO also a file.
        reporter: shows progress where pictures have to be cropped.

    Raises:
        UsageError: there is no such split.
        BenchmarkError: something is missing or not as it was published.
    """
    copy = _copy(dataset, root, split, annotations, reporter or Silent())
    return LOADERS[dataset.name].benchmark(copy)


def sources(
    dataset: Dataset, root: Path, split: str | None = None, *, annotations: Path | None = None
) -> list[Source]:
    """Return the things that have to lie below ``root``, see ``check``.

    Raises:
        UsageError: there is no such split.
    """
    return LOADERS[dataset.name].sources(_copy(dataset, root, split, annotations, Silent()))


def _copy(
    dataset: Dataset, root: Path, split: str | None, annotations: Path | None, reporter: Reporter
) -> LocalCopy:
    split = split or dataset.default
    dataset.expected(split)
    return LocalCopy(root, split, annotations, reporter)


def annotated(dataset: Dataset, file: Path, split: str | None = None) -> Benchmark:
    """Return a benchmark from its annotation file alone; its gallery is what the file names.

    Args:
        dataset: CIRR or CIRCO, for which there are files of answers.
        file: the annotations.
        split: of which; ``None``: the default one.

    Raises:
        UsageError: there are no files of answers for this benchmark, or the split's are hidden.
        BenchmarkError: the file can't be used.
    """
    split = split or dataset.default
    dataset.expected(split)
    loader = LOADERS[dataset.name]
    if loader.rules is None or loader.case is None:
        known = [name for name, each in LOADERS.items() if each.case]
        raise UsageError(
            f"there is no format for predictions of {dataset.title}",
            f"there is for {' and '.join(known)}",
        )
    if split in dataset.hidden:
        raise UsageError(
            f"the answers of {dataset.name} {split} are hidden",
            "only its server can score predictions; name another --split",
        )
    positions: dict[str, int] = {}

    def position(name: str | int) -> int:
        return positions.setdefault(str(name), len(positions))

    cases = read_records(file, loader.case, position, False)  # noqa: FBT003 - nothing is hidden
    images = [Path(name) for name in positions]
    return loader.rules.benchmark(split, images, cases, names=list(positions))

"""What ``isa eval tune`` measures: the benchmark, the methods and where the choice may be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.cli.eval.config import config_for, named_query_model, served_by
from isa_cli.cli.eval.datasets import root_of
from isa_cli.cli.eval.user_csv import questions
from isa_cli.cli.eval.wardrobe import rendered
from isa_cli.config import DEFAULT_MODEL
from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import DATASETS
from isa_cli.evaluation.names import (
    BENCHMARKS,
    CAPTIONS,
    CSV,
    SEED,
    TEST_SPLITS,
    TUNING_SEED,
    WARDROBE,
    WARDROBE_MODEL,
)
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.cli.eval.flags import TuneFlags
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.config import EvalConfig
    from isa_cli.evaluation.datasets import Dataset
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors


@dataclass(frozen=True, slots=True)
class TuneRequest:
    """What to measure, and where the choice may be kept.

    Attributes:
        make: the benchmark.
        config: the model and the methods to choose from.
        gallery: a gallery's folder, if one was named.
        stored: vectors of the benchmark's first images, where they are known.
    """

    make: Callable[[Reporter], Benchmark]
    config: EvalConfig
    gallery: Path | None
    stored: Vectors | None = None


def request_of(benchmark: str, file: str | None, flags: TuneFlags) -> TuneRequest:
    """Return the request of a command line.

    Args:
        benchmark: a benchmark's name, ``csv``, or a CSV file's.
        file: a CSV file's name beside ``csv``.
        flags: where its data lies, which model, and the methods to choose from.

    Raises:
        UsageError: there is no such benchmark or file, or results are stated on it.
    """
    csv = _csv_file(benchmark, file)
    if csv is not None:
        asked = questions(csv, flags.gallery, _narrowed(flags))
        made, stored = asked.benchmark, asked.photos.vectors
        return TuneRequest(lambda _: made, asked.config, asked.gallery, stored)
    _refuse_tests(benchmark, flags.split, flags.seed)
    if benchmark == WARDROBE:
        return _of_wardrobe(flags)
    return _of_dataset(DATASETS[benchmark], flags)


def _csv_file(benchmark: str, file: str | None) -> str | None:
    """Return the file of a user's questions, named in either form, if one is."""
    if benchmark == CSV:
        if file is None:
            raise UsageError("no file of questions is named", "isa eval tune csv FILE.csv")
        return file
    if file is not None:
        raise UsageError(
            f"{wording.printable(benchmark)} takes no file, unlike {CSV}",
            "isa eval tune csv FILE.csv, or isa eval tune BENCHMARK",
        )
    return benchmark if benchmark.lower().endswith(f".{CSV}") else None


def _refuse_tests(name: str, split: str | None, seed: int) -> None:
    """Refuse what results are stated on."""
    if name == CAPTIONS:
        raise UsageError(f"{CAPTIONS} asks with words alone: there is nothing to choose")
    if name not in BENCHMARKS:
        known = ", ".join((*DATASETS, WARDROBE))
        raise UsageError(
            f"no benchmark is called {wording.printable(name)!r}",
            f"there are {known}, and your own: FILE.csv",
        )
    if name == WARDROBE:
        if seed == SEED:
            raise UsageError(
                f"the wardrobe of --seed {SEED} is the one that results are stated on",
                f"choose on another, such as --seed {TUNING_SEED}",
            )
        return
    chosen = split or DATASETS[name].default
    if chosen in TEST_SPLITS:
        raise UsageError(
            f"{name} {chosen} is a test split: results are stated on it, nothing is chosen by it",
            "choose on a validation split, such as --split val of cirr or circo",
        )


def _of_wardrobe(flags: TuneFlags) -> TuneRequest:
    config = config_for(WARDROBE, _narrowed(flags), WARDROBE_MODEL)
    make = rendered(WARDROBE, flags.seed, flags.count, None)
    return TuneRequest(make, config, _gallery(flags.gallery, config.model))


def _of_dataset(dataset: Dataset, flags: TuneFlags) -> TuneRequest:
    from isa_cli.evaluation.datasets.loaders import load

    dataset.expected(flags.split or dataset.default)  # a typing error
    config = config_for(dataset.name, _narrowed(flags), DEFAULT_MODEL)
    root, reporter = root_of(dataset, flags.root), console.ConsoleReporter(quiet=flags.quiet)
    ready = load(dataset, root, flags.split, reporter=reporter)
    return TuneRequest(lambda _: ready, config, _gallery(flags.gallery, config.model))


def _narrowed(flags: TuneFlags) -> TuneFlags:
    """Return the same for a query model's methods alone, where one was named and no method."""
    if flags.query_model is None or flags.method is not None:
        return flags
    return replace(flags, method=",".join(served_by(named_query_model(flags))))


def _gallery(name: str | None, model: str) -> Path | None:
    """Return the gallery that is to keep the choice, once it is known to be of the same model."""
    if name is None:
        return None
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.gallery.gallery import Gallery

    folder = absolute(name)
    with Gallery.open(folder) as gallery:
        gallery.expect(Foundation(model).space)
    return folder

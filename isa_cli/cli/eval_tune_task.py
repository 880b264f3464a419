"""What ``isa eval tune`` measures: the benchmark, the methods and where the choice may be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.cli.eval_published import root_of
from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import PUBLISHED
from isa_cli.evaluation.plan import (
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

    from isa_cli.cli.eval_options import Asking
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.datasets import Published
    from isa_cli.evaluation.plan import EvalPlan
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are, as they were named."""

    root: str | None
    split: str | None
    gallery: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """What to measure, and where the choice may be kept.

    Attributes:
        make: the benchmark.
        plan: the model and the methods.
        gallery: a gallery's folder, if one was named.
        stored: vectors of the benchmark's first images, where they are known.
    """

    make: Callable[[Reporter], Benchmark]
    plan: EvalPlan
    gallery: Path | None
    stored: Vectors | None = None


def task_of(
    benchmark: str,
    file: str | None,
    places: Places,
    wardrobe: tuple[int, int | None],
    asking: Asking,
    *,
    quiet: bool,
) -> Task:
    """Return what to measure.

    Args:
        benchmark: a benchmark's name, ``csv``, or a CSV file's.
        file: a CSV file's name beside ``csv``.
        places: where its data lies.
        wardrobe: seed and number of questions of that benchmark.
        asking: which model, and the methods to choose from.
        quiet: show no progress.

    Raises:
        UsageError: there is no such benchmark or file, or results are stated on it.
    """
    own_file = _own_file(benchmark, file)
    if own_file is not None:
        return _own(own_file, places, asking)
    seed, count = wardrobe
    _refuse_tests(benchmark, places.split, seed)
    if benchmark == WARDROBE:
        return _wardrobe(places, seed, count, asking)
    return _published(PUBLISHED[benchmark], places, asking, quiet=quiet)


def _own_file(benchmark: str, file: str | None) -> str | None:
    """Return the file of a person's own questions, named in either form, if one is."""
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
        known = ", ".join((*PUBLISHED, WARDROBE))
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
    chosen = split or PUBLISHED[name].default
    if chosen in TEST_SPLITS:
        raise UsageError(
            f"{name} {chosen} is a test split: results are stated on it, nothing is chosen by it",
            "choose on a validation split, such as --split val of cirr or circo",
        )


def _own(name: str, places: Places, asking: Asking) -> Task:
    from isa_cli.cli import eval_own, eval_run

    asked = eval_own.questions(name, places.gallery, asking)
    plan = eval_run.plan_for(name, _narrowed(asking), asked.settings, asked.model, asked.learned)
    return Task(lambda _: asked.benchmark, plan, asked.gallery, asked.photos.vectors)


def _wardrobe(places: Places, seed: int, count: int | None, asking: Asking) -> Task:
    from isa_cli.cli import eval_run
    from isa_cli.cli.eval_wardrobe import rendered

    settings = eval_run.settings_for(asking)
    learned = eval_run.query_model(asking)
    model = eval_run.model_for(asking, settings, learned, WARDROBE_MODEL)
    learned = learned or eval_run.bundled_for(model)
    plan = eval_run.plan_for(WARDROBE, _narrowed(asking), settings, model, learned)
    return Task(rendered(WARDROBE, seed, count, None), plan, _gallery(places.gallery, model))


def _published(benchmark: Published, places: Places, asking: Asking, *, quiet: bool) -> Task:
    from isa_cli.cli import eval_run
    from isa_cli.config import DEFAULT_MODEL

    benchmark.expected(places.split or benchmark.default)  # a typing error
    settings = eval_run.settings_for(asking)
    learned = eval_run.query_model(asking)
    model = eval_run.model_for(asking, settings, learned, DEFAULT_MODEL)
    learned = learned or eval_run.bundled_for(model)
    plan = eval_run.plan_for(benchmark.name, _narrowed(asking), settings, model, learned)
    root, reporter = root_of(benchmark, places.root), console.ConsoleReporter(quiet=quiet)
    ready = benchmark.load(root, places.split, reporter=reporter)
    return Task(lambda _: ready, plan, _gallery(places.gallery, model))


def _narrowed(asking: Asking) -> Asking:
    """Return the same for a query model's own methods alone, where one was named and no method."""
    if asking.query_model is None or asking.method is not None:
        return asking
    from isa_cli.cli import eval_run

    served = eval_run.served_by(eval_run.query_model(asking))
    return replace(asking, method=",".join(served))


def _gallery(name: str | None, model: str) -> Path | None:
    """Return the gallery that is to keep the choice, once it is known to be of the same model."""
    if name is None:
        return None
    from isa_cli.encoders import locate
    from isa_cli.gallery.gallery import Gallery

    folder = absolute(name)
    with Gallery.open(folder) as gallery:
        gallery.expect(locate(model).space)
    return folder

"""``isa eval tune``: the composer, the weight and the text, chosen where no result is stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.cli import eval_options as own
from isa_cli.cli.eval_options import Asking
from isa_cli.cli.eval_published import root_of
from isa_cli.cli.eval_tune_report import show
from isa_cli.cli.paths import absolute
from isa_cli.errors import UsageError
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
from isa_cli.evaluation.published import PUBLISHED
from isa_cli.query.names import LEARNED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.plan import Plan
    from isa_cli.evaluation.published import Published
    from isa_cli.evaluation.tune import Tuned
    from isa_cli.types import Reporter, Vectors


def tune(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", hidden=True)],
    file: Annotated[str | None, typer.Argument(metavar="FILE", hidden=True)] = None,
    root: own.RootOption = None,
    split: own.SplitOption = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="What decides (default: the first)."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Of the wardrobe; never 7.")
    ] = TUNING_SEED,
    count: Annotated[
        int | None, typer.Option("--count", min=1, metavar="N", help="Questions of the wardrobe.")
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            help="The gallery that keeps the choice (or a CSV's photos).",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Store nothing; only say what is best.")
    ] = False,
    method: own.MethodOption = None,
    query_model: own.QueryModelOption = None,
    as_json: options.JsonOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Choose method, weight and text on a validation split; test splits are refused.

    \b
      isa eval tune circo --query-model query.safetensors
      isa eval tune my.csv --gallery ~/gallery

    What is best for a query model is written into its file; what else is best, into the settings
    of the gallery.
    """  # noqa: D301 - typer's mark for lines to keep
    asking = Asking(method, None, query_model, model, device, precision)
    places = _Places(root, split, gallery)
    own_file = _own_file(benchmark, file)
    if own_file is not None:
        task = _own(own_file, places, asking)
    else:
        task = _task(benchmark, places, seed, count, asking, quiet=quiet)

    from isa_cli.evaluation.tune import tune as choose

    reporter = console.ConsoleReporter(quiet=quiet)
    tuned = choose(
        lambda: task.make(reporter), task.plan, reporter, metric=metric, stored=task.stored
    )
    place = None if dry_run else _place(tuned, task)
    if place is not None:
        _keep(tuned, task, place)
    show(tuned, place, as_json=as_json)
    return 0


# --- what is tuned -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things are, as they were named."""

    root: str | None
    split: str | None
    gallery: str | None


@dataclass(frozen=True, slots=True)
class _Task:
    """What to measure, and where the choice may be kept.

    Attributes:
        make: the benchmark.
        plan: the model and the methods.
        gallery: a gallery's folder, if one was named.
        stored: vectors of the benchmark's first images, where they are known.
    """

    make: Callable[[Reporter], Benchmark]
    plan: Plan
    gallery: Path | None
    stored: Vectors | None = None


def _own_file(benchmark: str, file: str | None) -> str | None:
    """Return the file of a person's own questions, named in either form, if one is."""
    if benchmark == CSV:
        if file is None:
            raise UsageError("no file of questions is named", "isa eval tune csv FILE.csv")
        return file
    if file is not None:
        raise UsageError(
            f"{console.printable(benchmark)} takes no file, unlike {CSV}",
            "isa eval tune csv FILE.csv, or isa eval tune BENCHMARK",
        )
    return benchmark if benchmark.lower().endswith(f".{CSV}") else None


def _task(
    name: str, places: _Places, seed: int, count: int | None, asking: Asking, *, quiet: bool
) -> _Task:
    _refuse_tests(name, places.split, seed)
    if name == WARDROBE:
        return _wardrobe(places, seed, count, asking)
    return _published(PUBLISHED[name], places, asking, quiet=quiet)


def _refuse_tests(name: str, split: str | None, seed: int) -> None:
    """Refuse what results are stated on."""
    if name == CAPTIONS:
        raise UsageError(f"{CAPTIONS} asks with words alone: there is nothing to choose")
    if name not in BENCHMARKS:
        known = ", ".join((*PUBLISHED, WARDROBE))
        raise UsageError(
            f"no benchmark is called {console.printable(name)!r}",
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


def _own(name: str, places: _Places, asking: Asking) -> _Task:
    from isa_cli.cli import eval_own, eval_run

    asked = eval_own.questions(name, places.gallery, asking)
    plan = eval_run.plan_for(name, _narrowed(asking), asked.settings, asked.model, asked.learned)
    return _Task(lambda _: asked.benchmark, plan, asked.gallery, asked.photos.vectors)


def _wardrobe(places: _Places, seed: int, count: int | None, asking: Asking) -> _Task:
    from isa_cli.cli import eval_run
    from isa_cli.cli.eval_wardrobe import rendered

    settings = eval_run.settings_for(asking)
    learned = eval_run.query_model(asking)
    model = eval_run.model_for(asking, settings, learned, WARDROBE_MODEL)
    learned = learned or eval_run.bundled_for(model)
    plan = eval_run.plan_for(WARDROBE, _narrowed(asking), settings, model, learned)
    return _Task(rendered(WARDROBE, seed, count, None), plan, _gallery(places.gallery, model))


def _published(benchmark: Published, places: _Places, asking: Asking, *, quiet: bool) -> _Task:
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
    return _Task(lambda _: ready, plan, _gallery(places.gallery, model))


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
    from isa_cli.backbones import locate
    from isa_cli.gallery.gallery import Gallery

    folder = absolute(name)
    with Gallery.open(folder) as gallery:
        gallery.expect(locate(model).space)
    return folder


# --- what comes of it ----------------------------------------------------------------------------


def _place(tuned: Tuned, task: _Task) -> Path | None:
    """Return where the choice is kept: a query model's file, or a gallery's folder.

    The query model that comes with isa stays as it is; a gallery gets a copy of its own.
    """
    from isa_cli.query.files import BUNDLED_QUERY, QUERY_MODEL

    if tuned.choice.method not in LEARNED:
        return task.gallery
    if task.plan.learned != BUNDLED_QUERY:
        return task.plan.learned
    return task.gallery / QUERY_MODEL if task.gallery else None


def _keep(tuned: Tuned, task: _Task, place: Path) -> None:
    from isa_cli.evaluation.tuned import keep_in_gallery, keep_in_query_model
    from isa_cli.gallery.gallery import Gallery

    if tuned.choice.method in LEARNED:
        keep_in_query_model(place, tuned.choice, tuned.template, task.plan.learned)
        return
    with Gallery.open(place, writable=True) as gallery:
        keep_in_gallery(gallery.catalog, tuned.choice)

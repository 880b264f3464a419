"""Which composer, weight and text answer best, decided on questions that no result is stated on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from isa_cli.errors import ModelError, UsageError, brief
from isa_cli.evaluation.measure import Bench
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import run
from isa_cli.query.header import read_header
from isa_cli.query.methods import DEFAULT_ALPHA, LEARNED
from isa_cli.query.prompt import Template
from isa_cli.query.tuned import TUNED, Choice, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.config import EvalConfig
    from isa_cli.gallery.catalog import Catalog
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors

ALPHAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Weights of the words that are tried."""

BLENDS = (0.9, 0.8, 0.7, 0.6, 0.5)
"""Weights of the learned vector that are tried besides 1, with the best text."""

TEXTS = (
    "a photo of {sentence}, {modifier}",
    "a photo of {sentence} that {modifier}",
    "a photo of {sentence} but {modifier}",
    "a photo of {sentence} with {modifier}",
    "{sentence}, {modifier}",
    "a photo of {sentence}. {modifier}",
)
"""Texts around a sentence that are tried besides the query model's own (ours)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate and how it did.

    Attributes:
        method: the composer.
        alpha: its weight; ``None`` where it does not weigh.
        template: what it read; ``None`` where it reads the words alone.
        value: the deciding metric.
        interval: of that value.
    """

    method: str
    alpha: float | None
    template: Template | None
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a validation split says.

    Attributes:
        choice: the best of the trials; of equal ones the first, defaults being tried first.
        template: what it reads, where it is a learned one.
        trials: all of them, in the order in which they were tried.
        protocol: what they were made with.
    """

    choice: Choice
    template: Template | None
    trials: Sequence[Trial]
    protocol: dict[str, Any]


def tune(
    make_benchmark: Callable[[], Benchmark],
    config: EvalConfig,
    reporter: Reporter,
    *,
    metric: str | None = None,
    stored: Vectors | None = None,
) -> Tuned:
    """Return the best of a fixed grid, by one metric of a validation split.

    Args:
        make_benchmark: see ``measure.evaluate``.
        config: with the methods to choose from.
        reporter: shows progress.
        metric: that decides; ``None``: the benchmark's first.
        stored: see ``measure.evaluate``.

    Raises:
        UsageError: the answers are hidden, or there is no such metric.
    """
    bench = Bench(make_benchmark, config, reporter, stored)
    decisive = _metric(bench.benchmark, metric)
    trials: list[Trial] = []
    for method in config.methods:
        if method in LEARNED:
            trials += _learned(bench, method, decisive, reporter)
        else:
            trials += _tried(
                bench, [(method, a, None) for a in _alphas(method)], decisive, reporter
            )
    best = max(trials, key=lambda trial: trial.value)
    choice = Choice(
        method=best.method,
        alpha=best.alpha,
        benchmark=bench.benchmark.name,
        split=bench.benchmark.split,
        metric=decisive,
        value=best.value,
        cases=len(bench.benchmark.cases),
    )
    return Tuned(choice, best.template, trials, _facts(bench))


def _metric(benchmark: Benchmark, asked: str | None) -> str:
    if not benchmark.metrics:
        raise UsageError(
            f"the answers of {benchmark.name} {benchmark.split} are hidden",
            "tune on a split whose answers are known",
        )
    if asked is not None and asked not in benchmark.metrics:
        raise UsageError(
            f"{benchmark.name} has no metric {asked!r}", f"there are {', '.join(benchmark.metrics)}"
        )
    return asked or next(iter(benchmark.metrics))


def _alphas(method: str) -> tuple[float | None, ...]:
    """Return the weights to try, the default first; one that does not weigh is tried as it is."""
    if method not in DEFAULT_ALPHA:
        return (None,)
    usual = DEFAULT_ALPHA[method]
    return (usual, *(alpha for alpha in ALPHAS if alpha != usual))


def _learned(bench: Bench, method: str, metric: str, reporter: Reporter) -> list[Trial]:
    """Return the trials of a learned composer: every text alone, then the best of them blended.

    Adapters and injection were trained with one text, and all methods of a file share it: it stays.
    """
    assert bench.model is not None  # or the config would have refused the method
    header = bench.model.header
    trained = Template.from_dict(header.template)
    others = () if header.adapters or header.injection else TEXTS
    texts = dict.fromkeys((trained.modified, *others))
    alone = [(method, 1.0, Template(trained.plain, text)) for text in texts]
    trials = _tried(bench, alone, metric, reporter)
    best = max(trials, key=lambda trial: trial.value).template
    blended = [(method, alpha, best) for alpha in BLENDS]
    return trials + _tried(bench, blended, metric, reporter)


def _tried(
    bench: Bench,
    candidates: Sequence[tuple[str, float | None, Template | None]],
    metric: str,
    reporter: Reporter,
) -> list[Trial]:
    composers = [bench.composer(*candidate) for candidate in candidates]
    results = run(bench.benchmark, bench.vectors, composers, reporter)
    told = document(bench.benchmark, results, {})["results"]
    return [
        Trial(*candidate, one["metrics"][metric], tuple(one["intervals"][metric]))
        for candidate, one in zip(candidates, told, strict=True)
    ]


def _facts(bench: Bench) -> dict[str, Any]:
    """Return the protocol without what was being varied."""
    varied = {"alpha", "template"}
    whole = document(bench.benchmark, [], bench.protocol())["protocol"]
    return {name: value for name, value in whole.items() if name not in varied}


# --- where the choice is kept --------------------------------------------------------------------


def keep_in_gallery(catalog: Catalog, choice: Choice) -> None:
    """Write a choice into a gallery's settings; the catalogue is open for writing."""
    catalog.metadata.set_setting(TUNED, choice.to_json())


def keep_in_query_model(
    path: Path, choice: Choice, template: Template | None, source: Path | None = None
) -> None:
    """Write a choice into a query model's header; its weights stay, bit for bit.

    Args:
        path: of the query model, replaced in one step.
        choice: goes into the training record.
        template: what it reads from now on; ``None``: what it read before.
        source: the query model as it was, where that is another file, which stays as it is.

    Raises:
        ModelError: the file can't be read or written.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - torch
    from safetensors.torch import load_file  # noqa: PLC0415

    from isa_cli.query.checkpoint import write  # noqa: PLC0415

    source = source or path
    header = read_header(source)
    new = replace(
        header,
        template=header.template if template is None else template.as_dict(),
        training=kept(header.training, choice),
    )
    try:
        tensors = load_file(source)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"the query model {source} can't be read: {brief(error)}") from error
    write(path, new, tensors)

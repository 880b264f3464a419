"""The whole of ``isa eval`` below the command line: a benchmark and a plan in, a document out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli import __version__
from isa_cli.backbones import load_backbone, locate
from isa_cli.backbones.devices import choose_place
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import run
from isa_cli.evaluation.vectors import cache_folder, vectors_of
from isa_cli.query.composers import Calibration, TrainingFree
from isa_cli.query.names import DEFAULT_ALPHA
from isa_cli.query.remembered import Remembered
from isa_cli.search import CALIBRATION_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isa_cli.backbones import ModelFiles
    from isa_cli.backbones.devices import Place
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.plan import Plan
    from isa_cli.gallery.encoder import BackboneEncoder
    from isa_cli.types import Reporter, TextEncoder, Vectors


def measure(
    make_benchmark: Callable[[], Benchmark], plan: Plan, reporter: Reporter
) -> dict[str, Any]:
    """Return the document of ``report.document`` for one benchmark and one model.

    Args:
        make_benchmark: renders or reads it; called once the plan and the model are known to be
            usable, for that may take a while.
        plan: what to run it with.
        reporter: shows progress.

    Raises:
        UsageError: the plan asks for something impossible.
        ImageError: a picture can't be used.
        ModelError: the model can't be had or used.
    """
    plan.check()
    place = choose_place(plan.device, plan.precision)
    files = locate(plan.model, reporter)
    benchmark = make_benchmark()
    vectors = _embedded(benchmark, files, plan, place, reporter)
    text = _text_encoder(files, plan, reporter)
    composers = composers_for(plan.methods, text, vectors, plan.alpha)
    results = run(benchmark, vectors, composers, reporter)
    return document(benchmark, results, _protocol(files, place, composers))


def composers_for(
    methods: Sequence[str], text: TextEncoder, vectors: Vectors, alpha: float | None = None
) -> list[TrainingFree]:
    """Return composers over one gallery that encode each text once between them.

    Args:
        methods: their names.
        text: encodes the words.
        vectors: (N, D) of the gallery; the calibrated sum measures its scores on some of them.
        alpha: weight of the words; ``None``: each method's default.
    """
    count = min(CALIBRATION_SAMPLE, len(vectors))
    sample = vectors[np.arange(count) * len(vectors) // max(count, 1)]  # spread evenly
    calibration, remembered = Calibration(sample), Remembered(text)
    return [TrainingFree(name, remembered, calibration, alpha) for name in methods]


def _embedded(
    benchmark: Benchmark, files: ModelFiles, plan: Plan, place: Place, reporter: Reporter
) -> Vectors:
    def make_encoder() -> BackboneEncoder:
        from isa_cli.gallery.encoder import BackboneEncoder  # noqa: PLC0415 - often not needed

        backbone = load_backbone(
            files,
            device=plan.device,
            precision=plan.precision,
            parts={"image"},
            reporter=reporter,
        )
        reporter.note(backbone.describe())
        return BackboneEncoder(backbone)

    folder = cache_folder(files.space, place.precision)
    size = files.preprocess.size
    return vectors_of(benchmark.images, folder, files.space, make_encoder, size, reporter)


def _text_encoder(files: ModelFiles, plan: Plan, reporter: Reporter) -> TextEncoder:
    from isa_cli.query.text import BackboneTextEncoder  # noqa: PLC0415 - torch

    backbone = load_backbone(
        files, device=plan.device, precision=plan.precision, parts={"text"}, reporter=reporter
    )
    return BackboneTextEncoder(backbone, reporter)


def _protocol(files: ModelFiles, place: Place, composers: Sequence[TrainingFree]) -> dict[str, Any]:
    """Return what the numbers were made with, besides the benchmark."""
    height, width = files.preprocess.size
    recipe = f"{files.preprocess.interpolation} {files.preprocess.resize_mode}"
    return {
        "model": files.name,
        "digest": files.space.digest[:8],
        "precision": place.precision,
        "device": place.device.type,
        "preprocessing": f"{height}x{width} {recipe}",
        "isa": __version__,
        "alpha": {one.name: one.alpha for one in composers if one.name in DEFAULT_ALPHA},
    }

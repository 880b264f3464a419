"""The whole of ``isa eval`` below the command line: a benchmark and a plan in, a document out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli import __version__
from isa_cli.encoders import load_backbone, locate
from isa_cli.encoders.devices import choose_place
from isa_cli.encoders.files import digest_of
from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.encoders.texts import CachingTextEncoder
from isa_cli.evaluation.caching import CachingComposer, CachingImageToSentence
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import run
from isa_cli.evaluation.vectors import cache_folder, vectors_of
from isa_cli.query.checkpoint import load as load_query_model
from isa_cli.query.composers import Calibration, TrainingFree
from isa_cli.query.image2sentence import image_to_sentence
from isa_cli.query.methods import DEFAULT_ALPHA, LEARNED
from isa_cli.query.prompt import MODIFIER, Template
from isa_cli.search.searcher import CALIBRATION_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isa_cli.encoders import Backbone
    from isa_cli.encoders.gallery_encoder import BackboneEncoder
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.plan import EvalPlan
    from isa_cli.evaluation.runner import MethodResult
    from isa_cli.protocols import Composer
    from isa_cli.query.checkpoint import QueryModel
    from isa_cli.reporting import Reporter
    from isa_cli.types import Vectors


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What came of a benchmark.

    Attributes:
        benchmark: what was run.
        results: what each method made of it.
        document: the report, see ``report.document``.
    """

    benchmark: Benchmark
    results: Sequence[MethodResult]
    document: dict[str, Any]


def measure(
    make_benchmark: Callable[[], Benchmark], plan: EvalPlan, reporter: Reporter
) -> dict[str, Any]:
    """Return the document of ``evaluate`` alone."""
    return evaluate(make_benchmark, plan, reporter).document


def evaluate(
    make_benchmark: Callable[[], Benchmark],
    plan: EvalPlan,
    reporter: Reporter,
    *,
    stored: Vectors | None = None,
    keep_rankings: bool = False,
) -> Evaluated:
    """Return what one model makes of one benchmark.

    Args:
        make_benchmark: renders or reads it; called once the plan and the model are known to be
            usable, for that may take a while.
        plan: what to run it with.
        reporter: shows progress.
        stored: (n, D) unit rows of the benchmark's first n images, where they are known.
        keep_rankings: whether the answers are wanted as well as the numbers.

    Raises:
        UsageError: the plan asks for something impossible.
        ImageError: a picture can't be used.
        ModelError: the model, or the query model, can't be had or used.
        SpaceMismatch: the query model belongs to another model.
    """
    bench = Bench(make_benchmark, plan, reporter, stored)
    composers = [bench.composer(method, plan.alpha) for method in plan.methods]
    results = run(bench.benchmark, bench.vectors, composers, reporter, keep_rankings=keep_rankings)
    return Evaluated(bench.benchmark, results, document(bench.benchmark, results, bench.protocol()))


class Bench:
    """A benchmark, embedded, and a model that is ready to make composers of.

    Args:
        make_benchmark, plan, reporter, stored: see ``evaluate``.

    Attributes:
        benchmark: the questions.
        vectors: (N, D) of its images.
    """

    def __init__(
        self,
        make_benchmark: Callable[[], Benchmark],
        plan: EvalPlan,
        reporter: Reporter,
        stored: Vectors | None = None,
    ) -> None:
        plan.check()
        self._plan, self._reporter = plan, reporter
        self._place = choose_place(plan.device, plan.precision)
        self._files = locate(plan.model, reporter)
        # refused, if need be, before anything is drawn
        self.model = load_query_model(plan.learned, self._files.space) if plan.learned else None
        self.benchmark = make_benchmark()
        self._is_stored = stored is not None
        self.vectors = self._embedded(stored)
        self._backbone = self._loaded(self.model.header.parts if self.model else {"text"})
        self._text = CachingTextEncoder(BackboneTextEncoder(self._backbone, reporter))
        self._calibration = calibration(self.vectors)
        self._eyes = self._opened() if self.model else None
        self._learned: dict[tuple[str, Template | None], CachingComposer] = {}

    def composer(
        self, method: str, alpha: float | None = None, template: Template | None = None
    ) -> Composer:
        """Return a composer over the benchmark's gallery; what several need, they share.

        Each text is encoded once, each reference looked at once, and each question read once by a
        learned method and text, whatever the weight.

        Args:
            method: its name.
            alpha: weight of the words, or of the learned vector; ``None``: the method's default.
            template: what a learned one reads; ``None``: its own.
        """
        if method not in LEARNED:
            return TrainingFree(method, self._text, self._calibration, alpha)
        if (method, template) not in self._learned:
            self._learned[method, template] = self._reading(method, template)
        weight = self._default_alpha(method) if alpha is None else alpha
        return self._learned[method, template].blended_by(1.0 - weight)

    def protocol(self) -> dict[str, Any]:
        """Return what the numbers are made with, besides the benchmark."""
        preprocess, plan = self._files.preprocess, self._plan
        height, width = preprocess.size
        alphas = [name for name in plan.methods if name in DEFAULT_ALPHA]
        return {
            "model": self._files.name,
            "digest": self._files.space.digest[:8],
            "precision": self._place.precision,
            "device": self._place.device.type,
            "preprocessing": f"{height}x{width} {preprocess.interpolation} "
            f"{preprocess.resize_mode}",
            **({"vectors": "the gallery's own"} if self._is_stored else {}),
            "isa": __version__,
            **({"query model": digest_of(plan.learned)[:8]} if plan.learned else {}),
            "template": self._templates(),
            "alpha": {
                name: self._default_alpha(name) if plan.alpha is None else plan.alpha
                for name in alphas
            },
        }

    def _templates(self) -> str | dict[str, str]:
        """Return the text that each method reads."""
        if self.model is None:
            return MODIFIER
        methods = self._plan.methods
        read = Template.from_dict(self.model.header.template).modified
        own = dict.fromkeys((name for name in methods if name in LEARNED), read)
        return own if set(methods) <= set(own) else {"words": MODIFIER} | own

    def _default_alpha(self, method: str) -> float:
        tuned = self.model.header.alpha(method) if self.model and method in LEARNED else None
        return DEFAULT_ALPHA[method] if tuned is None else tuned

    def _opened(self) -> CachingImageToSentence:
        """Return the query model's eyes, for all of its methods and texts."""
        assert self.model is not None
        eyes = image_to_sentence(self.model, self._backbone)
        return CachingImageToSentence(eyes, features=self.model.injection is not None)

    def _reading(self, method: str, template: Template | None) -> CachingComposer:
        """Return a learned composer, alone."""
        assert self.model is not None  # or the plan would have refused the method
        assert self._eyes is not None
        return CachingComposer(
            self.model if template is None else with_template(self.model, template),
            self._backbone,
            self._text,
            self._calibration,
            self._reporter,
            method,
            self._eyes,
        )

    def _loaded(self, parts: set[str] | frozenset[str]) -> Backbone:
        plan = self._plan
        return load_backbone(
            self._files,
            device=plan.device,
            precision=plan.precision,
            parts=parts,
            reporter=self._reporter,
        )

    def _embedded(self, stored: Vectors | None) -> Vectors:
        """Return the vectors of the benchmark's images, embedding those that nobody knows."""
        images = self.benchmark.images[0 if stored is None else len(stored) :]
        if not images and stored is not None:
            return stored
        folder = cache_folder(self._files.space, self._place.precision)
        size = self._files.preprocess.size
        rest = vectors_of(images, folder, self._files.space, self._encoder, size, self._reporter)
        return rest if stored is None else np.concatenate([stored, rest])

    def _encoder(self) -> BackboneEncoder:
        from isa_cli.encoders.gallery_encoder import BackboneEncoder  # noqa: PLC0415 - often not needed

        backbone = self._loaded({"image"})
        self._reporter.note(backbone.describe())
        return BackboneEncoder(backbone)


def with_template(model: QueryModel, template: Template) -> QueryModel:
    """Return the same query model, reading another text."""
    return replace(model, header=replace(model.header, template=template.as_dict()))


def calibration(vectors: Vectors) -> Calibration:
    """Return what the calibrated sum measures its scores on: some vectors, spread evenly."""
    count = min(CALIBRATION_SAMPLE, len(vectors))
    return Calibration(vectors[np.arange(count) * len(vectors) // max(count, 1)])

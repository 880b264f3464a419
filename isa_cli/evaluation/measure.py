"""The whole of ``isa eval`` below the command line: a benchmark and a config in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isa_cli import __version__
from isa_cli.encoders.files import digest_of
from isa_cli.encoders.foundation import Foundation
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
from isa_cli.reporting import Silent
from isa_cli.search.searcher import CALIBRATION_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.config import EvalConfig
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


def evaluate(
    make_benchmark: Callable[[], Benchmark],
    config: EvalConfig,
    reporter: Reporter | None = None,
    *,
    stored: Vectors | None = None,
    keep_rankings: bool = False,
) -> Evaluated:
    """Ask one model the questions of one benchmark, by each of several methods.

    This is ``isa eval`` for a script or a notebook.  Vectors are kept in the cache, so that a
    second run embeds nothing; results are judged as ``Benchmark`` says and come with intervals.

    Args:
        make_benchmark: renders or reads it; called once the config and the model are known to be
            usable, for that may take a while.  A ready one: ``lambda: benchmark``.
        config: the model, the methods, and where it computes.
        reporter: shows progress; ``None``: nothing is shown.
        stored: (n, D) float32 unit rows of the benchmark's first n images, where they are known.
        keep_rankings: whether the answers are wanted as well as the numbers.

    Raises:
        UsageError: the config asks for something impossible.
        ImageError: a picture can't be used.
        ModelError: the model, or the query model, can't be had or used.
        SpaceMismatch: the query model belongs to another model.

    Examples:
        >>> from isa_cli.evaluation import EvalConfig, evaluate
        >>> from isa_cli.evaluation.wardrobe import wardrobe
        >>> from isa_cli.reporting import Silent
        >>> done = evaluate(
        ...     lambda: wardrobe(Silent(), cases=10, gallery=40),
        ...     EvalConfig("isa-mini", methods=("image", "sum")),
        ... )
        >>> [result.method for result in done.results]
        ['image', 'sum']
        >>> sorted(done.document["results"][0]["metrics"])  # fractions; intervals lie beside them
        ['R@1', 'R@10', 'R@5', 'mAP@10']
        >>> done.results[1].values["R@10"].shape  # a number for each question
        (10,)
    """
    bench = Bench(make_benchmark, config, reporter or Silent(), stored)
    return bench.run(keep_rankings=keep_rankings)


class Bench:
    """A benchmark, embedded, and a model that is ready to make composers of.

    Args:
        make_benchmark, config, stored: see ``evaluate``.
        reporter: shows progress.

    Attributes:
        benchmark: the questions.
        vectors: (N, D) float32 unit rows of its images.
        model: the query model, if a method needs it.
    """

    def __init__(
        self,
        make_benchmark: Callable[[], Benchmark],
        config: EvalConfig,
        reporter: Reporter,
        stored: Vectors | None = None,
    ) -> None:
        config.check()
        self._config, self._reporter = config, reporter
        foundation = Foundation(config.model, config.device, config.precision, reporter)
        foundation.check()
        self._foundation = foundation
        # refused, if need be, before anything is drawn
        self.model = load_query_model(config.learned, foundation.space) if config.learned else None
        self.benchmark = make_benchmark()
        self._is_stored = stored is not None
        self.vectors = self._embedded(stored)
        foundation.release()  # the image tower has done its work; few query models look with it
        self._clip = foundation.clip(self.model.header.parts if self.model else {"text"})
        self._text = CachingTextEncoder(foundation.torch_text_encoder())
        self._calibration = calibration(self.vectors)
        self._image_to_sentence = self._looking() if self.model else None
        self._learned: dict[tuple[str, Template | None], CachingComposer] = {}

    def run(self, *, keep_rankings: bool = False) -> Evaluated:
        """Ask all questions by the config's methods; see ``evaluate``."""
        composers = [self.composer(method, self._config.alpha) for method in self._config.methods]
        results = run(
            self.benchmark, self.vectors, composers, self._reporter, keep_rankings=keep_rankings
        )
        told = document(self.benchmark, results, self.protocol())
        return Evaluated(self.benchmark, results, told)

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
        """Return the facts that the numbers are made with, besides the benchmark."""
        config, files, place = self._config, self._foundation.files, self._foundation.place
        preprocess = files.preprocess
        height, width = preprocess.size
        return {
            "model": files.name,
            "digest": files.space.digest[:8],
            "precision": place.precision,
            "device": place.device.type,
            "preprocessing": f"{height}x{width} {preprocess.interpolation} "
            f"{preprocess.resize_mode}",
            **({"vectors": "the gallery's own"} if self._is_stored else {}),
            "isa": __version__,
            **({"query model": digest_of(config.learned)[:8]} if config.learned else {}),
            "template": self._templates(),
            "alpha": {
                name: self._default_alpha(name) if config.alpha is None else config.alpha
                for name in config.methods
                if name in DEFAULT_ALPHA
            },
        }

    def _templates(self) -> str | dict[str, str]:
        """Return the text that each method reads."""
        if self.model is None:
            return MODIFIER
        methods = self._config.methods
        read = Template.from_dict(self.model.header.template).modified
        learned = dict.fromkeys((name for name in methods if name in LEARNED), read)
        return learned if set(methods) <= set(learned) else {"words": MODIFIER} | learned

    def _default_alpha(self, method: str) -> float:
        tuned = self.model.header.alpha(method) if self.model and method in LEARNED else None
        return DEFAULT_ALPHA[method] if tuned is None else tuned

    def _looking(self) -> CachingImageToSentence:
        """Return the image-to-sentence network, for all of the model's methods and texts."""
        assert self.model is not None
        network = image_to_sentence(self.model, self._clip)
        return CachingImageToSentence(network, features=self.model.injection is not None)

    def _reading(self, method: str, template: Template | None) -> CachingComposer:
        """Return a learned composer, alone."""
        assert self.model is not None  # or the config would have refused the method
        assert self._image_to_sentence is not None
        return CachingComposer(
            self.model if template is None else with_template(self.model, template),
            self._clip,
            self._text,
            self._calibration,
            self._reporter,
            method,
            self._image_to_sentence,
        )

    def _embedded(self, stored: Vectors | None) -> Vectors:
        """Return the vectors of the benchmark's images, embedding those that nobody knows."""
        images = self.benchmark.images[0 if stored is None else len(stored) :]
        if not images and stored is not None:
            return stored
        foundation = self._foundation
        rest = vectors_of(
            images,
            cache_folder(foundation.space, foundation.place.precision),
            foundation.space,
            foundation.gallery_encoder,
            foundation.input_size,
            self._reporter,
        )
        return rest if stored is None else np.concatenate([stored, rest])


def with_template(model: QueryModel, template: Template) -> QueryModel:
    """Return the same query model, reading another text."""
    return replace(model, header=replace(model.header, template=template.as_dict()))


def calibration(vectors: Vectors) -> Calibration:
    """Return some vectors, spread evenly: the calibrated sum measures its scores on them."""
    count = min(CALIBRATION_SAMPLE, len(vectors))
    return Calibration(vectors[np.arange(count) * len(vectors) // max(count, 1)])

"""What is loaded for an evaluation, and when; the numbers themselves are the runner's affair."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isa_cli import encoders
from isa_cli.encoders import numpy_text
from isa_cli.encoders.foundation import Foundation
from isa_cli.errors import ModelError, UsageError
from isa_cli.evaluation import Benchmark, Case, EvalConfig, at, evaluate
from isa_cli.evaluation.measure import Bench
from isa_cli.evaluation.metrics import recall_at
from isa_cli.reporting import Silent

COLOURS = ("red", "green", "blue")


@pytest.fixture
def squares(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    images = [tmp_path / f"{colour}.png" for colour in COLOURS]
    for path in images:
        Image.new("RGB", (32, 32), path.stem).save(path)
    return Benchmark(
        name="squares",
        split="all",
        images=images,
        cases=[Case("a", 0, "in blue", (2,)), Case("b", 2, "in red", (0,))],
        metrics={"R@1": at(recall_at, 1)},
        depth=1,
        keep_reference=False,
    )


@pytest.fixture
def loaded(monkeypatch):
    """The parts that were loaded, each with what still holds them."""
    found = []
    real = encoders.load_backbone

    def load(*arguments, parts, **options):
        backbone = real(*arguments, parts=parts, **options)
        found.append((set(parts), weakref.ref(backbone)))
        return backbone

    monkeypatch.setattr(encoders, "load_backbone", load)
    return found


def never():
    raise AssertionError("that need not be made yet")


def test_the_image_tower_is_let_go_of_before_the_words_are_read(squares, loaded, tiny_model):
    config = EvalConfig(str(tiny_model), device="cpu", methods=("sum",))
    bench = Bench(lambda: squares, config, Silent())
    gc.collect()
    assert [parts for parts, _ in loaded] == [{"image"}, {"text"}]
    assert [held() is None for _, held in loaded] == [True, False]
    assert bench.vectors.shape == (3, 32)
    loaded.clear()
    evaluate(lambda: squares, config)  # all vectors are in the cache
    assert [parts for parts, _ in loaded] == [{"text"}]


def test_stored_vectors_are_taken_as_they_are(squares, loaded, tiny_model):
    stored = np.eye(3, 32, dtype=np.float32)
    config = EvalConfig(str(tiny_model), device="cpu", methods=("image",))
    done = evaluate(lambda: squares, config, stored=stored, keep_rankings=True)
    assert [parts for parts, _ in loaded] == [{"text"}]
    assert [ranking.top for ranking in done.results[0].rankings] == [(1,), (0,)]  # by position
    assert done.document["protocol"]["vectors"] == "the gallery's own"


def test_words_are_read_through_the_tower_that_reads_sentences(squares, monkeypatch):
    """Not in numpy, where a search may read them: results are compared to the last digit."""
    monkeypatch.setattr(numpy_text, "numpy_text_encoder", lambda *_: never())
    config = EvalConfig("isa-mini", device="cpu", methods=("text",))
    assert evaluate(lambda: squares, config).results[0].values["R@1"].shape == (2,)
    with pytest.raises(AssertionError):
        Foundation("isa-mini", "cpu").text_encoder()


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (EvalConfig("isa-mini", methods=("slurp",)), UsageError),
        (EvalConfig("isa-mini", device="abacus"), UsageError),
        (EvalConfig(str(Path("/no/such/model"))), ModelError),
    ],
    ids=["method", "device", "model"],
)
def test_what_cannot_be_run_is_refused_before_the_benchmark_is_made(config, error):
    with pytest.raises(error):
        evaluate(never, config)

"""Runs over a gallery of four directions whose rankings you can read off."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isa_cli.encoders.texts import CachingTextEncoder
from isa_cli.errors import ImageError
from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking, at
from isa_cli.evaluation.measure import calibration
from isa_cli.evaluation.metrics import average_precision_at, recall_at
from isa_cli.evaluation.runner import best, run
from isa_cli.query.composers import TrainingFree
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("plane", 2, "p" * 64)
EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)
GALLERY = np.array([EAST, NORTH, EAST, WEST, NORTH], np.float32)  # 0 and 2, 1 and 4: equal


class Towards:
    """A composer that answers with the direction its words name, and keeps the queries."""

    space = SPACE

    def __init__(self, name="towards"):
        self.name = name
        self.batches = []

    def compose(self, queries):
        self.batches.append(list(queries))
        directions = {"east": EAST, "north": NORTH, "west": WEST}
        return np.array([directions[query.modifier] for query in queries], np.float32)


class Tops:
    """A metric that judges nothing and keeps what it was shown."""

    def __init__(self):
        self.seen = {}
        self.subsets = {}

    def __call__(self, ranking, case):
        self.seen[case.id] = ranking.top
        self.subsets[case.id] = ranking.subset
        return 0.0


def benchmark(cases, *, keep_reference=False, images=None, depth=5, **metrics):
    return Benchmark(
        name="directions",
        split="test",
        images=images or [Path(f"{number}.png") for number in range(len(GALLERY))],
        cases=cases,
        metrics=metrics or {"R@1": at(recall_at, 1), "mAP@2": at(average_precision_at, 2)},
        depth=depth,
        keep_reference=keep_reference,
    )


CASES = [
    Case("a", 0, "east", (2,)),
    Case("b", 1, "north", (4, 0)),
    Case("c", 2, "west", (1,)),
]


@pytest.mark.parametrize("batch", [1, 2, 256])
def test_ties_go_by_position_and_the_reference_is_removed(batch):
    tops = Tops()
    run(benchmark(CASES, tops=tops), GALLERY, [Towards()], Silent(), batch=batch)
    assert tops.seen == {"a": (2, 1, 4, 3), "b": (4, 0, 2, 3), "c": (3, 1, 4, 0)}


def test_a_benchmark_may_keep_the_reference():
    tops = Tops()
    run(benchmark(CASES, keep_reference=True, depth=3, tops=tops), GALLERY, [Towards()], Silent())
    assert tops.seen == {"a": (0, 2, 1), "b": (1, 4, 0), "c": (3, 1, 4)}


def test_every_case_has_its_number_in_the_benchmarks_order():
    first, second = run(benchmark(CASES), GALLERY, [Towards(), Towards("again")], Silent(), batch=2)
    assert (first.method, second.method) == ("towards", "again")
    assert first.values["R@1"].tolist() == [1.0, 1.0, 0.0]
    assert first.values["mAP@2"].tolist() == [1.0, 1.0, 0.5]  # c: 1 is second, after 3
    assert second.values["R@1"].tolist() == first.values["R@1"].tolist()


def test_a_query_holds_the_stored_vector_the_words_and_the_picture_unopened(tmp_path):
    images = [tmp_path / f"{number}.png" for number in range(len(GALLERY))]
    Image.new("RGB", (6, 4), (10, 200, 30)).save(images[1])
    composer = Towards()
    run(benchmark(CASES, images=images), GALLERY, [composer], Silent())
    _, query, missing = composer.batches[0]
    assert query.references.tolist() == [list(NORTH)]
    assert query.modifier == "north"
    (opened,) = query.images
    assert opened().getpixel((0, 0)) == (10, 200, 30)
    with pytest.raises(ImageError, match=r"2\.png"):
        missing.images[0]()


class Anywhere:
    """A composer whose answers are random directions, the same for each batch."""

    name, space = "anywhere", SPACE

    def compose(self, queries):
        rng = np.random.default_rng(len(queries))
        return rng.normal(size=(len(queries), queries[0].references.shape[1])).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_equal_vectors_score_equally_wherever_they_stand(batch):
    """The last bits of a float32 matrix product depend on the position, and so would the order."""
    row = np.random.default_rng(0).normal(size=(1, 768)).astype(np.float32)
    gallery = np.repeat(row / np.linalg.norm(row), 37, axis=0)
    tops = Tops()
    made = benchmark(
        [Case(name, 0, "", (1,)) for name in "abc"],
        images=[Path(str(number)) for number in range(37)],
        depth=37,
        tops=tops,
    )
    run(made, gallery, [Anywhere()], Silent(), batch=batch)
    assert set(tops.seen.values()) == {tuple(range(1, 37))}


def test_vectors_of_another_gallery_are_refused():
    with pytest.raises(ValueError, match="4 vectors for 5 images"):
        run(benchmark(CASES), GALLERY[:4], [Towards()], Silent())


@pytest.mark.parametrize(
    ("scores", "k", "expected"),
    [
        ([0.1, 0.9, 0.5], 2, (1, 2)),
        ([0.5, 0.9, 0.5, 0.5], 3, (1, 0, 2)),
        ([0.5, 0.5, 0.5, 0.5], 2, (0, 1)),
        ([0.1, -np.inf, 0.3], 3, (2, 0)),
        ([0.1, 0.2], 10, (1, 0)),
        ([], 3, ()),
    ],
)
def test_the_best_by_hand(scores, k, expected):
    assert best(np.array(scores, np.float32), k) == expected


def test_the_best_are_those_of_a_full_sort():
    rng = np.random.default_rng(3)
    for _ in range(300):
        scores = rng.integers(0, 6, rng.integers(1, 40)).astype(np.float32)  # many ties
        k = int(rng.integers(1, 45))
        full = sorted(range(len(scores)), key=lambda position: (-scores[position], position))
        assert best(scores, k) == tuple(full[:k])


def test_a_subset_is_ranked_by_the_same_scores_without_the_reference():
    cases = [
        Case("a", 0, "east", (2,), subset=(4, 3, 2, 1)),
        Case("b", 1, "north", (4,), subset=(3, 2, 1, 0)),  # the reference itself is no answer
        Case("c", 2, "west", (3,)),
    ]
    tops = Tops()
    run(benchmark(cases, depth=1, tops=tops), GALLERY, [Towards()], Silent())
    assert tops.subsets == {"a": (2, 1, 4, 3), "b": (0, 2, 3), "c": ()}
    assert tops.seen == {"a": (2,), "b": (4,), "c": (3,)}


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_each_case_is_asked_of_its_own_gallery(batch):
    shared, small = np.array([1, 2, 3]), np.array([0, 4])
    cases = [
        Case("a", 0, "east", (2,), gallery=shared),  # the reference is not in it
        Case("b", 1, "west", (3,), gallery=shared, subset=(1, 2, 3, 4)),  # 4 is not, 1 is removed
        Case("c", 3, "north", (4,), gallery=small),
        Case("d", 3, "north", (4,)),
        Case("e", 2, "east", (1,), gallery=shared),
    ]
    tops = Tops()
    run(benchmark(cases, tops=tops), GALLERY, [Towards()], Silent(), batch=batch)
    assert tops.seen == {
        "a": (2, 1, 3),
        "b": (3, 2),
        "c": (4, 0),
        "d": (1, 4, 0, 2),
        "e": (1, 3),
    }
    assert tops.subsets["b"] == (3, 2)


def test_wordings_are_composed_each_and_their_vectors_averaged():
    slanted = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.6, 0.8]], np.float32)
    composer, tops = Towards(), Tops()
    cases = [
        Case("one", None, "east", (0,)),
        Case("both", None, "east", (0,), wordings=("north", "north")),  # (1, 2) / sqrt(5)
        Case("against", None, "east", (0,), wordings=("west",)),  # no direction: all score 0
    ]
    made = benchmark(
        cases,
        images=[Path(str(number)) for number in range(4)],
        tops=tops,
    )
    run(made, slanted, [composer], Silent())
    assert [query.modifier for query in composer.batches[0]] == [
        *("east", "east", "north", "north", "east", "west")
    ]
    assert tops.seen == {"one": (0, 1, 2, 3), "both": (1, 2, 0, 3), "against": (0, 1, 2, 3)}


def test_hidden_answers_have_rankings_and_no_numbers():
    cases = [Case("a", 0, "east"), Case("b", 3, "north", subset=(0, 1))]
    hidden = Benchmark(
        name="directions",
        split="test",
        images=[Path(str(number)) for number in range(5)],
        cases=cases,
        metrics={},
        depth=2,
        keep_reference=False,
    )
    (result,) = run(hidden, GALLERY, [Towards()], Silent(), batch=1, keep_rankings=True)
    assert result.values == {}
    assert result.rankings == [Ranking((2, 1)), Ranking((1, 4), (1, 0))]


def test_rankings_are_kept_only_if_somebody_wants_them():
    (without,) = run(benchmark(CASES), GALLERY, [Towards()], Silent())
    (kept,) = run(benchmark(CASES), GALLERY, [Towards()], Silent(), batch=2, keep_rankings=True)
    assert without.rankings is None
    assert [ranking.top for ranking in kept.rankings] == [
        (2, 1, 4, 3),
        (4, 0, 2, 3),
        (3, 1, 4, 0),
    ]
    assert kept.values["R@1"].tolist() == without.values["R@1"].tolist()


class Words:
    """A text encoder that counts what it encodes."""

    space = SPACE

    def __init__(self):
        self.encoded = []

    def encode_text(self, texts):
        self.encoded += texts
        return np.array(
            [{"east": EAST, "north": NORTH, "west": WEST}[t] for t in texts], np.float32
        )


def test_composers_share_the_words_and_the_weight_of_the_words():
    words = Words()
    names = ("image", "text", "sum", "calibrated")
    shared, scores = CachingTextEncoder(words), calibration(GALLERY)
    composers = [TrainingFree(name, shared, scores, 0.25) for name in names]
    results = run(benchmark([*CASES, Case("d", 3, "east", (0,))]), GALLERY, composers, Silent())
    assert [result.method for result in results] == list(names)
    assert sorted(words.encoded) == ["east", "north", "west"]
    assert results[1].values["R@1"].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert {composer.alpha for composer in composers} == {0.25}


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [Case("a", 5, "", (1,))],
        [Case("a", 0, "", (-1,))],
        [Case("a", 0, "", (0, 1))],
    ],
)
def test_a_benchmark_that_cannot_be_right_is_refused(cases):
    with pytest.raises(ValueError, match="case"):
        benchmark(cases)

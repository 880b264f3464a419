"""Random negatives: drawn by step and seed, and never held against a right answer."""

from types import SimpleNamespace

import numpy as np
import pytest

from isa_cli.training.data import negatives as module
from isa_cli.training.data.negatives import RandomNegatives
from isa_cli.training.data.triplet_photos import TripletPhotos
from isa_cli.types import EmbeddingSpace
from tests.fakes import FakeRows

COUNT, DIM = 40, 6
VECTORS = np.random.default_rng(0).standard_normal((COUNT, DIM)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
KEYS = np.arange(100, 100 + COUNT, dtype=np.uint64)
GALLERY = SimpleNamespace(
    catalog=SimpleNamespace(vectors=FakeRows(KEYS, VECTORS)),
    space=EmbeddingSpace("fake", DIM, "a" * 64),
)


@pytest.fixture
def photos():
    """Pictures 0 to 9 are the gallery's first ones; question 0 has the answers 5 and 6, 1 has 7."""
    return TripletPhotos(
        keys=KEYS[:10],
        vectors=VECTORS[:10],
        paths={},
        references=np.array([0, 1]),
        modifiers=["a", "b"],
        questions=np.array([0, 0, 1]),
        targets=np.array([5, 6, 7]),
        train=np.array([0, 1, 2]),
        held_out=np.array([2]),
        digest="",
    )


def rows_of(vectors):
    """Which of the gallery's pictures these are."""
    return (vectors @ VECTORS.T).argmax(axis=1).tolist()


@pytest.mark.parametrize("count", [15, COUNT, 500])
def test_right_answers_are_marked_wherever_they_are_drawn(photos, count):
    negatives = RandomNegatives(GALLERY, photos, count=count, seed=3)
    seen = 0
    for step in range(20):
        vectors, right = negatives.of(step, np.array([1, 0, 1]))
        rows = rows_of(vectors)
        assert len(set(rows)) == len(rows) == min(count, COUNT)
        expected = [[row in answers for row in rows] for answers in ([7], [5, 6], [7])]
        np.testing.assert_array_equal(right, expected)
        seen += right.sum()
    assert seen > 20


def test_step_and_seed_alone_decide(photos):
    questions = np.array([0])
    negatives = RandomNegatives(GALLERY, photos, count=8, seed=3)
    later = rows_of(negatives.of(7, questions)[0])
    assert later == rows_of(negatives.of(7, questions)[0])
    other = RandomNegatives(GALLERY, photos, count=8, seed=3)
    assert rows_of(other.of(7, questions)[0]) == later
    assert rows_of(other.of(8, questions)[0]) != later
    third = RandomNegatives(GALLERY, photos, count=8, seed=4)
    assert rows_of(third.of(7, questions)[0]) != later


def test_of_a_large_gallery_a_part_is_kept(photos, monkeypatch):
    monkeypatch.setattr(module, "MOST", 12)
    negatives = RandomNegatives(GALLERY, photos, count=500, seed=0)
    vectors, right = negatives.of(0, np.array([0]))
    rows = rows_of(vectors)
    assert len(set(rows)) == 12
    np.testing.assert_array_equal(right[0], [row in (5, 6) for row in rows])


def test_the_others_are_what_no_triplet_names(photos):
    others = RandomNegatives(GALLERY, photos, count=5, seed=0).others
    assert sorted(rows_of(others)) == list(range(10, COUNT))

"""Which pictures are hard negatives: near the query, never an answer, the same after a resume."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from isa_cli.errors import TrainingError
from isa_cli.gallery.stores import ExactIndex
from isa_cli.training.data.negatives import HardNegatives
from isa_cli.training.data.triplet_photos import TripletPhotos
from isa_cli.types import EmbeddingSpace
from tests.fakes import FakeRows

COUNT, DIM, K = 60, 6, 4
SPACE = EmbeddingSpace("six", DIM, "6" * 64)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


VECTORS = unit(np.random.default_rng(0).standard_normal((COUNT, DIM))).astype(np.float32)
VECTORS[50] = unit(VECTORS[10] + 0.05 * VECTORS[11])  # looks like 10, an answer
QUERIES = unit(VECTORS[[10, 12, 13, 10]] + 0.3 * VECTORS[20:24]).astype(np.float32)


def gallery_of(vectors=VECTORS):
    rows = FakeRows(np.arange(1, len(vectors) + 1), vectors)
    return SimpleNamespace(
        catalog=SimpleNamespace(vectors=rows), index=ExactIndex(SPACE, rows), space=SPACE
    )


@pytest.fixture
def photos():
    """Questions 0 to 3; 0 has two answers, 3 is held out.  Pictures 0 to 19 are key 1 to 20."""
    return TripletPhotos(
        keys=np.arange(1, 21, dtype=np.uint64),
        vectors=VECTORS[:20],
        paths={},
        references=np.array([0, 1, 2, 3]),
        modifiers=["a", "b", "c", "d"],
        questions=np.array([0, 0, 1, 2, 3]),
        targets=np.array([10, 11, 12, 13, 14]),
        train=np.array([0, 1, 2, 3]),
        held_out=np.array([4]),
        digest="",
    )


def mining(photos, folder, *, gallery=None, count=K, too_like=0.95):
    return HardNegatives(gallery or gallery_of(), photos, folder, count=count, too_like=too_like)


def ask(questions):
    return QUERIES[questions]


def keys_of(mined, question):
    """The keys of a question's negatives, found again by their vectors."""
    vectors, absent = mined.of(np.array([question]))
    return [
        int(np.argmax(VECTORS @ row)) + 1
        for row, none in zip(vectors[0], absent[0], strict=True)
        if not none
    ]


def expected(question, answers, count=K, too_like=0.95):
    """By brute force."""
    near = np.argsort(-(VECTORS @ QUERIES[question]), kind="stable")
    alike = (VECTORS @ VECTORS[answers].T).max(axis=1) > too_like
    return [int(n) + 1 for n in near if n not in (*answers, question) and not alike[n]][:count]


def test_they_are_the_nearest_that_are_no_answers(photos, tmp_path):
    mined = mining(photos, tmp_path).of(0, ask)
    for question, answers in enumerate([[10, 11], [12], [13]]):
        found = keys_of(mined, question)
        assert found == expected(question, answers)
        assert not {answer + 1 for answer in answers} & set(found)
        assert question + 1 not in found  # the reference always is one, besides


def test_what_looks_the_same_as_an_answer_is_none(photos, tmp_path):
    (tmp_path / "other").mkdir()
    strict = keys_of(mining(photos, tmp_path).of(0, ask), 0)
    lax = keys_of(mining(photos, tmp_path / "other", too_like=1.0).of(0, ask), 0)
    assert 51 not in strict
    assert lax[0] == 51
    assert lax[1:] == strict[:-1]


def test_a_question_that_is_held_out_gets_none(photos, tmp_path):
    asked = []
    mined = mining(photos, tmp_path).of(0, lambda q: asked.extend(q) or ask(q))
    assert asked == [0, 1, 2]
    assert keys_of(mined, 3) == []


def test_more_is_asked_for_where_the_nearest_all_look_the_same(photos, tmp_path):
    crowd = unit(VECTORS[12] + 0.01 * np.random.default_rng(1).standard_normal((40, DIM)))
    gallery = gallery_of(np.concatenate([VECTORS, crowd.astype(np.float32)]))
    mined = mining(photos, tmp_path, gallery=gallery).of(0, ask)
    assert keys_of(mined, 1) == expected(1, [12])


def test_a_small_gallery_has_fewer(photos, tmp_path):
    gallery = gallery_of(VECTORS[:20])
    mined = mining(photos, tmp_path, gallery=gallery, count=30).of(0, ask)
    vectors, absent = mined.of(np.array([0, 1]))
    assert vectors.shape == (2, 30, DIM)
    assert (~absent).sum(axis=1).tolist() == [17, 18]  # 20 less the answers and the reference
    assert (vectors[absent] == 0).all()


def test_a_run_that_goes_on_reads_what_was_mined(photos, tmp_path):
    first = mining(photos, tmp_path).of(2, ask)

    def refuse(_):
        raise AssertionError("mined again")

    again = mining(photos, tmp_path).of(2, refuse)
    np.testing.assert_array_equal(first.rows, again.rows)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    with pytest.raises(AssertionError, match="mined again"):
        mining(photos, tmp_path).of(3, refuse)


def test_each_epoch_is_mined_once_with_the_queries_as_they_are(photos, tmp_path):
    calls = []

    def turned(questions):
        calls.append(questions)
        return -QUERIES[questions]

    negatives = mining(photos, tmp_path)
    first = [keys_of(negatives.of(0, ask), 1) for _ in range(2)]
    second = [keys_of(negatives.of(1, turned), 1) for _ in range(2)]
    assert first[0] == first[1] != second[0] == second[1]
    assert len(calls) == 1


def test_a_photo_that_was_forgotten_meanwhile_is_none(photos, tmp_path):
    mining(photos, tmp_path).of(0, ask)
    gallery = gallery_of()
    lost, *left = expected(1, [12])
    gallery.catalog.vectors.drop([lost])
    mined = mining(photos, tmp_path, gallery=gallery).of(0, ask)
    assert keys_of(mined, 1) == left


def test_clearing_leaves_nothing(photos, tmp_path):
    negatives = mining(photos, tmp_path)
    negatives.of(0, ask)
    (tmp_path / "negatives-0001.npy.part").write_bytes(b"cut short")
    (tmp_path / "log.jsonl").write_text("")
    negatives.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize("damage", [b"", b"no table", "other"])
def test_a_damaged_table_is_told(photos, tmp_path, damage):
    mining(photos, tmp_path).of(0, ask)
    file = tmp_path / "negatives-0000.npy"
    if damage == "other":
        np.save(file, np.zeros((4, K + 1), np.uint64))
    else:
        file.write_bytes(damage)
    with pytest.raises(TrainingError, match="damaged"):
        mining(photos, tmp_path).of(0, ask)

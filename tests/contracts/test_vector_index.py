"""What every vector index does, and does alike; the reference is a sort of all the scores."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from isa_cli.filters import And, Compare, In, Not, Or
from isa_cli.gallery.stores.exact import ExactIndex
from isa_cli.gallery.stores.hnsw import BuildParams
from isa_cli.gallery.stores.hnsw_index import HnswIndex, SearchParams
from isa_cli.gallery.stores.sync import sync
from isa_cli.protocols import VectorIndex
from isa_cli.types import EmbeddingSpace
from tests.fakes import FakeRows, RemoteIndex, Server

N, DIM = 600, 32
SPACE = EmbeddingSpace("any", DIM, "d" * 64)
QUICK = BuildParams(connectivity=16, expansion_add=64)
GRAPH_ALWAYS = SearchParams(expansion=256, few=0)


def unit(count, seed):
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS = unit(N, seed=0)
KEYS = np.arange(1, N + 1, dtype=np.uint64)
QUERIES = unit(5, seed=1)


@dataclass
class World:
    """An index and its catalogue, changed together as a gallery changes them."""

    index: VectorIndex
    rows: FakeRows
    writable: bool = True

    def put(self, keys, vectors):
        self.rows.put(keys, vectors)
        if self.writable:
            self.index.upsert(np.asarray(keys, np.uint64), vectors)

    def drop(self, keys):
        self.rows.drop(keys)
        if self.writable:
            self.index.remove(np.asarray(keys, np.uint64))

    def expect(self, queries, k, keep=lambda key: True):
        """Compare a search with the sort, and return what it should have been."""
        keys, vectors = (np.concatenate(parts) for parts in zip(*self.rows.chunks(), strict=True))
        kept = np.array([keep(int(key)) for key in keys])
        keys, vectors = keys[kept], vectors[kept].astype(np.float64)
        for query in queries.astype(np.float64):
            scores = np.clip((vectors * query).sum(axis=1), -1, 1).astype(np.float32)
            order = np.lexsort((keys, -scores))[:k]
            yield keys[order], scores[order]

    def check(self, queries, k, where=None, keep=lambda key: True, **options):
        found = self.index.search(queries, k, where, **options)
        expected = list(self.expect(queries, k, keep))
        assert len(found.keys) == len(found.scores) == len(queries)
        for keys, scores, (right_keys, right_scores) in zip(
            found.keys, found.scores, expected, strict=True
        ):
            np.testing.assert_array_equal(keys, right_keys)
            np.testing.assert_allclose(scores, right_scores, atol=1e-6)
            assert keys.dtype == np.uint64
            assert scores.dtype == np.float32


class Folder:
    """Makes the engines of this suite, each in a folder of its own."""

    def __init__(self, path):
        self.path = path
        self.file = None

    def record(self, file):
        self.file = file

    def usearch(self, rows, *, writable):
        return HnswIndex(
            self.path,
            SPACE,
            rows,
            self.file,
            record=self.record if writable else None,
            shape=QUICK,
            effort=GRAPH_ALWAYS,
        )

    def written(self, rows):
        index = self.usearch(rows, writable=True)
        sync(index, rows)
        index.flush()
        index.close()

    def exact(self):
        rows = FakeRows(KEYS, VECTORS)
        return World(ExactIndex(SPACE, rows), rows)

    def built(self):
        """Open for writing, half of it read from its file and half added since."""
        rows = FakeRows(KEYS[: N // 2], VECTORS[: N // 2])
        self.written(rows)
        world = World(self.usearch(rows, writable=True), rows)
        world.put(KEYS[N // 2 :], VECTORS[N // 2 :])
        world.index.flush()
        return world

    def remote(self):
        """On another machine, half of it sent since it was made durable."""
        rows = FakeRows(KEYS[: N // 2], VECTORS[: N // 2])
        world = World(RemoteIndex(Server(), SPACE, rows), rows)
        sync(world.index, rows)
        world.index.flush()
        world.put(KEYS[N // 2 :], VECTORS[N // 2 :])
        return world

    def remote_stale(self):
        """On another machine, which was told nothing of the newest and the oldest."""
        world = self.remote()
        world.put([N + 1, N + 2], VECTORS[:2])
        world.drop([N + 1])
        sync(world.index, world.rows)
        world.index.flush()
        world.rows.drop([N + 2])
        world.index.remove(KEYS[N - 100 :])
        world.index.flush()
        return replace(world, writable=False)

    def remote_empty(self):
        """On another machine, which was told nothing yet."""
        rows = FakeRows(KEYS, VECTORS)
        return World(RemoteIndex(Server(), SPACE, rows, writable=False), rows, writable=False)

    def unflushed(self):
        """Open for writing, nothing written yet."""
        rows = FakeRows()
        world = World(self.usearch(rows, writable=True), rows)
        world.put(KEYS, VECTORS)
        return world

    def viewed(self):
        """Open for reading, mapped."""
        rows = FakeRows(KEYS, VECTORS)
        self.written(rows)
        return World(self.usearch(rows, writable=False), rows, writable=False)

    def stale(self):
        """Open for reading; another process has added to the catalogue since."""
        rows = FakeRows(KEYS[: N - 200], VECTORS[: N - 200])
        self.written(rows)
        rows.put(KEYS[N - 200 :], VECTORS[N - 200 :])
        return World(self.usearch(rows, writable=False), rows, writable=False)

    def missing(self):
        """Open for reading, without a file."""
        rows = FakeRows(KEYS, VECTORS)
        return World(self.usearch(rows, writable=False), rows, writable=False)


ENGINES = ["exact", "built", "unflushed", "viewed", "stale", "missing"]
ENGINES += ["remote", "remote_stale", "remote_empty"]


@pytest.fixture(params=ENGINES)
def world(request, tmp_path):
    world = getattr(Folder(tmp_path), request.param)()
    yield world
    world.index.close()


@pytest.fixture(params=["exact", "built", "unflushed", "remote"])
def writer(request, tmp_path):
    world = getattr(Folder(tmp_path), request.param)()
    yield world
    world.index.close()


@pytest.fixture(params=["exact", "usearch", "remote"])
def empty(request, tmp_path):
    rows, folder = FakeRows(), Folder(tmp_path)
    if request.param == "exact":
        return World(ExactIndex(SPACE, rows), rows)
    if request.param == "remote":
        return World(RemoteIndex(Server(), SPACE, rows), rows)
    folder.written(rows)
    return World(folder.usearch(rows, writable=True), rows)


def test_it_is_one(world):
    assert isinstance(world.index, VectorIndex)


def test_knows_its_space_and_size(world):
    assert world.index.space == SPACE
    assert len(world.index) == N


@pytest.mark.parametrize("k", [1, 10, 100])
def test_finds_the_best(world, k):
    world.check(QUERIES, k)


def test_one_query_is_answered_as_several_are(world):
    world.check(QUERIES[:1], 10)
    alone, together = world.index.search(QUERIES[:1], 10), world.index.search(QUERIES, 10)
    np.testing.assert_array_equal(alone.keys[0], together.keys[0])
    np.testing.assert_array_equal(alone.scores[0], together.scores[0])


def test_no_query_no_answer(world):
    found = world.index.search(QUERIES[:0], 10)
    assert (found.keys, found.scores) == ([], [])


def test_more_than_there_are(world):
    world.check(QUERIES[:2], N + 7)


def test_exact_on_request(world):
    world.check(QUERIES, 10, exact=True)


def test_a_stored_vector_finds_itself(world):
    found = world.index.search(VECTORS[[0, 300, N - 1]], 1)
    assert [int(keys[0]) for keys in found.keys] == [1, 301, N]


def test_scores_are_cosines(world):
    scores = np.concatenate(world.index.search(VECTORS[:50], 3).scores)
    assert scores.max() <= 1
    assert scores.max() > 0.999


@pytest.mark.parametrize("kept", [0, 1, 5, 10, 11, 60, 300, N - 1, N])
def test_filters_of_every_selectivity(world, kept):
    world.check(QUERIES, 10, Compare("width", "<=", kept), lambda key: key <= kept)


def test_a_filter_that_keeps_what_is_far_away(world):
    nearest = world.index.search(QUERIES[:1], N // 2, exact=True).keys[0]
    near = {int(key) for key in nearest}
    where = Not(In("width", tuple(near)))
    world.check(QUERIES[:1], 10, where, lambda key: key not in near)


def test_filters_combine(world):
    where = And(
        (Or((Compare("width", "<=", 50), Compare("width", ">", N - 50))), Not(In("width", (7,))))
    )
    world.check(QUERIES, 10, where, lambda key: key != 7 and (key <= 50 or key > N - 50))


def test_a_filter_and_more_than_it_keeps(world):
    world.check(QUERIES, 100, In("width", (3, 77, 500)), lambda key: key in {3, 77, 500})


def test_equal_scores_by_rising_key(world):
    world.put([N + 500, N + 300, N + 400], np.repeat(QUERIES[:1], 3, axis=0))
    found = world.index.search(QUERIES[:1], 3)
    assert found.keys[0].tolist() == [N + 300, N + 400, N + 500]
    world.check(QUERIES, 2)  # the tie is cut through


def test_a_write_is_seen_by_the_next_search(world):
    world.check(QUERIES, 1)
    world.put([N + 1], QUERIES[:1])
    assert world.index.search(QUERIES[:1], 1).keys[0].tolist() == [N + 1]
    assert len(world.index) == N + 1
    world.check(QUERIES, 10)


def test_what_is_removed_is_gone(world):
    best = np.unique(np.concatenate(world.index.search(QUERIES, 10).keys))
    world.drop(best)
    world.check(QUERIES, 10)
    assert len(world.index) == N - len(best)


def test_removal_of_nearly_all(world):
    world.drop(KEYS[3:])
    world.check(QUERIES, 10)
    assert len(world.index) == 3


def test_known(writer):
    asked = np.array([N, 3, N + 1, 3], np.uint64)
    assert writer.index.known(asked).tolist() == [True, True, False, True]
    assert writer.index.known(asked[:0]).tolist() == []
    writer.drop([3])
    assert writer.index.known(asked).tolist() == [True, False, False, False]


def test_the_keys_that_it_holds_are_the_keys_that_it_knows(world):
    held = np.concatenate([KEYS[:0], *world.index.held_keys()]).tolist()
    assert held == sorted(set(held))
    asked = range(1, N + 5)
    known = world.index.known(np.array(asked, np.uint64)).tolist()
    assert known == [key in held for key in asked]


@pytest.mark.parametrize(
    ("engine", "vectors", "behind", "usable"),
    [
        ("exact", N, 0, True),
        ("built", N, 0, True),
        ("unflushed", N, N, False),
        ("viewed", N, 0, True),
        ("stale", N - 200, 200, True),
        ("missing", 0, N, False),
        ("remote", N, N // 2, True),
        ("remote_stale", N - 99, 100, True),
        ("remote_empty", 0, N, False),
    ],
)
def test_its_status_says_how_far_it_is(tmp_path, engine, vectors, behind, usable):
    world = getattr(Folder(tmp_path), engine)()
    status = world.index.status()
    assert (status.vectors, status.behind, not status.reason) == (vectors, behind, usable)
    world.index.close()


def test_upsert_twice_is_upsert_once(writer):
    writer.put(KEYS[:100], VECTORS[:100])
    writer.put(KEYS[:100], VECTORS[:100])
    assert len(writer.index) == N
    writer.check(QUERIES, 10)


def test_upsert_replaces(writer):
    writer.put([4, 5], QUERIES[:2])
    writer.index.flush()
    found = writer.index.search(QUERIES[:2], 1)
    assert [keys.tolist() for keys in found.keys] == [[4], [5]]
    writer.check(QUERIES, 10)


def test_the_last_of_equal_keys_in_a_batch_counts(writer):
    writer.put([N + 1, N + 2, N + 1], QUERIES[[1, 2, 0]])
    writer.index.flush()
    found = writer.index.search(QUERIES[:1], 2)
    assert found.keys[0][0] == N + 1
    assert len(writer.index) == N + 2
    writer.check(QUERIES, 10)


def test_removing_what_is_not_there(writer):
    writer.index.remove(np.array([N + 5], np.uint64))
    writer.index.remove(np.array([], np.uint64))
    assert len(writer.index) == N


def test_empty_batches(writer):
    writer.index.upsert(KEYS[:0], VECTORS[:0])
    assert len(writer.index) == N


def test_an_empty_index_finds_nothing(empty):
    found = empty.index.search(QUERIES, 10)
    assert [len(keys) for keys in found.keys] == [0] * len(QUERIES)
    assert len(empty.index) == 0
    assert not empty.index.known(KEYS[:2]).any()


def test_an_empty_index_fills(empty):
    empty.put(KEYS[:200], VECTORS[:200])
    empty.index.flush()
    empty.check(QUERIES, 10)


def test_closing_twice(world):
    world.index.close()
    world.index.close()


@pytest.mark.parametrize(
    ("keys", "vectors"),
    [
        ([1], np.full((1, DIM), np.nan)),
        ([1], np.zeros((1, DIM))),
        ([1], np.full((1, DIM), np.inf)),
        ([1], 2 * VECTORS[:1]),
        ([1], VECTORS[:1, :-1]),
        ([1], VECTORS[0]),
        ([1, 2], VECTORS[:1]),
        ([2**63], VECTORS[:1]),
        ([-1], VECTORS[:1]),
        ([0], VECTORS[:1]),
        ([1.5], VECTORS[:1]),
        ([[1]], VECTORS[:1]),
    ],
)
def test_what_no_engine_takes(writer, keys, vectors):
    with pytest.raises(ValueError, match=r"keys|vectors"):
        writer.index.upsert(np.array(keys), vectors)
    assert len(writer.index) == N
    writer.check(QUERIES[:1], 5)


@pytest.mark.parametrize("query", [np.zeros((1, DIM)), np.full((1, DIM), np.nan), VECTORS[:1, 1:]])
def test_queries_that_mean_nothing(world, query):
    with pytest.raises(ValueError, match="vectors"):
        world.index.search(query, 10)


def test_k_is_positive(world):
    with pytest.raises(ValueError, match="k must be positive"):
        world.index.search(QUERIES, 0)

"""Several threads search one gallery and get what one thread gets, whatever the engine."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from isa_cli.bench.synthetic import clusters, fill
from isa_cli.filters import Under
from isa_cli.gallery import stores
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.stores import hnsw_index
from isa_cli.gallery.stores.hnsw import BuildParams, Graph
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("synthetic", 16, "a" * 64)
N, THREADS, ROUNDS = 600, 4, 6
VECTORS = clusters(N, SPACE.dim, np.random.default_rng(0))
UNDER = Under(b"/home/somebody/Pictures/2000")
QUESTIONS = [
    (queries, k, where, exact)
    for queries in (VECTORS[:1], VECTORS[100:140])
    for k in (1, 10, 60)
    for where in (None, UNDER)
    for exact in (False, True)
]


@pytest.fixture(params=["exact", "hnsw"])
def folder(request, tmp_path, monkeypatch):
    if request.param == "hnsw":
        monkeypatch.setattr(stores, "EXACT_BELOW", 10)
        # filtered searches go through the graph too
        monkeypatch.setattr(hnsw_index, "SearchParams", partial(hnsw_index.SearchParams, few=0))
    with Gallery.open(tmp_path / "g", writable=True, space=SPACE) as gallery:
        fill(gallery.catalog, SPACE, VECTORS)
        gallery.refresh_index()
    return tmp_path / "g"


def answer(gallery, question):
    queries, k, where, exact = question
    found = gallery.index.search(queries, k, where, exact=exact)
    return [keys.tolist() for keys in found.keys], [scores.tolist() for scores in found.scores]


def in_threads(work):
    """Return what ``work(number)`` returns in each of the threads, which begin together."""
    together = threading.Barrier(THREADS)

    def begin(number):
        together.wait(10)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def expected(folder):
    with Gallery.open(folder) as gallery:
        return [answer(gallery, question) for question in QUESTIONS]


def shuffled(number):
    return np.random.default_rng(number).permutation(len(QUESTIONS) * ROUNDS) % len(QUESTIONS)


def test_four_threads_find_what_one_finds(folder):
    right = expected(folder)
    with Gallery.open(folder) as gallery:

        def ask(number):
            return [(q, answer(gallery, QUESTIONS[q])) for q in shuffled(number)]

        for answers in in_threads(ask):
            assert all(found == right[q] for q, found in answers)


def test_they_find_it_while_the_index_is_made_again(folder):
    right = expected(folder)
    with Gallery.open(folder, writable=True) as gallery:
        done = threading.Event()

        def work(number):
            if number == 0:
                try:
                    for _ in range(3):
                        gallery.rebuild()
                finally:
                    done.set()
                return True
            answers = []
            while not done.is_set():
                question = len(answers) % len(QUESTIONS)
                answers.append((question, answer(gallery, QUESTIONS[question])))
            return all(found == right[question] for question, found in answers)

        assert in_threads(work) == [True] * THREADS


class Watched:
    """A USearch index that sees who comes in while somebody searches."""

    def __init__(self):
        self.expansion_search, self.inside, self.most, self.kept = 0, 0, 0, True

    def __len__(self):
        return 3

    def search(self, codes, count, threads=0):
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.01)
        self.kept &= self.expansion_search == 2 * count
        self.inside -= 1
        return SimpleNamespace(keys=np.array([count], np.uint64))


def test_searches_of_a_graph_take_turns_and_keep_their_own_expansion():
    graph = Graph(SPACE.dim, BuildParams())
    watched = graph._index = Watched()
    found = in_threads(
        lambda n: [graph.nearest(VECTORS[:1], n + k, 2 * (n + k)) for k in range(1, 4)]
    )
    assert [[int(keys[0]) for (keys,) in each] for each in found] == [
        [n + 1, n + 2, n + 3] for n in range(THREADS)
    ]
    assert (watched.most, watched.kept) == (1, True)


def test_the_index_is_opened_once_for_all(folder, monkeypatch):
    opened, open_index = [], stores.open_index

    def counted(*args, **kwargs):
        opened.append(threading.get_ident())
        return open_index(*args, **kwargs)

    monkeypatch.setattr(stores, "open_index", counted)
    with Gallery.open(folder) as gallery:
        indexes = in_threads(lambda _: gallery.index)
    assert len(opened) == 1
    assert len(set(map(id, indexes))) == 1

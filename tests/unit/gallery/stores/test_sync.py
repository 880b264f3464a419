"""Any engine follows the catalogue by ``sync`` alone, whatever came between."""

from contextlib import contextmanager

import numpy as np
import pytest

from isa_cli.gallery.stores import sync as sync_module
from isa_cli.gallery.stores.exact import ExactIndex
from isa_cli.gallery.stores.hnsw import BuildParams
from isa_cli.gallery.stores.hnsw_index import HnswIndex, SearchParams
from isa_cli.gallery.stores.sync import sync
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace
from tests.fakes import FakeRows, RemoteIndex, Server

N, DIM = 300, 16
SPACE = EmbeddingSpace("any", DIM, "d" * 64)
KEYS = np.arange(1, N + 1, dtype=np.uint64)


def unit(count, seed):
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS, NEW = unit(N, seed=0), unit(N, seed=1)


class Heard(Silent):
    def __init__(self):
        self.lines, self.advanced, self.totals = [], 0, []

    def note(self, message):
        self.lines.append(message)

    def progress(self, label, total, unit):
        self.totals.append(total)
        return self._counting()

    @contextmanager
    def _counting(self):
        yield self

    def advance(self, count=1):
        self.advanced += count


class Local:
    """The HNSW engine: a folder, and what the catalogue knows of the file in it."""

    def __init__(self, folder, rows):
        self.folder, self.rows, self.file = folder, rows, None

    def record(self, file):
        self.file = file

    def open(self):
        return HnswIndex(
            self.folder,
            SPACE,
            self.rows,
            self.file,
            record=self.record,
            shape=BuildParams(connectivity=16, expansion_add=64),
            effort=SearchParams(expansion=256, few=0),
        )


class Elsewhere:
    """An engine on another machine."""

    def __init__(self, folder, rows):
        self.server, self.rows = Server(), rows

    def open(self):
        return RemoteIndex(self.server, SPACE, self.rows)


class Compared:
    """The engine without a copy."""

    def __init__(self, folder, rows):
        self.rows = rows

    def open(self):
        return ExactIndex(SPACE, self.rows)


@pytest.fixture(params=[Local, Elsewhere])
def home(request, tmp_path, monkeypatch):
    monkeypatch.setattr(sync_module, "STEP", 40)
    monkeypatch.setattr(sync_module, "ASKED", 70)
    return request.param(tmp_path, FakeRows(KEYS, VECTORS))


def synced(home, **options):
    """Bring a fresh client up to date, as the next process would, and return what was said."""
    heard, index = Heard(), home.open()
    sync(index, home.rows, heard, **options)
    index.flush()
    index.close()
    return heard


def check(home):
    """Compare with the engine that has no copy, and see that the copy is the catalogue."""
    index, right = home.open(), ExactIndex(SPACE, home.rows)
    queries = np.concatenate([VECTORS[:20], NEW[:20]])
    found, expected = index.search(queries, 5), right.search(queries, 5)
    for mine, theirs in zip(found.keys, expected.keys, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    held = np.concatenate([KEYS[:0], *index.held_keys()])
    np.testing.assert_array_equal(held, np.concatenate([k for k, _ in home.rows.chunks()]))
    status = index.status()
    assert (status.vectors, status.behind, status.reason) == (home.rows.count(), 0, "")
    index.close()


def test_an_empty_engine_is_filled(home):
    heard = synced(home)
    assert len(heard.lines) == 1
    assert "making the search index from the catalogue: " in heard.lines[0]
    assert (heard.totals, heard.advanced) == ([N], N)
    check(home)


def test_nothing_new_nothing_said_and_nothing_read(home):
    synced(home)
    home.rows.read = 0
    assert synced(home).lines == []
    assert home.rows.read == 0


def test_new_photos_are_added_and_only_they(home):
    synced(home)
    home.rows.read = 0
    home.rows.put([N + 1, N + 2], NEW[:2])
    heard = synced(home)
    assert heard.lines == ["adding 2 photos to the search index"]
    assert home.rows.read == 2
    check(home)


def test_forgotten_photos_go(home):
    synced(home)
    home.rows.drop(KEYS[10:60])
    assert synced(home).lines == []
    check(home)


@pytest.mark.parametrize("kept", [0, 3, N // 2])
def test_most_photos_go(home, kept):
    synced(home)
    home.rows.drop(KEYS[kept:])
    home.rows.put([N + 1], NEW[:1])
    synced(home)
    check(home)


def test_a_photo_with_another_vector_has_another_key(home):
    """As the catalogue does it: the old content goes, and the new one gets the next key."""
    synced(home)
    home.rows.drop([5, N])
    home.rows.put([N + 1, N + 2], NEW[:2])
    synced(home)
    check(home)


class PulledOutError(Exception):
    """The plug."""


@pytest.mark.parametrize("after", [0, 1, 4])
def test_cut_short_half_way_and_repeated(home, monkeypatch, after):
    home.rows.drop(KEYS[100:])
    synced(home)
    home.rows.drop(KEYS[:20])
    home.rows.put(KEYS[100:], VECTORS[100:])
    index = home.open()
    upsert, calls = index.upsert, []

    def pulled(keys, vectors):
        if len(calls) == after:
            raise PulledOutError
        calls.append(keys)
        upsert(keys, vectors)

    monkeypatch.setattr(index, "upsert", pulled)
    with pytest.raises(PulledOutError):
        sync(index, home.rows)
    index.close()  # and never flushed
    synced(home)
    check(home)


def test_what_arrived_before_the_cut_is_not_sent_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sync_module, "STEP", 40)
    home = Elsewhere(tmp_path, FakeRows(KEYS[:100], VECTORS[:100]))
    home.open().upsert(KEYS[:40], VECTORS[:40])  # the step before the plug was pulled
    synced(home)
    assert home.server.writes == [list(range(1, 41)), list(range(41, 81)), list(range(81, 101))]
    check(home)


def test_afresh_takes_nothing_for_granted(home):
    synced(home)
    index = home.open()
    index.upsert(KEYS[:1], -VECTORS[:1])  # an engine that has it on the other side of the world
    index.flush()
    index.close()
    synced(home)
    heard = synced(home, afresh=True)
    assert heard.lines == ["making the search index from the catalogue: it was asked for"]
    assert heard.advanced == N
    check(home)


def test_the_engine_without_a_copy_has_nothing_to_do(tmp_path):
    home = Compared(tmp_path, FakeRows(KEYS, VECTORS))
    for options in ({}, {"afresh": True}):
        assert synced(home, **options).lines == []
    assert home.rows.read == 0
    check(home)

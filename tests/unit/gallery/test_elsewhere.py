"""A gallery whose index is on another machine: somebody's engine, written to the protocol alone."""

import numpy as np
import pytest

from isa_cli.bench.synthetic import clusters, fill
from isa_cli.filters import Under
from isa_cli.gallery import gallery as gallery_module
from isa_cli.gallery import stores
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.records import Embedded
from isa_cli.gallery.stores.exact import ExactIndex
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo
from tests.fakes import RemoteIndex, Server

SPACE = EmbeddingSpace("synthetic", 16, "a" * 64)
N = 200
VECTORS = clusters(N, SPACE.dim, np.random.default_rng(0))
NEW = clusters(N, SPACE.dim, np.random.default_rng(1))
ROOT = b"/home/somebody/Pictures/2000"


class Said(Silent):
    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)


@pytest.fixture
def server(monkeypatch):
    """Every gallery's index is there from now on."""
    server = Server()

    def open_index(location, space, rows, file=None, *, record=None):
        return RemoteIndex(server, space, rows, writable=record is not None)

    monkeypatch.setattr(stores, "open_index", open_index)
    return server


@pytest.fixture
def folder(tmp_path, server):
    with Gallery.open(tmp_path / "g", writable=True, space=SPACE) as gallery:
        fill(gallery.catalog, SPACE, VECTORS)
        gallery.refresh_index()
    return tmp_path / "g"


def add(gallery, vectors):
    outcomes = [
        Embedded(FileStamp(b"/new/%d" % n, 1, 1), row.tobytes()[:32], PhotoInfo("PNG", 1, 1), row)
        for n, row in enumerate(vectors)
    ]
    gallery.catalog.record(outcomes)


def is_right(gallery):
    """Return whether it answers as comparing with the whole catalogue does."""
    queries = np.concatenate([VECTORS[:9], NEW[:9]])
    right = ExactIndex(SPACE, gallery.catalog.vectors)
    return all(
        keys.tolist() == best.tolist()
        for where in (None, Under(ROOT))
        for keys, best in zip(
            gallery.index.search(queries, 5, where).keys,
            right.search(queries, 5, where).keys,
            strict=True,
        )
    )


def live(gallery):
    return [key for keys, _ in gallery.catalog.vectors.chunks() for key in keys.tolist()]


def test_it_does_not_stay_empty(folder, server):
    assert sorted(server.vectors) == list(range(1, N + 1))
    with Gallery.open(folder) as gallery:
        assert is_right(gallery)
        assert gallery.index_status().engine == "remote"
        assert gallery.index_report() == "remote in memory://, 0.0 MB"


def test_new_forgotten_and_changed_photos_follow(folder, server):
    with Gallery.open(folder, writable=True) as gallery:
        add(gallery, NEW[:30])
        add(gallery, NEW[30:40])  # the same files with other pictures in them
        assert gallery.forget([ROOT]).files > 0
        assert is_right(gallery)  # and before the index was told
        gallery.refresh_index()
        assert sorted(server.vectors) == live(gallery)
        assert is_right(gallery)
        assert gallery.index_status().behind == 0


def test_a_sync_that_was_cut_short_is_made_good_by_the_next(folder, server, monkeypatch):
    put, calls = Server.put, []

    def pulled(self, keys, vectors):
        calls.append(keys)
        if len(calls) == 2:
            raise KeyboardInterrupt
        put(self, keys, vectors)

    monkeypatch.setattr("isa_cli.gallery.stores.sync.STEP", 10)
    with Gallery.open(folder, writable=True) as gallery:
        add(gallery, NEW[:30])
        monkeypatch.setattr(Server, "put", pulled)
        with pytest.raises(KeyboardInterrupt):
            gallery.refresh_index()
        assert is_right(gallery)
    with Gallery.open(folder) as reader:  # ten of the new ones are there, and not vouched for
        assert reader.index_status().behind == 30
        assert is_right(reader)
    server.writes.clear()
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
        assert sum(map(len, server.writes)) == 20
        assert sorted(server.vectors) == live(gallery)
        assert is_right(gallery)


def test_a_reader_brings_it_up_to_date_when_it_lacks_too_much(folder, server, monkeypatch):
    monkeypatch.setattr(gallery_module, "LONG_TAIL", 20)
    with Gallery.open(folder, writable=True) as gallery:
        add(gallery, NEW[:30])
    said = Said()
    with Gallery.open(folder, reporter=said) as reader:
        assert is_right(reader)
        assert sorted(server.vectors) == live(reader)
    assert said.lines == ["adding 30 photos to the search index"]


def test_beside_a_writer_the_answers_are_right_without_it(folder, server, monkeypatch):
    monkeypatch.setattr(gallery_module, "LONG_TAIL", 20)
    with Gallery.open(folder, writable=True) as gallery:
        add(gallery, NEW[:30])
        said = Said()
        with Gallery.open(folder, reporter=said) as reader:
            assert is_right(reader)
        assert max(server.vectors) == N
    (line,) = said.lines
    assert line.startswith("searching without the full index (it lacks the newest photos): ")


def test_a_server_that_lost_everything_is_filled_again(folder, server):
    server.vectors.clear()
    server.covered = 0
    said = Said()
    with Gallery.open(folder, reporter=said) as reader:
        assert is_right(reader)
        assert sorted(server.vectors) == live(reader)
    assert said.lines == ["making the search index from the catalogue: nothing was sent there yet"]


def test_rebuilding_sends_everything_again(folder, server):
    server.vectors[1] = -server.vectors[1]  # something went wrong there
    server.writes.clear()
    with Gallery.open(folder, writable=True) as gallery:
        gallery.rebuild()
        assert sum(map(len, server.writes)) == N
        assert is_right(gallery)

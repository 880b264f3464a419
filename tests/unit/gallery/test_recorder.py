"""Outcomes in, catalogue rows out: copies, failures and batches in any order."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.recorder import Recorder
from isa_cli.gallery.records import Embedded, Failed, Same
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo


@pytest.fixture
def catalog(tmp_path):
    with Catalog.open(tmp_path / "catalog.db", writable=True) as catalog:
        catalog.metadata.set_space(EmbeddingSpace("tiny", 4, "ab" * 32))
        yield catalog


@pytest.fixture
def recorder(catalog):
    return Recorder(catalog)


def stamp(name):
    return FileStamp(b"/a/" + name, 1, 1)


def digest(content):
    return b"%016d" % content


def embedded(name, content):
    vector = np.random.default_rng(content).standard_normal(4).astype(np.float32)
    return Embedded(stamp(name), digest(content), PhotoInfo("PNG", 1, 1), vector)


def same(name, content):
    return Same(stamp(name), digest(content))


def counts(recorder):
    return recorder.embedded, recorder.reused, len(recorder.failures)


def names(catalog, content):
    return catalog.photos.by_digest(digest(content)).paths


def test_a_copy_waits_for_its_original_in_a_later_batch(catalog, recorder):
    recorder.record([same(b"copy", 1), embedded(b"other", 2)])
    assert counts(recorder) == (1, 0, 0)
    assert catalog.photos.stats().files == 1
    recorder.record([embedded(b"original", 1)])
    assert counts(recorder) == (2, 1, 0)
    assert names(catalog, 1) == (b"/a/copy", b"/a/original")
    assert catalog.check() == []


def test_a_copy_beside_its_original_or_of_something_old(catalog, recorder):
    catalog.record([embedded(b"old", 1)])
    recorder.record([same(b"copy of old", 1), same(b"copy", 2), embedded(b"new", 2)])
    assert counts(recorder) == (1, 2, 0)
    assert catalog.check() == []


@pytest.mark.parametrize("first", ["copy", "original"])
def test_a_copy_fails_as_its_original_does(catalog, recorder, first):
    batches = [[same(b"copy", 1)], [Failed(stamp(b"original"), "no picture", digest(1))]]
    for batch in batches if first == "copy" else batches[::-1]:
        recorder.record(batch)
    recorder.finish()
    assert counts(recorder) == (0, 0, 2)
    assert dict(catalog.photos.failures()) == {
        b"/a/copy": "no picture",
        b"/a/original": "no picture",
    }


def test_a_copy_of_an_unreadable_file_is_no_copy_of_another(catalog, recorder):
    recorder.record([Failed(stamp(b"locked"), "no permission to read it")])
    recorder.record([same(b"copy", 1)])
    recorder.finish()
    assert counts(recorder) == (0, 0, 1)


def test_a_copy_whose_original_never_comes_is_left_for_the_next_run(catalog, recorder):
    recorder.record([same(b"copy", 1)])
    recorder.finish()
    assert counts(recorder) == (0, 0, 0)
    assert catalog.files_in(b"/a") == {}


def test_the_same_outcomes_twice_change_nothing(catalog, recorder):
    batch = [embedded(b"a", 1), same(b"b", 1), Failed(stamp(b"c"), "no", digest(3))]
    recorder.record(batch)
    before = catalog.photos.stats()
    Recorder(catalog).record(batch)
    assert catalog.photos.stats() == before
    assert catalog.check() == []


def test_of_many_that_ask_for_the_same_bytes_one_brings_them(catalog, recorder):
    together = threading.Barrier(8)

    def ask(_):
        together.wait(10)
        return recorder.is_known(digest(1))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] + [True] * 7
    recorder.record([embedded(b"a", 1)])
    assert recorder.is_known(digest(1))
    assert Recorder(catalog).is_known(digest(1))  # the catalogue knows it too


def test_a_batch_that_cannot_be_written_is_not_counted(catalog, recorder):
    whole = embedded(b"a", 1)
    broken = Embedded(stamp(b"b"), digest(2), whole.info, np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="not zero"):
        recorder.record([whole, broken])
    assert counts(recorder) == (0, 0, 0)
    assert catalog.photos.stats().files == 0

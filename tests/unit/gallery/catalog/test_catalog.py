"""The catalogue: what is recorded, forgotten, answered, and survives."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from isa_cli.errors import SpaceMismatch
from isa_cli.filters import And, Compare, Not, Under
from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.records import Embedded, Failed, IndexFile, KnownFile, Same
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo

DIM = 8
SPACE = EmbeddingSpace("tiny", DIM, "ab" * 32)
JPEG = PhotoInfo("JPEG", 40, 30)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path):
    with Catalog.open(path, writable=True) as catalog:
        catalog.metadata.set_space(SPACE)
        yield catalog


def digest(content):
    return f"{content:016d}".encode()


def vector(content):
    return np.random.default_rng(content).standard_normal(DIM).astype(np.float32)


def stamp(path, size=100, mtime_ns=1):
    return FileStamp(path, size, mtime_ns)


def embedded(path, content, info=JPEG, v=None, **kw):
    return Embedded(stamp(path, **kw), digest(content), info, vector(content) if v is None else v)


def same(path, content, **kw):
    return Same(stamp(path, **kw), digest(content))


def all_keys(catalog):
    return catalog.vectors.select(And(())).tolist()


# --- photos in, photos out -----------------------------------------------------------------------


def test_a_recorded_photo_comes_back_whole(catalog):
    info = PhotoInfo(
        "HEIF", 4032, 3024, 6, "2024-05-01T12:30:15", "Fujifilm X-T5 é", -33.8568, 151.2153
    )
    name = b"/p\xffotos/new\nline\xfe.jpg"  # not text
    catalog.record([embedded(name, 1, info, size=2**40, mtime_ns=1_714_000_000_123_456_789)])
    photo = catalog.photos.at(name)
    assert photo is not None
    assert photo.info == info
    assert (photo.digest, photo.paths, photo.bytes) == (digest(1).hex(), (name,), 2**40)
    assert catalog.photos.by_digest(digest(1)) == photo
    assert catalog.photos.of(np.array(all_keys(catalog), np.uint64)) == {1: [photo]}
    assert catalog.files_in(b"/p\xffotos") == {
        b"new\nline\xfe.jpg": KnownFile(2**40, 1_714_000_000_123_456_789, failed=False)
    }
    assert catalog.check() == []


def test_what_is_not_there_is_none(catalog):
    catalog.record([embedded(b"/a/x", 1)])
    assert catalog.photos.at(b"/a/y") is None
    assert catalog.photos.at(b"/b/x") is None
    assert catalog.photos.by_digest(digest(2)) is None
    assert catalog.vectors.of(digest(2)) is None
    assert catalog.photos.of(np.array([77], np.uint64)) == {}
    assert catalog.files_in(b"/b") == {}


def test_vectors_come_back_as_unit_rows_within_float16(catalog):
    catalog.record([embedded(b"/a/%d" % n, n, v=vector(n) * 10.0**n) for n in range(1, 6)])
    ((keys, rows),) = catalog.vectors.chunks()
    assert keys.tolist() == [1, 2, 3, 4, 5]
    assert keys.dtype == np.uint64
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    expected = np.stack([vector(n) / np.linalg.norm(vector(n)) for n in range(1, 6)])
    np.testing.assert_allclose(rows, expected, atol=1e-3)
    found = catalog.vectors.of(digest(3))
    assert found is not None
    np.testing.assert_array_equal(found, rows[2])


def test_vectors_can_be_asked_for_by_key_and_after_a_key(catalog):
    catalog.record([embedded(b"/a/%d" % n, n) for n in range(1, 8)])

    def keys_of(*args, **kw):
        return [key for keys, _ in catalog.vectors.chunks(*args, **kw) for key in keys.tolist()]

    assert keys_of(after=5) == [6, 7]
    assert keys_of(np.array([7, 2, 99, 2, 2**62], np.uint64)) == [2, 7]
    assert keys_of(np.array([7, 2], np.uint64), after=2) == [7]
    assert keys_of(np.array([], np.uint64)) == []


def test_vectors_are_counted_and_counted_after_a_key(catalog):
    catalog.record([embedded(b"/a/%d" % n, n) for n in range(1, 8)])
    catalog.record([embedded(b"/a/again", 9, v=vector(7))])  # another content, the same vector
    catalog.forget([b"/a/2", b"/a/6"])
    assert catalog.vectors.count() == 5
    assert [catalog.vectors.count(after=key) for key in (0, 1, 2, 5, 6, 7)] == [5, 4, 4, 1, 1, 0]


def test_vectors_come_in_chunks_without_a_seam(catalog, monkeypatch):
    monkeypatch.setattr("isa_cli.gallery.catalog.vectors._CHUNK", 3)
    catalog.record([embedded(b"/a/%d" % n, n) for n in range(1, 9)])
    chunks = [keys.tolist() for keys, _ in catalog.vectors.chunks()]
    assert chunks == [[1, 2, 3], [4, 5, 6], [7, 8]]
    wanted = np.arange(1, 8, dtype=np.uint64)
    assert [k.tolist() for k, _ in catalog.vectors.chunks(wanted)] == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_sample_is_spread_over_the_keys_and_repeatable(catalog):
    catalog.record([embedded(b"/a/%d" % n, n) for n in range(1, 101)])
    rows = np.concatenate([rows for _, rows in catalog.vectors.chunks()])
    np.testing.assert_array_equal(catalog.vectors.sample(4), rows[[0, 25, 50, 75]])
    np.testing.assert_array_equal(catalog.vectors.sample(1000), rows)
    catalog.forget([b"/a/%d" % n for n in range(1, 95)])
    assert 1 <= len(catalog.vectors.sample(4)) <= 4
    assert len(catalog.vectors.sample(6)) == 6


def test_a_sample_of_nothing_is_empty(catalog):
    assert len(catalog.vectors.sample(5)) == 0
    assert catalog.vectors.count() == 0
    assert list(catalog.vectors.chunks()) == []


def test_equal_vectors_collapse_and_unfold_into_their_photos(catalog):
    black = np.eye(DIM, dtype=np.float32)[0]
    negative_zeros = np.where(black == 0, np.float32(-0.0), black)
    catalog.record([embedded(b"/a/1", 1, v=black), embedded(b"/a/2", 2, v=-black)])
    catalog.record([embedded(b"/a/3", 3, v=3 * black), embedded(b"/a/4", 4, v=negative_zeros)])
    assert catalog.vectors.count() == 2
    keys = np.array(all_keys(catalog), np.uint64)
    photos = catalog.photos.of(keys)
    assert [[p.paths[0] for p in photos[key]] for key in (1, 2)] == [
        [b"/a/1", b"/a/3", b"/a/4"],
        [b"/a/2"],
    ]
    assert catalog.forget([b"/a/1", b"/a/3"]).keys.tolist() == []
    assert catalog.forget([b"/a/4"]).keys.tolist() == [1]
    assert catalog.check() == []


def test_photos_apply_the_filter_to_each_content_of_a_vector(catalog):
    v = vector(0)
    small, large = PhotoInfo("PNG", 10, 10), PhotoInfo("PNG", 1000, 10)
    catalog.record([embedded(b"/a/1", 1, small, v), embedded(b"/a/2", 2, large, v)])
    photos = catalog.photos.of(np.array([1], np.uint64), Compare("long_side", ">", 500))
    assert [p.paths for p in photos[1]] == [(b"/a/2",)]


def test_paths_are_sorted_and_those_under_the_filters_folder_come_first(catalog):
    catalog.record([embedded(b"/z/1", 1), same(b"/a/1", 1), same(b"/m/1", 1), same(b"/m/0", 1)])
    keys = np.array([1], np.uint64)
    assert catalog.photos.of(keys)[1][0].paths == (b"/a/1", b"/m/0", b"/m/1", b"/z/1")
    under = And((Under(b"/m"), Not(Under(b"/q"))))
    assert catalog.photos.of(keys, under)[1][0].paths == (b"/m/0", b"/m/1", b"/a/1", b"/z/1")


# --- files that change ---------------------------------------------------------------------------


def test_a_copy_costs_no_vector_and_outlives_the_original(catalog):
    catalog.record([embedded(b"/a/1", 1)])
    catalog.record([same(b"/b/1", 1)])
    assert catalog.forget([b"/a/1"]).photos == 0
    photo = catalog.photos.by_digest(digest(1))
    assert photo is not None
    assert photo.paths == (b"/b/1",)


def test_a_file_with_new_content_drops_the_old_one(catalog):
    catalog.record([embedded(b"/a/1", 1)])
    dropped = catalog.record([embedded(b"/a/1", 2, mtime_ns=2)])
    assert dropped.tolist() == [1]
    assert not catalog.has(digest(1))
    assert all_keys(catalog) == [2]
    assert catalog.check() == []


def test_keys_are_never_used_again(catalog):
    catalog.record([embedded(b"/a/1", 1), embedded(b"/a/2", 2)])
    catalog.forget([b"/a/1", b"/a/2"])
    catalog.record([embedded(b"/a/1", 1)])
    assert all_keys(catalog) == [3]


def test_failures_and_successes_replace_each_other(catalog):
    catalog.record([Failed(stamp(b"/a/1"), "truncated \udcff"), embedded(b"/a/2", 2)])
    assert catalog.files_in(b"/a")[b"1"].failed
    assert list(catalog.photos.failures()) == [(b"/a/1", "truncated \\udcff")]
    catalog.record([embedded(b"/a/1", 1), Failed(stamp(b"/a/2"), "gone bad")])
    assert list(catalog.photos.failures()) == [(b"/a/2", "gone bad")]
    assert not catalog.has(digest(2))
    assert catalog.vectors.count() == 1
    assert catalog.check() == []


def test_same_may_follow_its_original_in_one_batch_and_the_last_word_on_a_file_wins(catalog):
    catalog.record([embedded(b"/a/1", 1), same(b"/a/2", 1), embedded(b"/a/1", 3)])
    at = {name: catalog.photos.at(b"/a/" + name) for name in (b"1", b"2")}
    assert {name: photo and photo.digest for name, photo in at.items()} == {
        b"1": digest(3).hex(),
        b"2": digest(1).hex(),
    }


def test_embedded_twice_keeps_the_first_vector(catalog):
    catalog.record([embedded(b"/a/1", 1), embedded(b"/a/2", 1, v=vector(9))])
    assert catalog.vectors.count() == 1
    found = catalog.vectors.of(digest(1))
    assert found is not None
    assert found @ (vector(1) / np.linalg.norm(vector(1))) > 0.999


def test_renumbered_photos_survive_batch_by_batch(catalog):
    """Each file takes the next one's place; the scan saw them all before the first was recorded."""
    catalog.record([embedded(b"/a/%d" % n, n) for n in range(6)])
    before = all_keys(catalog)
    assert all(catalog.has(digest(n)) for n in range(6))
    for n in range(6):
        catalog.record([same(b"/a/%d" % (n + 1), n, mtime_ns=2)])
    assert catalog.check() == []
    forgotten = catalog.forget([b"/a/0"])
    assert (forgotten.files, forgotten.photos, forgotten.keys.tolist()) == (1, 0, [])
    assert all_keys(catalog) == before


def test_what_was_vouched_for_and_never_came_goes_with_the_next_forget(catalog):
    catalog.record([embedded(b"/a/1", 1)])
    assert catalog.has(digest(1))
    catalog.record([embedded(b"/a/1", 2)])
    assert catalog.vectors.count() == 2
    assert catalog.photos.of(np.array([1], np.uint64)) == {}  # no file at present, so no photo
    assert catalog.check() == []
    assert catalog.forget([]).keys.tolist() == [1]
    assert not catalog.has(digest(1))


def test_what_a_killed_run_vouched_for_goes_when_the_catalogue_is_next_written(path, catalog):
    catalog.record([embedded(b"/a/1", 1)])
    catalog.has(digest(1))
    catalog.record([embedded(b"/a/1", 2)])
    catalog.close()
    with Catalog.open(path, writable=True) as again:
        assert again.vectors.count() == 1
        assert again.check() == []


@pytest.mark.parametrize(
    "bad",
    [
        embedded(b"/a/1", 1, v=np.zeros(DIM, np.float32)),
        embedded(b"/a/1", 1, v=np.full(DIM, np.nan, np.float32)),
        embedded(b"/a/1", 1, v=np.full(DIM, np.inf, np.float32)),
        embedded(b"/a/1", 1, v=np.ones(DIM + 1, np.float32)),
        embedded(b"/a/1", 1, v=np.ones((1, DIM), np.float32)),
        embedded(b"a/1", 1),
        embedded(b"/a/", 1),
        embedded(b"/a/1", 1, PhotoInfo("JPEG", 1, 1, taken_at="yesterday")),
        same(b"/a/1", 404),
    ],
)
def test_a_bad_outcome_leaves_nothing_of_its_batch(catalog, bad):
    with pytest.raises(ValueError, match=r"."):
        catalog.record([embedded(b"/a/0", 5), Failed(stamp(b"/b/1"), "no"), bad])
    assert (
        catalog.photos.stats().photos
        == catalog.photos.stats().failed
        == catalog.vectors.count()
        == 0
    )
    assert catalog.folders_under(b"/") == []
    assert catalog.metadata.generation == 0


def test_a_vector_needs_a_space(path):
    with Catalog.open(path, writable=True) as catalog, pytest.raises(ValueError, match="set_space"):
        catalog.record([embedded(b"/a/1", 1)])


def test_times_beyond_sixty_four_bits_are_cut_off(catalog):
    catalog.record([embedded(b"/a/1", 1, mtime_ns=2**70), embedded(b"/a/2", 2, mtime_ns=-(2**70))])
    assert {k: v.mtime_ns for k, v in catalog.files_in(b"/a").items()} == {
        b"1": 2**63 - 1,
        b"2": -(2**63),
    }


# --- forgetting ----------------------------------------------------------------------------------


def test_forget_says_what_went(catalog):
    catalog.record([embedded(b"/a/1", 1), same(b"/a/2", 1), embedded(b"/b/3", 3)])
    catalog.record([Failed(stamp(b"/b/bad"), "no picture")])
    forgotten = catalog.forget(path for path in [b"/a/1", b"/b/3", b"/b/bad", b"/none/1", b"x"])
    assert (forgotten.files, forgotten.photos, forgotten.keys.tolist()) == (3, 1, [2])
    assert catalog.folders_under(b"/") == [b"/a"]
    assert catalog.check() == []


def test_forget_under_takes_the_folder_its_roots_and_no_sibling(catalog):
    names = [b"/a/b/1", b"/a/b/c/2", b"/a/bc/3", b"/a/b%/4", b"/a/b-/5", b"/a/6", b"/a/B/7"]
    catalog.record([embedded(name, n) for n, name in enumerate(names)])
    for root in (b"/a", b"/a/b", b"/a/b/c", b"/a/bc"):
        catalog.metadata.add_root(root)
    assert catalog.forget_under(b"/a/b/").files == 2
    left = [
        p.paths[0] for ps in catalog.photos.of(catalog.vectors.select(And(()))).values() for p in ps
    ]
    assert left == names[2:]
    assert catalog.metadata.roots() == [b"/a", b"/a/bc"]
    assert catalog.forget_under(b"/a/6").files == 1  # a file is under itself
    assert catalog.forget_under(b"/").files == 4
    assert catalog.photos.stats().folders == 0


def test_folders_under(catalog):
    names = [b"/a/b/1", b"/a/b/c/1", b"/a/bc/1", b"/a/b_/1", b"/\xff/1", b"/top"]
    catalog.record([Failed(stamp(name), "no") for name in names])
    assert catalog.folders_under(b"/a/b") == [b"/a/b", b"/a/b/c"]
    assert catalog.folders_under(b"/a/b/") == [b"/a/b", b"/a/b/c"]
    assert catalog.folders_under(b"/\xff") == [b"/\xff"]
    everything = [b"/", b"/a/b", b"/a/b/c", b"/a/b_", b"/a/bc", b"/\xff"]
    assert catalog.folders_under(b"/") == everything


# --- facts ---------------------------------------------------------------------------------------


def test_the_generation_rises_with_each_change_and_only_then(catalog):
    seen = [catalog.metadata.generation]
    catalog.record([])
    catalog.forget([b"/nowhere"])
    catalog.metadata.set_setting("a", "b")
    catalog.metadata.set_index_file(None)
    seen.append(catalog.metadata.generation)
    catalog.record([embedded(b"/a/1", 1)])
    seen.append(catalog.metadata.generation)
    catalog.record([same(b"/a/1", 1, mtime_ns=2)])
    seen.append(catalog.metadata.generation)
    catalog.forget([b"/a/1"])
    seen.append(catalog.metadata.generation)
    assert seen == [0, 0, 1, 2, 3]


def test_another_space_is_refused_once_there_are_vectors(catalog):
    other = EmbeddingSpace("other", DIM + 1, "cd" * 32)
    catalog.metadata.set_space(other)
    catalog.metadata.set_space(SPACE)
    catalog.record([embedded(b"/a/1", 1)])
    with pytest.raises(SpaceMismatch, match="other"):
        catalog.metadata.set_space(other)
    catalog.metadata.set_space(EmbeddingSpace("new name", DIM, SPACE.digest))
    assert catalog.metadata.space == SPACE
    assert catalog.metadata.space.name == "new name"


def test_facts_outlive_the_process(path, catalog):
    file = IndexFile("hnsw-3.usearch", 10**10, "ef" * 32, 3, 2**40, 5, '{"connectivity": 32}')
    catalog.metadata.set_index_file(file)
    catalog.metadata.set_setting("model", "tiny")
    catalog.metadata.add_root(b"/p\xff")
    catalog.metadata.add_root(b"/p\xff")
    catalog.close()
    with Catalog.open(path, writable=False) as again:
        assert again.metadata.index_file() == file
        assert again.metadata.setting("model") == "tiny"
        assert again.metadata.setting("space") is None
        assert again.metadata.roots() == [b"/p\xff"]
        assert again.metadata.space == SPACE


def test_a_setting_may_be_a_path_that_is_no_text(path, catalog):
    catalog.metadata.set_setting("model", "/models/caf\udce9")
    with Catalog.open(path, writable=False) as again:
        assert again.metadata.setting("model") == "/models/caf\udce9"


def test_stats(catalog):
    first, last = (PhotoInfo("PNG", 1, 1, taken_at=f"{y}-02-03T04:05:06") for y in (1999, 2024))
    catalog.record([embedded(b"/a/1", 1, first, size=10), embedded(b"/b/2", 2, last, size=5)])
    catalog.record([same(b"/b/3", 2, size=5), Failed(stamp(b"/c/4"), "no")])
    stats = catalog.photos.stats()
    assert (stats.photos, stats.files, stats.failed, stats.vectors) == (2, 3, 1, 2)
    assert (stats.bytes, stats.folders, stats.roots) == (20, 2, ())
    assert (stats.first_taken, stats.last_taken) == ("1999-02-03T04:05:06", "2024-02-03T04:05:06")


# --- soundness -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sabotage", "complaint"),
    [
        ("DELETE FROM contents WHERE key = 1", "files have no content"),
        ("DELETE FROM vectors WHERE key = 1", "contents have no vector"),
        ("DELETE FROM files", "contents have no file"),
        ("DELETE FROM files", "folders are empty"),
        ("INSERT INTO vectors (checksum, vector) VALUES (1, x'00')", "vectors have no content"),
        ("UPDATE vectors SET vector = zeroblob(16)", "vectors differ from what was written"),
        ("UPDATE vectors SET vector = zeroblob(14)", "another dimension"),
        (
            (
                "INSERT INTO failures (folder_id, name, size, mtime_ns, reason)"
                " SELECT folder_id, name, 1, 1, '' FROM files"
            ),
            "failed at once",
        ),
        ("INSERT INTO vectors (checksum, vector) SELECT checksum, vector FROM vectors", "twice"),
    ],
)
def test_check_sees(catalog, sabotage, complaint):
    catalog.record([embedded(b"/a/1", 1)])
    assert catalog.check() == []
    catalog._db.rows("PRAGMA foreign_keys = OFF")
    catalog._db.rows(sabotage)
    assert any(complaint in line for line in catalog.check())


class Model:
    """What the catalogue should hold: a dict from path to content, or to None for a failure."""

    def __init__(self):
        self.files = {}

    @property
    def contents(self):
        return {content for content in self.files.values() if content is not None}

    def agrees(self, catalog):
        stats = catalog.photos.stats()
        assert stats.photos == len(self.contents)
        assert stats.files == sum(content is not None for content in self.files.values())
        assert stats.failed == sum(content is None for content in self.files.values())
        assert stats.vectors == len({shape(content) for content in self.contents})
        for path, content in self.files.items():
            photo = catalog.photos.at(path)
            assert (photo and photo.digest) == (content and digest(content).hex())
        assert catalog.check() == []


def shape(content):
    """Contents share vectors: 20 and 21 look alike."""
    return content // 2


def outcome_for(path, rng, model):
    content = rng.randrange(2, 40)
    if rng.random() < 0.15:
        return None, Failed(stamp(path), "no")
    if content in model.contents and rng.random() < 0.5:
        return content, same(path, content)
    return content, embedded(path, content, v=vector(shape(content)))


@pytest.mark.parametrize("seed", range(4))
def test_a_random_walk_agrees_with_a_dict(catalog, seed):
    rng, model = random.Random(seed), Model()
    paths = [b"/%s/%d" % (folder, n) for folder in (b"a", b"a/b", b"a%", b"c") for n in range(6)]
    seen = set()
    for _ in range(40):
        action = rng.random()
        if action < 0.7:
            batch = []
            for path in rng.sample(paths, rng.randrange(1, 9)):
                content, outcome = outcome_for(path, rng, model)
                batch.append(outcome)
                model.files[path] = content
            catalog.record(batch)
        elif action < 0.9:
            gone = rng.sample(paths, rng.randrange(1, 6))
            known = [path for path in gone if path in model.files]
            assert catalog.forget(gone).files == len(known)
            for path in known:
                del model.files[path]
        else:
            folder = rng.choice([b"/a", b"/a/b", b"/a%"])
            under = [p for p in model.files if p.startswith(folder + b"/")]
            assert catalog.forget_under(folder).files == len(under)
            for path in under:
                del model.files[path]
        model.agrees(catalog)
        keys = set(all_keys(catalog))
        assert min(keys - seen, default=2**63) > max(seen, default=0)  # new keys only rise
        seen |= keys
    assert catalog.metadata.generation > 0


# --- threads and processes -----------------------------------------------------------------------


def test_decoders_ask_while_the_writer_writes(catalog):
    """Whoever is told that bytes are known may record a copy of them, whatever happened since."""
    stop, wrong = threading.Event(), []

    def ask():
        while not stop.is_set():
            for n in range(50):
                known = catalog.has(digest(n))
                if known and catalog.vectors.of(digest(n)) is None:
                    wrong.append(n)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(50):
            catalog.record([embedded(b"/a/same name", n, mtime_ns=n)])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_reader_sees_commits_of_a_writer_beside_it(path, catalog):
    with Catalog.open(path, writable=False) as reader:
        assert reader.vectors.count() == 0
        catalog.record([embedded(b"/a/1", 1)])
        assert reader.vectors.count() == 1
        walk = reader.vectors.chunks()
        next(walk)
        catalog.record([embedded(b"/a/2", 2)])  # an unfinished read holds nobody up
        assert [k.tolist() for k, _ in walk] == [[2]]


WRITER = """
import sys, numpy as np
from pathlib import Path
from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.records import Embedded
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo
catalog = Catalog.open(Path(sys.argv[1]), writable=True)
catalog.metadata.set_space(EmbeddingSpace("tiny", 8, "ab" * 32))
for batch in range(10**6):
    rows = np.random.default_rng(batch).standard_normal((16, 8)).astype(np.float32)
    catalog.record([
        Embedded(FileStamp(b"/a/%d.%d" % (batch, n), 1, 1), b"%012d%04d" % (batch, n),
                 PhotoInfo("JPEG", 1, 1), row)
        for n, row in enumerate(rows)
    ])
    print(batch + 1, flush=True)
"""


def test_a_killed_writer_loses_no_commit_and_leaves_no_half_batch(path):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, os.fspath(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = 0
        while said < 20:
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        said = int((writer.stdout.read().split() or [said])[-1])
    with Catalog.open(path, writable=False) as catalog:
        files = catalog.photos.stats().files
        assert files >= 16 * said
        assert files % 16 == 0
        assert catalog.check() == []


def test_counting_and_asking_need_no_numpy(path, catalog):
    catalog.record([Failed(stamp(b"/a/1"), "no")])
    catalog.close()
    script = (
        "import sys; from pathlib import Path; from isa_cli.gallery.catalog import Catalog\n"
        "c = Catalog.open(Path(sys.argv[1]), writable=False)\n"
        "c.photos.stats(); c.has(b'x'); c.close()\n"
        "print(sorted({'numpy', 'torch', 'sqlite_utils', 'PIL', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, os.fspath(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

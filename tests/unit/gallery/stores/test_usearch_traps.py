"""The seven things that bite in USearch: each is provoked in USearch itself, then shown closed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from usearch.index import Index

from isa_cli.errors import GalleryError, UsageError
from isa_cli.filters import Compare, In
from isa_cli.gallery.stores import EXACT_BELOW, hnsw_file, open_index
from isa_cli.gallery.stores.exact import ExactIndex
from isa_cli.gallery.stores.hnsw import BuildParams, Graph, quantise
from isa_cli.gallery.stores.hnsw_index import HnswIndex, SearchParams
from isa_cli.gallery.stores.sync import sync
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace
from tests.fakes import FakeRows

N, DIM = 2_000, 32
SPACE = EmbeddingSpace("any", DIM, "d" * 64)
SHAPE = BuildParams(connectivity=16, expansion_add=64)
KEYS = np.arange(1, N + 1, dtype=np.uint64)


def unit(count, seed):
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VECTORS = unit(N, seed=0)


class Notes(Silent):
    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)


class Home:
    """A gallery as its index sees it: a folder, a catalogue, and which file goes with it."""

    def __init__(self, folder, rows):
        self.folder, self.rows, self.file = folder, rows, None
        self.notes = Notes()

    def record(self, file):
        self.file = file

    def open(self, *, writable=False, effort=None):
        return HnswIndex(
            self.folder,
            SPACE,
            self.rows,
            self.file,
            record=self.record if writable else None,
            shape=SHAPE,
            effort=effort or SearchParams(expansion=256, few=0),
        )

    def flush(self):
        index = self.open(writable=True)
        sync(index, self.rows, self.notes)
        index.flush()
        index.close()

    @property
    def path(self):
        return self.folder / self.file.name

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path, FakeRows(KEYS[:500], VECTORS[:500]))
    home.flush()
    home.notes.lines.clear()
    return home


def same(index, exact, queries, k, where=None):
    found, right = index.search(queries, k, where), exact.search(queries, k, where)
    for mine, theirs in zip(found.keys, right.keys, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def raw(**options):
    return Index(ndim=DIM, metric="cos", dtype="f32", connectivity=16, **options)


# --- 1: many identical vectors strand others ---


def with_crowd():
    vectors = VECTORS.copy()
    vectors[:400] = vectors[0]
    return vectors


def test_1_identical_vectors_strand_others_in_usearch():
    index = raw(expansion_add=64, expansion_search=256)
    index.add(KEYS, with_crowd(), threads=1)
    found = index.search(with_crowd()[400:], 64)
    lost = sum(key not in found[row].keys for row, key in enumerate(KEYS[400:]))
    assert lost > 100


def test_1_identical_vectors_strand_nobody_here(tmp_path):
    """The catalogue keeps one vector for equal ones; should it not, dithering parts them."""
    home = Home(tmp_path, FakeRows(KEYS, with_crowd()))
    home.flush()
    lost = home.open().unreachable()
    assert len(lost[lost > 400]) <= 2
    same(home.open(), ExactIndex(SPACE, home.rows), VECTORS[400:450], 1)


def test_1_equal_vectors_get_codes_of_their_own():
    codes = quantise(np.repeat(unit(1, seed=5), 200, axis=0), np.random.default_rng(1))
    assert len(np.unique(codes, axis=0)) > 150
    assert len(np.unique(quantise(np.repeat(unit(1, seed=5), 200, axis=0)), axis=0)) == 1


# --- 2: concurrent add() leaves unreachable nodes ---


def test_2_a_build_by_one_thread_is_the_same_every_time(tmp_path):
    """Several threads finish in another order each time."""
    homes = [Home(tmp_path / name, FakeRows(KEYS, VECTORS)) for name in "ab"]
    for home in homes:
        home.folder.mkdir()
        home.flush()
    assert homes[0].file.sha256 == homes[1].file.sha256
    assert homes[0].open().unreachable().tolist() == []


def test_2_a_vector_that_cannot_be_reached_is_named(tmp_path):
    home = Home(tmp_path, FakeRows(KEYS[:500], VECTORS[:500]))
    home.flush()
    home.rows.put([3], -VECTORS[2:3])  # the graph has it on the other side of the world
    assert home.open().unreachable().tolist() == [3]


# --- 3: save() is not atomic, and a damaged file is a crash ---


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flip, "index-1.usearch is damaged"),
        (truncate, "bytes instead of"),
        (lambda path: path.write_bytes(b""), "has 0 bytes instead of"),
        (lambda path: path.unlink(), "index-1.usearch is missing"),
        (lambda path: (path.unlink(), path.mkdir()), "can't be read"),
    ],
    ids=["flipped", "truncated", "emptied", "missing", "folder"],
)
def test_3_a_file_that_is_not_as_it_was_written_is_made_again(home, damage, reason):
    damage(home.path)
    reader = home.open()
    assert reason in reader.status().reason
    same(reader, ExactIndex(SPACE, home.rows), VECTORS[:20], 10)

    home.flush()
    (line,) = home.notes.lines
    assert line.startswith("making the search index from the catalogue: ")
    assert reason in line
    assert home.file.generation == 2
    assert home.open().status().reason == ""


def test_3_usearch_itself_takes_a_flipped_byte(home):
    """It would die in ``search``; what matters here is that nothing in it says no."""
    before = Index.metadata(home.path)
    flip(home.path)
    assert Index.metadata(home.path) == before
    assert home.open().status().reason


@pytest.mark.parametrize("key", ["format", "connectivity", "dim", "space", "dtype"])
def test_3_a_file_of_other_settings_is_not_opened(home, key):
    settings = json.loads(home.file.settings)
    home.file = dataclasses.replace(home.file, settings=json.dumps(settings | {key: 0}))
    assert home.open().status().reason == "it was built with other settings"


def test_3_a_file_that_usearch_does_not_understand(home):
    """The checksum is right and the bytes are another program's."""
    home.file = hnsw_file.write(
        home.folder,
        lambda path: Path(path).write_bytes(b"x" * 4_096),
        generation=7,
        last_key=500,
        removed=0,
        settings=home.file.settings,
    )
    assert home.open().status().reason.startswith("USearch can't read it")


def test_3_killed_before_the_catalogue_knows_the_new_file(home):
    def killed(file):
        raise KeyboardInterrupt

    old = home.file
    home.rows.put(KEYS[500:600], VECTORS[500:600])
    index = home.open(writable=True)
    index._file._record = killed
    sync(index, home.rows)
    with pytest.raises(KeyboardInterrupt):
        index.flush()
    assert home.file is old
    assert home.open().status().reason == ""
    home.flush()
    assert home.names() == ["index-2.usearch"]
    assert home.open().status().reason == ""


def test_3_the_old_file_stays_until_the_catalogue_knows_the_new_one(home):
    home.rows.put(KEYS[500:600], VECTORS[500:600])
    seen = []
    index = home.open(writable=True)
    index._file._record = lambda file: seen.extend(home.names())
    sync(index, home.rows)
    index.flush()
    assert seen == ["index-1.usearch", "index-2.usearch"]
    assert home.names() == ["index-2.usearch"]


def test_3_a_reader_keeps_the_file_that_a_writer_replaces(home):
    reader = home.open()
    home.rows.put(KEYS[500:600], VECTORS[500:600])
    home.flush()
    assert home.names() == ["index-2.usearch"]
    same(reader, ExactIndex(SPACE, home.rows), VECTORS[480:520], 5)


def test_3_a_file_that_cannot_be_written_leaves_the_old_one(home):
    def full(path):
        Path(path).write_bytes(b"half")
        raise RuntimeError("No space left on device")

    with pytest.raises(GalleryError, match=r"can't be written.*No space"):
        hnsw_file.write(home.folder, full, generation=2, last_key=0, removed=0, settings="")
    assert home.names() == ["index-1.usearch"]


def test_3_nothing_changed_nothing_written(home):
    before = home.path.stat().st_ino
    home.flush()
    assert (home.file.generation, home.path.stat().st_ino) == (1, before)
    assert home.notes.lines == []


def test_3_the_wreck_of_a_killed_write_is_swept(home):
    (home.folder / "index-2.usearch.part").write_bytes(b"half")
    (home.folder / "index-9.usearch").write_bytes(b"unrecorded")
    home.rows.put([501], VECTORS[500:501])
    home.flush()
    assert home.names() == ["index-2.usearch"]


# --- 4: a batch with a duplicate raises after adding part of it ---


def test_4_usearch_raises_on_a_key_it_has():
    index = raw()
    index.add(KEYS[:3], VECTORS[:3])
    with pytest.raises(RuntimeError, match="Duplicate"):
        index.add(KEYS[2:6], VECTORS[2:6], threads=1)


def test_4_keys_that_are_there_and_keys_twice(home):
    index = home.open(writable=True)
    keys = np.array([499, 501, 499, 502], np.uint64)
    vectors = unit(4, seed=4)
    home.rows.put(keys, vectors)
    for _ in range(2):
        index.upsert(keys, vectors)
    sync(index, home.rows, home.notes)
    assert home.notes.lines == []  # nothing was missing
    index.flush()
    assert index.unreachable().tolist() == []
    same(index, ExactIndex(SPACE, home.rows), vectors, 3)


def test_4_sync_reconciles_with_the_catalogue(home):
    """A process was killed between the catalogue's transaction and the index."""
    home.rows.put(KEYS[500:700], VECTORS[500:700])
    home.rows.drop(KEYS[:50])
    home.flush()
    assert home.notes.lines == ["adding 200 photos to the search index"]
    assert home.file.last_key == 700
    home.rows.read = 0
    same(home.open(), ExactIndex(SPACE, home.rows), VECTORS[40:60], 1)


# --- 5: NaN and zero vectors are accepted ---


@pytest.mark.parametrize("bad", [np.nan, 0.0])
def test_5_nan_and_zero(home, bad):
    vector = np.full((1, DIM), bad, np.float32)
    index = raw()
    index.add(KEYS[:1], vector)
    assert len(index) == 1  # USearch takes it

    mine = home.open(writable=True)
    with pytest.raises(ValueError, match="finite unit rows"):
        mine.upsert(np.array([501], np.uint64), vector)
    assert mine._file.graph.keys.max() == 500


# --- 6: expansions are not saved, one query has another shape, short rows are padded ---


def test_6_what_usearch_forgets(tmp_path):
    path = tmp_path / "raw.usearch"
    index = raw(expansion_add=200, expansion_search=300)
    index.add(KEYS[:3], VECTORS[:3])
    index.save(path)
    assert Index.restore(tmp_path / "missing") is None
    again = Index.restore(path)
    assert (again.expansion_add, again.expansion_search) == (128, 64)
    assert index.search(VECTORS[:1], 2).keys.shape == (2,)
    assert index.search(VECTORS[:2], 5).keys.shape == (2, 5)  # though there are but three


@pytest.mark.parametrize("writable", [True, False])
def test_6_expansions_after_opening(home, writable):
    index = home.open(writable=writable, effort=SearchParams(expansion=300, few=0))
    index.search(VECTORS[:1], 10)
    assert index._file.graph._index.expansion_search == 300
    assert index._file.graph._index.expansion_add == SHAPE.expansion_add
    index.search(VECTORS[:1], 50)
    assert index._file.graph._index.expansion_search == 2 * 4 * 50


def test_6_no_padding(home):
    graph = Graph(DIM, SHAPE)
    graph.add(KEYS[:3], VECTORS[:3])
    for queries in (VECTORS[:1], VECTORS[:4]):
        found = graph.nearest(queries, 10, 64)
        assert [sorted(keys.tolist()) for keys in found] == [[1, 2, 3]] * len(queries)


def test_6_scores_stay_within_one(home):
    found = home.open().search(VECTORS[:300], 1)
    scores = np.concatenate(found.scores)
    assert scores.max() <= 1
    assert scores.min() > 0.999


# --- 7: no predicate, and tombstones ---


@pytest.mark.parametrize("kept", [1_900, 1_000, 400])
def test_7_a_filter_is_answered_by_the_graph(tmp_path, kept):
    home = Home(tmp_path, FakeRows(KEYS, VECTORS))
    home.flush()
    index = home.open()
    home.rows.read = 0
    index.search(VECTORS[:1], 10, Compare("width", "<=", kept))
    assert 10 <= home.rows.read <= 64
    same(index, ExactIndex(SPACE, home.rows), VECTORS[:20], 10, Compare("width", "<=", kept))


def test_7_it_widens_until_there_are_enough(tmp_path):
    """The filter keeps half of the photos, and none of the query's own half."""
    home = Home(tmp_path, FakeRows(KEYS, VECTORS))
    home.flush()
    query = VECTORS[:1]
    far = np.argsort(VECTORS @ query[0])[: N // 2] + 1
    where = In("width", tuple(far.tolist()))
    index = home.open(effort=SearchParams(expansion=256, few=0))
    same(index, ExactIndex(SPACE, home.rows), query, 10, where)
    narrow = home.open(effort=SearchParams(expansion=256, few=0, widest=256))
    same(narrow, ExactIndex(SPACE, home.rows), query, 10, where)


def test_7_five_of_all(tmp_path):
    home = Home(tmp_path, FakeRows(KEYS, VECTORS))
    home.flush()
    where = In("width", (3, 700, 701, 1_500, 2_000))
    for few in (0, 100):
        found = home.open(effort=SearchParams(few=few)).search(VECTORS[:2], 10, where)
        assert [sorted(keys.tolist()) for keys in found.keys] == [[3, 700, 701, 1_500, 2_000]] * 2


def test_7_tombstones_lead_to_a_new_graph(home):
    home.rows.drop(KEYS[:100])
    home.flush()
    assert home.file.removed == 100
    assert home.notes.lines == []
    home.rows.drop(KEYS[100:200])
    home.flush()
    assert home.file.removed == 0
    assert home.notes.lines == [
        "making the search index from the catalogue: 200 of its vectors have been removed"
    ]
    same(home.open(), ExactIndex(SPACE, home.rows), VECTORS[190:210], 5)


# --- around them ---


def test_the_graph_saves_reading(home):
    home.rows.read = 0
    home.open().search(VECTORS[:1], 10)
    assert home.rows.read == 64


def test_a_reader_does_not_write(home):
    reader = home.open()
    for write in (lambda: reader.upsert(KEYS[:1], VECTORS[:1]), lambda: reader.remove(KEYS[:1])):
        with pytest.raises(ValueError, match="opened for reading"):
            write()
    reader.flush()
    assert home.file.generation == 1


def test_rebuild_on_request(home):
    index = home.open(writable=True)
    sync(index, home.rows, home.notes, afresh=True)
    index.flush()
    assert home.notes.lines == ["making the search index from the catalogue: it was asked for"]
    assert home.file.generation == 2


def test_codes_point_where_the_vectors_do():
    codes = quantise(VECTORS, np.random.default_rng(0)).astype(np.float64)
    cosines = (codes * VECTORS).sum(axis=1) / np.linalg.norm(codes, axis=1)
    assert cosines.min() > 0.999
    assert np.abs(codes).max() == 127


def test_usearch_takes_the_codes_as_they_are():
    graph = Graph(DIM, SHAPE)
    graph.add(KEYS[:5], VECTORS[:5])
    kept = np.stack(graph._index.get(KEYS[:5]))
    np.testing.assert_array_equal(kept, quantise(VECTORS[:5], np.random.default_rng(1)))


# --- open_index ---


class Counted(FakeRows):
    def __init__(self, count):
        super().__init__()
        self._count = count

    def count(self, *, after=0):
        return self._count


@pytest.mark.parametrize(
    ("count", "engine"), [(EXACT_BELOW, ExactIndex), (EXACT_BELOW + 1, HnswIndex)]
)
def test_the_size_picks_the_engine(tmp_path, count, engine):
    assert type(open_index(tmp_path, SPACE, Counted(count))) is engine


def test_a_server_is_for_later(tmp_path):
    with pytest.raises(UsageError, match="postgresql://"):
        open_index("postgresql://somewhere/gallery", SPACE, FakeRows())

"""The facade: one writer, any number of readers, an index that mends itself and says so."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from isa_cli.bench.synthetic import clusters, fill
from isa_cli.errors import GalleryError, GalleryLocked, GalleryMissing, SpaceMismatch
from isa_cli.filters import Under
from isa_cli.gallery import stores
from isa_cli.gallery.gallery import Gallery
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("synthetic", 16, "a" * 64)
OTHER = EmbeddingSpace("another", 16, "b" * 64)
N = 300


class Said(Silent):
    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)


@pytest.fixture
def vectors():
    return clusters(N, SPACE.dim, np.random.default_rng(0))


@pytest.fixture
def folder(tmp_path, vectors):
    with Gallery.open(tmp_path / "g", writable=True, space=SPACE) as gallery:
        fill(gallery.catalog, SPACE, vectors)
        gallery.refresh_index()
    return tmp_path / "g"


@pytest.fixture
def hnsw(monkeypatch):
    """Small galleries get an index file too."""
    monkeypatch.setattr(stores, "EXACT_BELOW", 10)


def nearest_of_all(gallery, vectors):
    return [int(keys[0]) for keys in gallery.index.search(vectors, 1).keys]


def test_reading_a_gallery_that_is_not_there(tmp_path):
    with pytest.raises(GalleryMissing, match="no gallery in"):
        Gallery.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_one_writer_at_a_time_named_by_its_process_and_any_number_of_readers(folder):
    with Gallery.open(folder, writable=True), Gallery.open(folder) as one, Gallery.open(folder):
        with pytest.raises(GalleryLocked, match=f"process {os.getpid()}"):
            Gallery.open(folder, writable=True)
        assert one.catalog.vectors.count() == N
    with Gallery.open(folder, writable=True):
        pass  # the lock is free again


def test_the_lock_of_a_killed_writer_does_not_outlive_it(folder):
    script = (
        "import os, sys; from pathlib import Path; from isa_cli.gallery.gallery import Gallery\n"
        "Gallery.open(Path(sys.argv[1]), writable=True); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=False, timeout=60)
    with Gallery.open(folder, writable=True) as gallery:
        assert gallery.catalog.check() == []


def test_another_models_vectors_are_refused_by_name(folder):
    for writable in (False, True):
        with pytest.raises(SpaceMismatch, match=r"synthetic.*another"):
            Gallery.open(folder, writable=writable, space=OTHER)
    with Gallery.open(folder, writable=True, space=SPACE):
        pass  # the refusal gave the lock back


def test_the_same_weights_under_another_name_are_the_same_space(folder):
    renamed = EmbeddingSpace("renamed", SPACE.dim, SPACE.digest)
    with Gallery.open(folder, space=renamed) as gallery:
        assert gallery.space == renamed


@pytest.mark.usefixtures("hnsw")
def test_a_missing_or_damaged_index_is_made_again_with_one_line(folder, vectors):
    with Gallery.open(folder) as gallery:  # the gallery grew past the limit: no file yet
        first = nearest_of_all(gallery, vectors)
    (file,) = folder.glob("*.usearch")

    def flip_a_byte():
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    for damage in (file.unlink, flip_a_byte, lambda: file.write_bytes(file.read_bytes()[:-9])):
        damage()
        said = Said()
        with Gallery.open(folder, reporter=said) as gallery:
            assert nearest_of_all(gallery, vectors) == first
        assert len(said.lines) == 1
        assert "from the catalogue" in said.lines[0]
        (file,) = folder.glob("*.usearch")
        said = Said()
        with Gallery.open(folder, reporter=said) as gallery:
            assert nearest_of_all(gallery, vectors) == first
        assert said.lines == []


@pytest.mark.usefixtures("hnsw")
def test_a_search_beside_a_writer_finds_everything_without_an_index(folder, vectors):
    for file in folder.glob("*.usearch"):
        file.unlink()
    said = Said()
    with (
        Gallery.open(folder, writable=True),
        Gallery.open(folder, reporter=said) as reader,
    ):
        assert nearest_of_all(reader, vectors) == list(range(1, N + 1))
    assert len(said.lines) == 1
    assert "is writing" in said.lines[0]


def _no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["the file", "the catalogue"])
def test_rebuilding_on_a_full_disk_keeps_the_index_that_was_there(
    folder, vectors, hnsw, monkeypatch, where
):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
        before = gallery.catalog.metadata.index_file()
        names = {path.name for path in folder.iterdir()}
        with monkeypatch.context() as patch:
            if where == "the file":
                patch.setattr(os, "fsync", _no_room)
            else:

                def full(_file):
                    raise GalleryError("there is no space left for the catalogue")

                patch.setattr(gallery.catalog.metadata, "set_index_file", full)
            with pytest.raises(GalleryError, match="space left"):
                gallery.rebuild()
        assert gallery.catalog.metadata.index_file() == before
        assert {path.name for path in folder.iterdir()} == names
    said = Said()
    with Gallery.open(folder, reporter=said) as gallery:
        assert nearest_of_all(gallery, vectors[:5]) == [1, 2, 3, 4, 5]
        assert gallery.index_status().place == before.name
        assert gallery.index_status().reason == ""
    assert said.lines == []


LIMITED = """
import resource, sys
from pathlib import Path
from isa_cli.errors import IsaError
from isa_cli.gallery import stores
from isa_cli.gallery.gallery import Gallery

stores.EXACT_BELOW = 10
with Gallery.open(Path(sys.argv[1]), writable=True) as gallery:
    before = gallery.catalog.metadata.index_file()
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
    try:
        gallery.rebuild()
    except IsaError as error:
        print(error.message, "->", error.hint)
    print(gallery.catalog.metadata.index_file() == before)
"""


def test_rebuilding_where_no_file_may_grow_keeps_the_index_that_was_there(folder, hnsw):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
    command = [sys.executable, "-c", LIMITED, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "the search index can't be written" in done.stdout
    assert done.stdout.endswith("True\n")
    with Gallery.open(folder) as gallery:
        assert gallery.index_status().reason == ""


def test_rebuilding_a_gallery_that_has_shrunk_forgets_its_file(folder, hnsw, monkeypatch):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
        monkeypatch.setattr(stores, "EXACT_BELOW", N)
        gallery.rebuild()
        assert gallery.catalog.metadata.index_file() is None


@pytest.mark.usefixtures("hnsw")
def test_rebuilding_makes_a_new_file(folder):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
        (before,) = [path.stat().st_ino for path in folder.glob("*.usearch")]
        gallery.rebuild()
        (after,) = folder.glob("*.usearch")
        assert after.stat().st_ino != before
        assert after.name == gallery.catalog.metadata.index_file().name


@pytest.mark.usefixtures("hnsw")
def test_what_is_forgotten_is_not_found_even_before_the_index_follows(folder, vectors):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
        root = b"/home/somebody/Pictures/2000"
        gone = gallery.catalog.vectors.select(Under(root))
        forgotten = gallery.forget([root])
        assert forgotten.photos == forgotten.files == len(gone) == len(forgotten.keys) > 0
    with Gallery.open(folder) as gallery:
        found = gallery.index.search(vectors[:50], 20)
        assert not set(np.concatenate(found.keys).tolist()) & set(gone.tolist())
        assert all(len(keys) == 20 for keys in found.keys)


def test_a_reader_cannot_refresh(folder):
    with Gallery.open(folder) as gallery, pytest.raises(ValueError, match="reading only"):
        gallery.refresh_index()


def test_what_the_disk_holds_is_counted(folder):
    with Gallery.open(folder) as gallery:
        assert gallery.bytes_on_disk() >= (folder / "catalog.db").stat().st_size > 0
        assert gallery.index_report().startswith("exact")


@pytest.mark.usefixtures("hnsw")
def test_the_report_needs_no_engine_and_says_what_the_engine_says(folder, vectors):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.catalog.metadata.set_index_file(None)
    with Gallery.open(folder) as gallery:
        assert gallery.index_report().startswith("HNSW, made by the next search or isa index: ")
        assert gallery.index_status().behind == N
        nearest_of_all(gallery, vectors)
        open_report = gallery.index_report()
    with Gallery.open(folder) as gallery:
        assert gallery.index_report() == open_report
        assert open_report.startswith("HNSW in index-1.usearch, ")
        metadata, status = gallery.catalog.metadata, gallery.index_status()
        assert status == stores.expected_status(gallery.catalog.vectors, metadata.index_file())


@pytest.mark.usefixtures("hnsw")
def test_a_damaged_index_is_named_and_left_as_it_is(folder, vectors):
    with Gallery.open(folder, writable=True) as gallery:
        gallery.refresh_index()
    (file,) = folder.glob("*.usearch")
    file.write_bytes(file.read_bytes()[:-9])
    with Gallery.open(folder) as gallery:
        assert "bytes instead of" in gallery.index_status().reason
        assert gallery.index_status().vectors == 0

"""The worker is a function of files: same outcomes in a thread, in a process, anywhere."""

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import ModelError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.recorder import Recorder
from isa_cli.gallery.records import Embedded, Failed, Same
from isa_cli.gallery.worker import Decoded, embed, encode, load
from isa_cli.images import digest, read_file
from isa_cli.types import FileStamp
from tests.fakes import MeanColour


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def paint(folder, name, colour):
    Image.new("RGB", (20, 10), colour).save(folder / name)
    return stamp_of(folder / name)


def paint_many(folder, count):
    return [paint(folder, f"{n:03d}.png", (n, 255 - n, 99)) for n in range(count)]


def spoil(folder, name):
    (folder / name).write_bytes(b"this is no picture")
    return stamp_of(folder / name)


def stamp_of(path):
    status = path.stat()
    return FileStamp(os.fsencode(path), status.st_size, status.st_mtime_ns)


def digest_of(stamp):
    return digest(read_file(stamp.path))


def gist(outcomes):
    """Return outcomes in a form that can be compared; arrays can't."""
    vectors = [getattr(outcome, "vector", np.empty(0)).tolist() for outcome in outcomes]
    return [
        (type(outcome), outcome.stamp, outcome.digest, vector)
        for outcome, vector in zip(outcomes, vectors, strict=True)
    ]


# --- one file, one batch -------------------------------------------------------------------------


def test_a_picture_is_decoded_and_prepared_if_there_is_an_encoder(folder):
    stamp = paint(folder, "a.png", (250, 0, 0))
    bare = load(stamp, input_size=(8, 8))
    assert isinstance(bare.picture, Image.Image)
    ready = load(stamp, input_size=(8, 8), prepare=MeanColour().prepare)
    assert ready.picture.shape == (8, 8, 3)
    assert (ready.stamp, ready.digest, ready.info.width) == (stamp, digest_of(stamp), 20)


def test_what_is_known_is_not_even_decoded(folder):
    stamp = spoil(folder, "bad.jpg")
    known = {digest_of(stamp)}.__contains__
    assert load(stamp, input_size=(8, 8), known=known) == Same(stamp, digest_of(stamp))


def test_a_failure_names_the_bytes_where_there_are_any(folder):
    bad = load(spoil(folder, "bad.jpg"), input_size=(8, 8))
    assert bad.reason.startswith("not a picture")
    assert bad.digest == digest(b"this is no picture")
    gone = FileStamp(os.fsencode(folder / "gone.jpg"), 1, 1)
    assert load(gone, input_size=(8, 8)) == Failed(gone, "there is no such file", None)


def test_a_batch_keeps_its_order_and_what_needs_no_encoder(folder):
    first, second = (load(s, input_size=(8, 8)) for s in paint_many(folder, 2))
    same = Same(first.stamp, first.digest)
    outcomes = encode([first, same, second], MeanColour())
    assert [type(outcome) for outcome in outcomes] == [Embedded, Same, Embedded]
    assert [outcome.stamp for outcome in outcomes] == [first.stamp, first.stamp, second.stamp]
    assert encode([same], None) == [same]


def test_the_guilty_picture_of_a_batch_fails_alone(folder):
    good, bad = paint(folder, "a.png", (9, 0, 0)), paint(folder, "b.png", (255, 0, 0))
    encoder = MeanColour(poison=200)
    outcomes = encode([load(stamp, input_size=(8, 8)) for stamp in (good, bad)], encoder)
    assert isinstance(outcomes[0], Embedded)
    assert outcomes[1] == Failed(bad, "the model gave no finite vector", digest_of(bad))


# --- many files, here and elsewhere --------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_files_become_outcomes_in_their_order_and_in_batches(folder, workers):
    stamps = [*paint_many(folder, 10), spoil(folder, "bad.jpg")]
    encoder = MeanColour()
    known = {digest_of(stamps[4])}.__contains__
    outcomes = embed(stamps, encoder, known=known, workers=workers)
    assert [outcome.stamp for outcome in outcomes] == stamps
    kinds = [Embedded] * 10 + [Failed]
    kinds[4] = Same
    assert [type(outcome) for outcome in outcomes] == kinds
    assert encoder.batches == [4, 4, 1]
    (colour,) = encoder.encode([np.full((8, 8, 3), (9, 246, 99))])
    np.testing.assert_allclose(outcomes[9].vector, colour)


def test_a_model_that_fails_on_everything_is_to_blame_itself(folder):
    with pytest.raises(ModelError, match="no finite vector"):
        embed(paint_many(folder, 4), MeanColour(poison=-1))


def test_work_and_outcomes_can_be_sent(folder):
    stamps = [*paint_many(folder, 5), spoil(folder, "bad.jpg")]
    work = partial(embed, encoder=MeanColour(), known=frozenset({b"x"}).__contains__)
    there = pickle.loads(pickle.dumps((work, stamps)))
    outcomes = there[0](there[1])
    assert gist(pickle.loads(pickle.dumps(outcomes))) == gist(work(stamps))
    loaded = load(stamps[0], input_size=(8, 8))
    assert isinstance(pickle.loads(pickle.dumps(loaded)), Decoded)


def test_a_worker_needs_no_catalogue_and_no_torch():
    script = "import sys, isa_cli.gallery.worker; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "isa_cli.gallery.worker" in loaded
    assert not loaded & {"isa_cli.gallery.catalog", "sqlite3", "torch", "usearch", "filelock"}


def test_shards_in_other_processes_make_the_gallery_that_one_makes(folder, tmp_path):
    stamps = [
        *paint_many(folder, 9),
        spoil(folder, "bad.jpg"),
        paint(folder, "copy of 003.png", (3, 252, 99)),
        spoil(folder, "bad again.jpg"),
        paint(folder, "red.png", (255, 0, 0)),
    ]
    work = partial(embed, encoder=MeanColour(poison=254), known=frozenset().__contains__)
    shards = [stamps[start::3] for start in range(3)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        done = list(pool.map(work, shards))
        blamed = pool.submit(embed, stamps[:4], MeanColour(poison=-1)).exception()
    assert isinstance(blamed, ModelError)
    assert blamed.message == "the model gave no finite vector"

    shared, alone = tmp_path / "shared", tmp_path / "alone"
    with Gallery.open(shared, writable=True, space=MeanColour.space) as gallery:
        recorder = Recorder(gallery.catalog)
        for outcomes in (*done, done[0]):  # a shard that was handed in twice
            recorder.record(outcomes)
        recorder.finish()
        gallery.refresh_index()
        assert gallery.catalog.check() == []
    with Gallery.open(alone, writable=True, space=MeanColour.space) as gallery:
        Recorder(gallery.catalog).record(work(stamps))
    assert contents(shared) == contents(alone)
    assert len(contents(shared)[0]) == 10


def contents(folder):
    """Return every file, every photo's files and vector, and the failures."""
    with Gallery.open(folder) as gallery:
        catalog = gallery.catalog
        photos = sorted(
            (photo.paths, vector.tolist())
            for keys, vectors in catalog.vectors.chunks()
            for key, vector in zip(keys.tolist(), vectors, strict=True)
            for photo in catalog.photos.of(np.array([key], np.uint64))[key]
        )
        files = [path for paths, _ in photos for path in paths]
        return files, photos, list(catalog.photos.failures())

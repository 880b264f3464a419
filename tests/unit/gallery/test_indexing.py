"""Folders in, catalogue out: real files, a real catalogue, an encoder worked out by eye."""

import json
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import ModelError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.ignore import ScanOptions
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.images import digest
from isa_cli.reporting import Silent
from tests.fakes import MeanColour


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(tmp_path / "gallery", writable=True, space=MeanColour.space) as opened:
        yield opened


def paint(path, colour):
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (20, 10), colour).save(path)
    return path


def paint_many(folder, count):
    return [paint(folder / f"{n:03d}.png", (n % 256, n // 256, 99)) for n in range(count)]


def run(gallery, folder, encoder=None, stop=None, **options):
    encoder = encoder or MeanColour()
    return index_folders(
        gallery,
        [os.fsencode(folder)],
        lambda: encoder,
        encoder.input_size,
        IndexOptions(**options),
        Silent(),
        stop or threading.Event(),
    )


def test_every_photo_is_found_under_its_own_colour(gallery, folder):
    paths = {"red.png": (255, 0, 0), "green.png": (0, 255, 0), "blue.png": (0, 0, 255)}
    for name, colour in paths.items():
        paint(folder / name, colour)
    summary = run(gallery, folder)
    assert (summary.found, summary.embedded, summary.reused, summary.failures) == (3, 3, 0, [])
    for name, axis in zip(paths, np.eye(3, dtype=np.float32), strict=True):
        key = gallery.index.search(axis[None], 1).keys[0]
        (photo,) = gallery.catalog.photos.of(key)[int(key[0])]
        assert photo.paths == (os.fsencode(folder / name),)


def test_a_sidecar_says_what_the_photo_does_not(gallery, folder):
    paint(folder / "old.png", (9, 9, 9))
    said = {
        "title": "old.png",
        "photoTakenTime": {"timestamp": "1440216499"},
        "geoData": {"latitude": 48.137, "longitude": 11.575},
    }
    (folder / "old.png.supplemental-metadata.json").write_text(json.dumps(said))
    paint(folder / "silent.png", (99, 9, 9))
    run(gallery, folder)
    info = gallery.catalog.photos.at(os.fsencode(folder / "old.png")).info
    assert (info.taken_at, info.latitude) == ("2015-08-22T04:08:19", 48.137)
    stats = gallery.catalog.photos.stats()
    assert (stats.photos, stats.undated, stats.unplaced) == (2, 1, 1)


@pytest.mark.parametrize("seconds", [10**10, -(10**10)])
def test_times_that_the_catalogue_can_not_hold_are_no_change(gallery, folder, seconds):
    paint_many(folder, 2)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    for path in folder.iterdir():
        try:
            os.utime(path, (seconds, seconds))
        except OSError:
            pytest.skip("this disk takes no such time")
        if path.stat().st_mtime != seconds:
            pytest.skip("this disk keeps no such time")
    run(gallery, folder)
    summary = run(gallery, folder)
    assert (summary.found, summary.tally.unchanged, summary.tally.skipped_failed) == (0, 2, 1)


def test_an_unchanged_folder_loads_no_model(gallery, folder):
    paint_many(folder, 5)
    run(gallery, folder)

    def no_model():
        raise AssertionError("the model was loaded for nothing")

    summary = index_folders(
        gallery,
        [os.fsencode(folder)],
        no_model,
        (8, 8),
        IndexOptions(),
        Silent(),
        threading.Event(),
    )
    assert summary.tally.unchanged == 5
    assert summary.found == 0


def test_moved_renamed_and_copied_photos_cost_no_embedding(gallery, folder):
    paths = paint_many(folder, 6)
    run(gallery, folder)
    paths[0].rename(folder / "renamed.png")
    (folder / "sub").mkdir()
    paths[1].rename(folder / "sub" / "moved.png")
    (folder / "copy.png").write_bytes(paths[2].read_bytes())
    encoder = MeanColour()
    summary = run(gallery, folder, encoder)
    assert (summary.reused, summary.embedded, summary.gone) == (3, 0, 2)
    assert encoder.encoded == 0
    copied = gallery.catalog.photos.by_digest(digest(paths[2].read_bytes()))
    assert copied.paths == tuple(sorted(map(os.fsencode, (folder / "copy.png", paths[2]))))
    assert gallery.catalog.check() == []


def test_a_crowd_of_copies_is_embedded_once_in_one_run(gallery, folder):
    for n in range(60):  # more than one batch, several decoding threads
        paint(folder / f"{n}.png", (7, 7, 7) if n % 2 else (200, 0, 0))
    encoder = MeanColour()
    summary = run(gallery, folder, encoder, workers=4)
    assert encoder.encoded == summary.embedded == 2
    assert summary.reused == 58
    assert gallery.catalog.photos.stats().files == 60


def test_changed_and_deleted_files_follow(gallery, folder):
    paths = paint_many(folder, 3)
    run(gallery, folder)
    paint(paths[0], (250, 250, 0))
    os.utime(paths[0], ns=(1, 1))
    paths[1].unlink()
    summary = run(gallery, folder)
    assert (summary.embedded, summary.gone, summary.tally.unchanged) == (1, 1, 1)
    stats = gallery.catalog.photos.stats()
    assert (stats.files, stats.photos) == (2, 2)


def test_a_broken_file_is_named_remembered_and_its_copies_fail_with_it(gallery, folder):
    paint_many(folder, 4)
    for name in ("bad.jpg", "bad again.jpg"):
        (folder / name).write_bytes(b"this is no picture")
    summary = run(gallery, folder)
    assert summary.embedded == 4
    assert sorted(path for path, _ in summary.failures) == [
        os.fsencode(folder / "bad again.jpg"),
        os.fsencode(folder / "bad.jpg"),
    ]
    assert len({reason for _, reason in summary.failures}) == 1
    again = run(gallery, folder)
    assert (again.found, again.tally.skipped_failed) == (0, 2)
    retried = run(gallery, folder, scan=ScanOptions(retry_failed=True))
    assert len(retried.failures) == 2


def test_one_poisonous_picture_does_not_take_its_batch_along(gallery, folder):
    paint_many(folder, 10)
    paint(folder / "004a.png", (255, 0, 0))
    summary = run(gallery, folder, MeanColour(poison=200))
    assert summary.embedded == 10
    assert summary.failures == [
        (os.fsencode(folder / "004a.png"), "the model gave no finite vector")
    ]


def test_a_poisonous_picture_that_comes_alone_stops_no_run(gallery, folder):
    paint(folder / "bad.png", (255, 0, 0))
    summary = run(gallery, folder, MeanColour(poison=200))
    assert len(summary.failures) == 1
    assert run(gallery, folder).tally.skipped_failed == 1


def test_a_model_that_fails_on_everything_is_to_blame_itself(gallery, folder):
    paint_many(folder, 10)
    with pytest.raises(ModelError, match="no finite vector"):
        run(gallery, folder, MeanColour(poison=-1))
    assert gallery.catalog.photos.stats().failed == 0


def test_a_model_that_cannot_be_loaded_leaves_no_thread_behind(gallery, folder):
    paint_many(folder, 300)

    def missing():
        raise ModelError("not here")

    with pytest.raises(ModelError, match="not here"):
        index_folders(
            gallery,
            [os.fsencode(folder)],
            missing,
            (8, 8),
            IndexOptions(),
            Silent(),
            threading.Event(),
        )
    assert not [t for t in threading.enumerate() if t.name.startswith("isa-feed")]


def test_decoding_starts_while_the_model_is_loading(gallery, folder, monkeypatch):
    paint_many(folder, 3)
    decoding = threading.Event()
    encoder = MeanColour()

    def slow_model():
        assert decoding.wait(10), "nothing was decoded before the model was there"
        return encoder

    has = gallery.catalog.has

    def noticed(key):
        decoding.set()
        return has(key)

    monkeypatch.setattr(gallery.catalog, "has", noticed)
    summary = index_folders(
        gallery,
        [os.fsencode(folder)],
        slow_model,
        (8, 8),
        IndexOptions(),
        Silent(),
        threading.Event(),
    )
    assert summary.embedded == 3


def test_a_stopped_run_keeps_what_is_done_and_the_next_one_goes_on(gallery, folder):
    paint_many(folder, 100)
    stop = threading.Event()

    class StopsSoon(MeanColour):
        def encode(self, batch):
            if self.encoded >= 12:
                stop.set()
            return super().encode(batch)

    summary = run(gallery, folder, StopsSoon(), stop)
    assert summary.interrupted
    assert 12 <= summary.embedded < 40
    assert summary.embedded + summary.remaining == 100
    assert gallery.catalog.photos.stats().files == summary.embedded
    rest = run(gallery, folder)
    assert (rest.embedded, rest.tally.unchanged) == (summary.remaining, summary.embedded)
    assert gallery.catalog.check() == []


def test_a_stopped_or_limited_run_forgets_nothing_it_may_yet_meet(gallery, folder):
    paths = paint_many(folder, 8)
    run(gallery, folder)
    for number, path in enumerate(paths):
        path.rename(folder / f"new {number}.png")
    limited = run(gallery, folder, limit=3)
    assert (limited.reused, limited.gone) == (3, 0)
    encoder = MeanColour()
    rest = run(gallery, folder, encoder)
    assert (rest.reused, encoder.encoded) == (5, 0)
    assert gallery.catalog.photos.stats().files == 8


def test_a_dry_run_writes_nothing(gallery, folder):
    paths = paint_many(folder, 4)
    run(gallery, folder)
    paths[0].unlink()
    paint(folder / "new.png", (1, 2, 3))
    generation = gallery.catalog.metadata.generation
    summary = run(gallery, folder, dry_run=True)
    assert (summary.found, summary.gone, summary.embedded) == (1, 1, 0)
    assert gallery.catalog.metadata.generation == generation


def test_an_unmounted_disk_is_not_forgotten_unless_asked(gallery, folder, tmp_path):
    paint_many(folder, 3)
    run(gallery, folder)
    folder.rename(tmp_path / "elsewhere")
    summary = run(gallery, folder)
    assert summary.tally.missing_roots == [os.fsencode(folder)]
    assert (summary.gone, gallery.catalog.photos.stats().files) == (0, 3)
    pruned = run(gallery, folder, scan=ScanOptions(prune=True))
    assert (pruned.gone, gallery.catalog.photos.stats().files) == (3, 0)


def test_batches_are_full_and_taper_off_so_that_all_lanes_end_together(gallery, folder):
    paint_many(folder, 100)
    encoder = MeanColour()
    run(gallery, folder, encoder, batch_size=10)
    assert sum(encoder.batches) == 100
    assert max(encoder.batches) == 10
    assert encoder.batches.count(10) >= 6
    assert max(encoder.batches[-2:]) <= 4


def test_memory_held_before_the_model_is_there_is_bounded(gallery, folder, monkeypatch):
    monkeypatch.setattr("isa_cli.gallery.indexing.HELD_BYTES", 20 * 10 * 3 * 2)
    paint_many(folder, 30)
    encoder = MeanColour()

    def slow_model():
        time.sleep(0.2)  # long enough for the decoders to run into the limit
        return encoder

    summary = index_folders(
        gallery,
        [os.fsencode(folder)],
        slow_model,
        (8, 8),
        IndexOptions(),
        Silent(),
        threading.Event(),
    )
    assert summary.embedded == encoder.encoded == 30

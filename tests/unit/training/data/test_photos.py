"""Which photos are learned from, in which order, and what an encoder sees of them."""

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import ModelError, TrainingError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.patch_features import PatchFeatures
from isa_cli.gallery.records import Embedded
from isa_cli.images import digest
from isa_cli.reporting import Silent
from isa_cli.training.data import patch_features, photos, pictures
from isa_cli.training.data.augment import DEFAULT
from isa_cli.training.data.photos import TrainingPhotos
from isa_cli.training.data.pictures import TrainingPictures
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo

SPACE = EmbeddingSpace("eight", 8, "e" * 64)
SIZE = (16, 16)


class Said(Silent):
    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)

    warn = note


def add(gallery, folder, numbers):
    """Catalogue noisy photos; a photo's number decides its bytes, its shape and its vector."""
    outcomes = []
    for number in numbers:
        rng = np.random.default_rng(number)
        path = folder / f"{number:03}.png"
        shape = (40 + number % 3 * 30, 60, 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
        data = path.read_bytes()
        stamp = FileStamp(os.fsencode(path), len(data), 1)
        info = PhotoInfo("PNG", shape[1], shape[0])
        vector = rng.standard_normal(8).astype(np.float32)
        outcomes.append(Embedded(stamp, digest(data), info, vector))
    gallery.catalog.record(outcomes)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def gallery(tmp_path, folder):
    with Gallery.open(tmp_path / "g", writable=True, space=SPACE) as gallery:
        add(gallery, folder, range(40))
        yield gallery


def held_digests(found):
    return set(found.contents[found.held_out].tolist())


# --- which photos --------------------------------------------------------------------------------


def test_every_photo_comes_with_its_file_and_vector_on_one_side_of_the_split(gallery, folder):
    found = TrainingPhotos.of(gallery)
    assert len(found) == 40
    assert len(found.held_out) == 16
    assert sorted([*found.train, *found.held_out]) == list(range(40))
    for key, path, vector in zip(found.keys, found.paths, found.vectors, strict=True):
        (photo,) = gallery.catalog.photos.of(np.array([key]))[int(key)]
        assert photo.paths == (path,)
        number = int(os.path.basename(path)[:3])
        expected = np.random.default_rng(number)
        expected.integers(0, 256, (40 + number % 3 * 30, 60, 3), dtype=np.uint8)
        expected = expected.standard_normal(8)
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-3)
    assert found.vectors.dtype == np.float32


def test_two_objects_agree(gallery):
    one, other = TrainingPhotos.of(gallery), TrainingPhotos.of(gallery)
    for name in ("keys", "contents", "vectors", "train", "held_out"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_what_was_learned_from_is_not_held_out_when_photos_are_added(gallery, folder):
    before = TrainingPhotos.of(gallery)
    add(gallery, folder, range(40, 60))
    after = TrainingPhotos.of(gallery)
    assert len(after) == 60
    learned = set(before.contents[before.train].tolist())
    assert not learned & held_digests(after)


def test_the_split_is_stable_when_photos_are_added(gallery, folder, monkeypatch):
    monkeypatch.setattr(photos, "LEAST_HELD_OUT", 1)
    before = TrainingPhotos.of(gallery, held_out=0.3)
    add(gallery, folder, range(40, 60))
    after = TrainingPhotos.of(gallery, held_out=0.3)
    assert 1 < len(before.held_out) < len(after.held_out) < 30
    known = set(before.contents.tolist())
    assert held_digests(after) & known == held_digests(before)


def test_no_more_than_so_many_are_held_out():
    contents = np.random.default_rng(0).integers(0, 2**63, 30_000).astype(np.uint64) * 2
    train, held = photos._split(contents, 0.2)
    assert len(held) == 1_000
    assert len(train) == 29_000
    train, held = photos._split(contents, 0.02)
    assert 500 < len(held) < 700


def test_at_most_takes_the_same_ones_each_time_and_others_with_another_seed(gallery, folder):
    some = TrainingPhotos.of(gallery, at_most=34, seed=1)
    assert len(some) == 34
    again = TrainingPhotos.of(gallery, at_most=34, seed=1)
    assert some.paths == again.paths
    others = TrainingPhotos.of(gallery, at_most=34, seed=2)
    assert some.paths != others.paths
    add(gallery, folder, range(40, 42))
    grown = TrainingPhotos.of(gallery, at_most=34, seed=1)
    assert len(set(grown.paths) & set(some.paths)) >= 32


def test_photos_whose_file_is_gone_or_another_are_left_out_and_counted(gallery, folder):
    (folder / "000.png").unlink()
    (folder / "001.png").write_bytes(b"another")
    said = Said()
    found = TrainingPhotos.of(gallery, reporter=said)
    assert len(found) == 38
    assert said.lines == ["2 of 40 photos are left out: their files are gone"]


def test_too_few_photos_are_one_sentence(gallery):
    with pytest.raises(TrainingError, match="at least 32 photos, and there are 31"):
        TrainingPhotos.of(gallery, at_most=31)


def test_without_keeps_everybody_else_in_place(gallery):
    found = TrainingPhotos.of(gallery)
    gone = found.keys[[int(found.train[2]), int(found.held_out[0])]]
    rest = found.without(gone)
    assert len(rest) == 38
    assert held_digests(rest) == held_digests(found) - {int(found.contents[found.held_out[0]])}
    for row, key in enumerate(rest.keys):
        old = int(np.flatnonzero(found.keys == key)[0])
        assert rest.paths[row] == found.paths[old]
        np.testing.assert_array_equal(rest.vectors[row], found.vectors[old])
    with pytest.raises(TrainingError, match="only 0 of 40"):
        found.without(found.keys)


# --- in which order ------------------------------------------------------------------------------


def test_an_epoch_goes_through_the_training_photos_once_in_a_new_order(gallery):
    found = TrainingPhotos.of(gallery)  # 24 to learn from
    assert found.steps_per_epoch(6) == 4
    epochs = [[found.batch_rows(4 * e + n, 6, 0).tolist() for n in range(4)] for e in range(2)]
    for epoch in epochs:
        assert sorted(row for batch in epoch for row in batch) == found.train.tolist()
    assert epochs[0] != epochs[1]


def test_batches_depend_on_step_and_seed_alone(gallery):
    one, other = TrainingPhotos.of(gallery), TrainingPhotos.of(gallery)
    forward = [one.batch_rows(step, 7, 5).tolist() for step in range(9)]
    photos._shuffled.cache_clear()
    backward = [other.batch_rows(step, 7, 5).tolist() for step in reversed(range(9))]
    assert forward == backward[::-1]
    assert forward[0] != one.batch_rows(0, 7, 6).tolist()
    assert all(len(rows) == 7 for rows in forward)
    assert one.steps_per_epoch(500) == 1
    assert len(one.batch_rows(3, 500, 0)) == 24


# --- what an encoder sees ------------------------------------------------------------------------


def prepare(image):
    return np.asarray(image.resize(SIZE[::-1], Image.Resampling.BILINEAR))


def seeing(found, augment=DEFAULT, **options):
    options = {"size": SIZE, "batch_size": 6, "seed": 4, "workers": 2} | options
    return TrainingPictures(found, prepare, augment, **options)


def run(found, steps=8, ahead=False, **options):
    with seeing(found, **options) as shown:
        seen = []
        for step in range(steps):
            if ahead:
                shown.prefetch(step + 1)
            rows, pixels = shown.batch(step, found.batch_rows(step, 6, 4))
            seen.append((rows.tolist(), np.stack(pixels)))
        return seen


def assert_same(one, other):
    for (rows, pixels), (other_rows, other_pixels) in zip(one, other, strict=True):
        assert rows == other_rows
        np.testing.assert_array_equal(pixels, other_pixels)


@pytest.fixture
def decoded(monkeypatch):
    """Paths that were opened, in order."""
    opened = []
    read = pictures.read_file
    monkeypatch.setattr(pictures, "read_file", lambda path: opened.append(path) or read(path))
    return opened


def test_kept_pictures_are_those_that_decoding_again_gives(gallery, decoded):
    found = TrainingPhotos.of(gallery)
    with_cache = run(found)
    assert len(decoded) == 24  # two epochs
    decoded.clear()
    without = run(found, cache_bytes=0)
    assert len(decoded) == 48
    decoded.clear()
    with_some = run(found, cache_bytes=10_000)
    assert 24 < len(decoded) < 48
    assert_same(with_cache, without)
    assert_same(with_cache, with_some)


def test_looking_ahead_changes_nothing(gallery, decoded):
    found = TrainingPhotos.of(gallery)
    assert_same(run(found, cache_bytes=0), run(found, cache_bytes=0, ahead=True, workers=3))


def test_a_batch_that_was_prepared_for_other_rows_is_made_again(gallery):
    found = TrainingPhotos.of(gallery)
    with seeing(found) as shown:
        shown.prefetch(0)
        shown.prefetch(5)
        wanted = found.train[:3]
        rows, pixels = shown.batch(5, wanted)
        assert rows.tolist() == wanted.tolist()
        assert not shown._ahead
    with seeing(found) as shown:
        np.testing.assert_array_equal(shown.batch(5, wanted)[1], pixels)


def test_changes_differ_by_step_and_row_and_seed_and_plain_has_none(gallery):
    found = TrainingPhotos.of(gallery)
    rows = found.train[:2]
    with seeing(found) as shown, seeing(found, seed=5) as other:
        first, second = shown.batch(0, rows)[1], shown.batch(1, rows)[1]
        assert (first[0] != second[0]).any()
        assert (first[0] != other.batch(0, rows)[1][0]).any()
        plain = shown.plain(rows)[1]
        assert (plain[0] != first[0]).any()
        np.testing.assert_array_equal(plain, other.plain(rows)[1])
    with seeing(found, augment=None) as still:
        np.testing.assert_array_equal(plain, still.batch(7, rows)[1])
    # near to what the encoder makes of the whole file
    straight = prepare(Image.open(found.paths[rows[0]])).astype(float)
    assert np.abs(plain[0] - straight).mean() < 12


def test_pictures_are_kept_a_little_larger_than_the_input(gallery):
    found = TrainingPhotos.of(gallery)
    with seeing(found) as shown:
        shown.plain(found.train)
        shapes = {kept.shape for kept in shown._kept.values()}
        spent = sum(kept.nbytes for kept in shown._kept.values())
        assert shown._room == pictures.CACHE_BYTES - spent
    assert len(shapes) == 3
    assert all(min(height, width) == 19 for height, width, _ in shapes)  # 1.15 * 16


def test_a_file_that_is_gone_is_left_out_with_one_warning(gallery, folder):
    found = TrainingPhotos.of(gallery)
    rows = found.train[:4]
    Path(os.fsdecode(found.paths[rows[1]])).unlink()
    said = Said()
    with seeing(found, reporter=said) as shown:
        for step in range(2):
            there, pixels = shown.batch(step, rows)
            assert there.tolist() == rows[[0, 2, 3]].tolist()
            assert len(pixels) == 3
        (line,) = said.lines
        assert os.path.basename(os.fsdecode(found.paths[rows[1]])) in line
        assert "there is no such file" in line
        with pytest.raises(TrainingError, match="none of 1 photos"):
            shown.plain(rows[1:2])


# --- patch features ------------------------------------------------------------------------------


class Backbone:
    """What filling asks of a model: its pixels, and where it runs."""

    place = SimpleNamespace(device=SimpleNamespace(type="cpu"))
    input_size = SIZE
    prepare = staticmethod(prepare)


@pytest.fixture
def computed(monkeypatch):
    """How many pictures went through the model; their features are their mean colours."""
    sizes = []

    def features(backbone, batch, grid):
        sizes.append(len(batch))
        means = np.stack([pixels.mean(axis=(0, 1)) for pixels in batch]) / 255
        return np.tile(np.resize(means, (len(batch), 8))[:, None], (1, grid * grid, 1))

    monkeypatch.setattr(patch_features, "patch_features", features)
    return sizes


def fill(features, found, stop=None, reporter=None):
    stop = stop or threading.Event()
    return patch_features.fill(
        features, found, Backbone(), reporter or Silent(), stop, batch_size=4
    )


def test_patch_features_are_computed_once_per_photo(gallery, folder, computed):
    found = TrainingPhotos.of(gallery)
    assert fill(PatchFeatures.open(gallery.folder, SPACE, 2), found).tolist() == []
    assert sum(computed) == 40
    features = PatchFeatures.open(gallery.folder, SPACE, 2)
    assert features.rows(found.keys).shape == (40, 4, 8)
    add(gallery, folder, range(40, 43))
    assert fill(features, TrainingPhotos.of(gallery)).tolist() == []
    assert sum(computed) == 43


def test_a_stopped_run_goes_on_where_it_was(gallery, computed, monkeypatch):
    found = TrainingPhotos.of(gallery)
    features = PatchFeatures.open(gallery.folder, SPACE, 2)
    stop = threading.Event()
    append = features.append
    monkeypatch.setattr(features, "append", lambda *given: append(*given) or stop.set())
    left = fill(features, found, stop)
    assert 0 < len(left) < 40
    assert sum(computed) == 40 - len(left)  # what was under way is kept
    again = PatchFeatures.open(gallery.folder, SPACE, 2)
    assert again.missing(found.keys).tolist() == left.tolist()
    assert fill(again, found).tolist() == []
    assert sum(computed) == 40


def test_a_photo_that_cannot_be_opened_has_none_and_is_named(gallery, computed):
    found = TrainingPhotos.of(gallery)
    Path(os.fsdecode(found.paths[5])).unlink()
    said = Said()
    features = PatchFeatures.open(gallery.folder, SPACE, 2)
    assert fill(features, found, reporter=said).tolist() == [int(found.keys[5])]
    assert len(said.lines) == 1
    assert os.path.basename(os.fsdecode(found.paths[5])) in said.lines[0]


def test_a_model_without_a_feature_map_is_refused_at_once(gallery, monkeypatch):
    def refuse(*_):
        raise ModelError("no map")

    monkeypatch.setattr(patch_features, "patch_features", refuse)
    features = PatchFeatures.open(gallery.folder, SPACE, 2)
    with pytest.raises(ModelError):
        fill(features, TrainingPhotos.of(gallery))
    assert len(features) == 0

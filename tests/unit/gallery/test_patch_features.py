"""Local features on disk: whole or not there, whatever happened to the files."""

import json
import multiprocessing
import os
import signal

import numpy as np
import pytest

from isa_cli.gallery import patch_features
from isa_cli.gallery.patch_features import HEADER, NAMES, VALUES, PatchFeatures
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("one", 5, "a" * 64)
OTHER = EmbeddingSpace("two", 5, "b" * 64)


def keys(*numbers):
    return np.array(numbers, np.uint64)


def values(names, grid=2, scale=1.0):
    """Values that tell which key they belong to."""
    cells = np.arange(grid * grid * SPACE.dim).reshape(grid * grid, SPACE.dim) / 16
    return np.stack([cells + scale * int(name) for name in names]).astype(np.float32)


@pytest.fixture
def filled(tmp_path):
    features = PatchFeatures.open(tmp_path, SPACE, 2)
    features.append(keys(7, 2**62, 3), values([7, 1, 3]))
    features.append(keys(4), values([4]))
    return tmp_path


def test_what_goes_in_comes_out_in_any_order(filled):
    for features in (PatchFeatures.open(filled, SPACE, 2), PatchFeatures.open(filled, SPACE, 2)):
        assert len(features) == 4
        found = features.rows(keys(4, 7, 4, 2**62))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, values([4, 7, 4, 1]))
        assert features.missing(keys(9, 4, 1, 3)).tolist() == [9, 1]
        with pytest.raises(ValueError, match="1 of 2 keys"):
            features.rows(keys(7, 8))


def test_nothing_is_known_before_the_first_append_and_nothing_is_written(tmp_path):
    features = PatchFeatures.open(tmp_path, SPACE, 2)
    assert features.missing(keys(2, 1)).tolist() == [2, 1]
    assert features.rows(keys()).shape == (0, 4, 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", [VALUES, NAMES])
def test_a_torn_tail_is_ignored_and_written_over(filled, file):
    with (filled / file).open("ab") as opened:
        opened.write(b"\xff" * 61)  # an append that was killed: more than a row, and not whole
    features = PatchFeatures.open(filled, SPACE, 2)
    assert len(features) == 4
    features.append(keys(9), values([9]))
    again = PatchFeatures.open(filled, SPACE, 2)
    np.testing.assert_array_equal(again.rows(keys(3, 9)), values([3, 9]))


@pytest.mark.parametrize("file", [VALUES, NAMES])
def test_a_truncated_file_loses_its_last_rows_alone(filled, file):
    whole = (filled / file).read_bytes()
    (filled / file).write_bytes(whole[: len(whole) // 2 + 3])
    features = PatchFeatures.open(filled, SPACE, 2)
    assert features.missing(keys(7, 2**62, 3, 4)).tolist() == [3, 4]
    features.append(keys(4, 3), values([4, 3]))
    again = PatchFeatures.open(filled, SPACE, 2)
    np.testing.assert_array_equal(again.rows(keys(7, 3, 4)), values([7, 3, 4]))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"count": 3}'])
def test_a_damaged_header_begins_again(filled, text):
    (filled / HEADER).write_text(text)
    features = PatchFeatures.open(filled, SPACE, 2)
    assert features.missing(keys(7)).tolist() == [7]
    features.append(keys(1), values([1]))
    assert len(PatchFeatures.open(filled, SPACE, 2)) == 1


@pytest.mark.parametrize(("space", "grid"), [(OTHER, 2), (SPACE, 3)])
def test_another_space_or_grid_begins_again_without_harming_a_reader(filled, space, grid):
    reader = PatchFeatures.open(filled, SPACE, 2)
    features = PatchFeatures.open(filled, space, grid)
    assert len(features) == 0
    assert len(PatchFeatures.open(filled, SPACE, 2)) == 4  # looking does no harm
    features.append(keys(7), values([50], grid))
    np.testing.assert_array_equal(reader.rows(keys(3)), values([3]))
    np.testing.assert_array_equal(
        PatchFeatures.open(filled, space, grid).rows(keys(7)), values([50], grid)
    )
    assert len(PatchFeatures.open(filled, SPACE, 2)) == 0


def test_a_photo_with_other_bytes_under_a_known_key_is_missing_and_the_newest_row_counts(tmp_path):
    features = PatchFeatures.open(tmp_path, SPACE, 2)
    features.append(keys(1, 2), values([1, 2]), marks=keys(11, 12))
    assert features.missing(keys(1, 2), keys(11, 99)).tolist() == [2]
    assert features.missing(keys(1, 2)).tolist() == []
    features.append(keys(2), values([20]), marks=keys(99))
    again = PatchFeatures.open(tmp_path, SPACE, 2)
    assert again.missing(keys(1, 2), keys(11, 99)).tolist() == []
    np.testing.assert_array_equal(again.rows(keys(2, 1)), values([20, 1]))


def test_two_writers_lose_nothing(tmp_path):
    one, two = (PatchFeatures.open(tmp_path, SPACE, 2) for _ in range(2))
    one.append(keys(1), values([1]))
    two.append(keys(2), values([2]))
    one.append(keys(3), values([3]))
    np.testing.assert_array_equal(one.rows(keys(1, 2, 3)), values([1, 2, 3]))


def test_shapes_are_checked(tmp_path):
    features = PatchFeatures.open(tmp_path, SPACE, 2)
    with pytest.raises(ValueError, match=r"values must be \(1, 4, 5\)"):
        features.append(keys(1), values([1, 2]))


def _append_and_die(folder, moment):
    """Append twice; be killed at one of the moments at which something reaches the disk."""
    left = moment
    sync = os.fsync

    def fatal(descriptor):
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        sync(descriptor)

    patch_features.os.fsync = fatal
    features = PatchFeatures.open(folder, SPACE, 2)
    features.append(keys(1, 2), values([1, 2]))
    features.append(keys(3), values([3]))


@pytest.mark.parametrize(
    ("moment", "whole"), [(0, 0), (2, 0), (3, 0), (4, 0), (5, 2), (6, 2), (8, 2)]
)
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_append_loses_itself_alone(tmp_path, moment, whole):
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=_append_and_die, args=(tmp_path, moment))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    features = PatchFeatures.open(tmp_path, SPACE, 2)
    assert len(features) == whole
    rest = features.missing(keys(1, 2, 3))
    features.append(rest, values(rest))
    again = PatchFeatures.open(tmp_path, SPACE, 2)
    np.testing.assert_array_equal(again.rows(keys(1, 2, 3)), values([1, 2, 3]))
    assert json.loads((tmp_path / HEADER).read_text())["count"] == 3

"""Rendered folders: complete, resumable, and never over somebody's files."""

from __future__ import annotations

import json
import os
from random import Random

import pytest
from PIL import Image

from isa_cli.errors import UsageError
from isa_cli.reporting import Silent
from isa_cli.wardrobe import folder
from isa_cli.wardrobe.garments import Garment, draw
from isa_cli.wardrobe.scenes import place


def scenes(count, seed=0):
    rng = Random(seed)
    return [place(draw(rng), rng) for _ in range(count)]


def write(where, wanted, **options):
    return folder.write(where, wanted, Silent(), size=32, **options)


def test_pictures_and_truth_are_written_side_by_side(tmp_path):
    wanted = scenes(5)
    paths = write(tmp_path / "new" / "deeper", wanted)
    assert [path.name for path in paths] == [f"{i:05d}.jpg" for i in range(5)]
    truth = [json.loads(line) for line in (paths[0].parent / folder.TRUTH).read_text().splitlines()]
    for path, line, scene in zip(paths, truth, wanted, strict=True):
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", (32, 32))
        assert line["image"] == path.name
        assert Garment(**line["attributes"]) == scene.garment
        assert (line["background"], line["light"]) == (scene.background, scene.light)
        assert line["caption"]
    assert not list(paths[0].parent.glob("*.part"))


def test_what_is_there_is_kept_and_what_is_missing_is_drawn(tmp_path):
    paths = write(tmp_path, scenes(4))
    before = {path: path.stat().st_mtime_ns for path in paths}
    paths[2].unlink()
    write(tmp_path, scenes(4))
    assert {path for path in paths if path.stat().st_mtime_ns != before[path]} == {paths[2]}


def test_other_scenes_replace_the_pictures_and_surplus_ones_go(tmp_path):
    paths = write(tmp_path, scenes(4))
    old = [path.read_bytes() for path in paths]
    write(tmp_path, scenes(2, seed=1))
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == ["00000.jpg", "00001.jpg"]
    assert paths[0].read_bytes() != old[0]


def test_a_newer_renderer_draws_everything_again(tmp_path, monkeypatch):
    paths = write(tmp_path, scenes(2))
    before = [path.stat().st_mtime_ns for path in paths]
    monkeypatch.setattr(folder, "RENDERER", folder.RENDERER + 1)
    write(tmp_path, scenes(2))
    assert all(path.stat().st_mtime_ns > then for path, then in zip(paths, before, strict=True))


def test_all_cores_draw_the_same_as_one(tmp_path, monkeypatch):
    wanted = scenes(6)
    alone = [path.read_bytes() for path in write(tmp_path / "alone", wanted)]
    monkeypatch.setattr(folder, "ALONE", 2)
    monkeypatch.setattr(folder, "CHUNK", 2)
    assert [path.read_bytes() for path in write(tmp_path / "many", wanted)] == alone


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(UsageError, match="not empty"):
        write(tmp_path, scenes(1))
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_names_in_a_damaged_truth_file_delete_nothing_elsewhere(tmp_path):
    precious = tmp_path / "precious.jpg"
    precious.write_bytes(b"mine")
    inside = tmp_path / "wardrobe"
    inside.mkdir()
    (inside / folder.TRUTH).write_text('{"image": "../precious.jpg"}\nnonsense\n')
    write(inside, scenes(1))
    assert precious.read_bytes() == b"mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_is_not_ours_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="can't write"):
        write(tmp_path / "new", scenes(1))


def test_a_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't write"):
        write(tmp_path / "file", scenes(1))

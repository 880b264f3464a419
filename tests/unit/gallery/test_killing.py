"""kill -9 at twenty random moments: nothing lost, nothing twice, always a sound gallery."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

PHOTOS, TRIALS = 120, 20


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    work = tmp_path_factory.mktemp("killing")
    (work / "photos").mkdir()
    rng = random.Random(1)
    for n in range(PHOTOS):
        colour = tuple(rng.randrange(256) for _ in range(3))
        Image.new("RGB", (9, 9), colour).save(work / "photos" / f"{n}.png")
    script = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(script), str(work / "photos"), str(work), str(TRIALS), "7"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=200,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_kills_hit_runs_at_work(trials):
    assert len(trials) == TRIALS
    assert sum(trial["killed"] for trial in trials) >= TRIALS // 2
    assert any(0 < trial["left"] < PHOTOS for trial in trials)


def test_the_gallery_is_sound_right_after_the_kill_and_after_the_next_run(trials):
    assert [trial["problems"] for trial in trials] == [[]] * TRIALS
    assert [trial["strays"] for trial in trials] == [[]] * TRIALS


def test_nothing_is_lost_and_nothing_is_there_twice(trials):
    for trial in trials:
        assert trial["files"] == trial["photos"] == trial["vectors"] == PHOTOS
        assert trial["found"] == PHOTOS
        assert trial["forgotten"] == 0


def test_what_was_saved_is_not_embedded_again(trials):
    assert [trial["embedded_again"] for trial in trials] == [PHOTOS - t["left"] for t in trials]

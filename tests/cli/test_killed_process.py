"""kill -9 of the real ``isa index`` with a real model; twenty moments take minutes, hence slow."""

import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from isa_cli.gallery.gallery import Gallery
from tests.cli.conftest import isa_process

PHOTOS, MOMENTS = 400, 20


@pytest.mark.slow
def test_nothing_is_lost_or_there_twice_whenever_it_is_killed(tmp_path, tiny_model):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(PHOTOS):
        Image.fromarray(rng.integers(0, 256, (300, 400, 3), np.uint8)).save(
            photos / f"{number}.jpg"
        )
    moments = random.Random(3)
    partly = 0
    for trial in range(MOMENTS):
        gallery = tmp_path / f"gallery {trial}"
        command = ["index", photos, "--gallery", gallery, "--model", tiny_model]
        process = subprocess.Popen(
            [sys.executable, "-m", "isa_cli", *map(str, command)], stderr=subprocess.PIPE, text=True
        )
        assert "tiny" in process.stderr.readline()  # the model is loaded, embedding begins
        time.sleep(moments.uniform(0, 1.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with Gallery.open(gallery) as left:
            saved, problems = left.catalog.photos.stats().files, left.catalog.check()
        again = isa_process(*command)
        assert again.code == 0, again.err
        assert problems == []
        partly += 0 < saved < PHOTOS
        embedded = int(re.match(r"(?:.*\n)?(\d+) photos? embedded", again.err)[1])
        assert embedded == PHOTOS - saved
        with Gallery.open(gallery) as whole:
            stats = whole.catalog.photos.stats()
            assert whole.catalog.check() == []
            assert stats.files == stats.photos == stats.vectors == PHOTOS
    assert partly >= MOMENTS // 4

"""A full disk is told as one wherever it is met, with room as the next step, and loses nothing."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from huggingface_hub import constants, errors

from isa_cli import atomic
from isa_cli.encoders import hub
from isa_cli.errors import (
    ROOM,
    BenchmarkError,
    GalleryError,
    IsaError,
    ModelError,
    TrainingError,
    UsageError,
    next_step,
)
from isa_cli.evaluation.datasets.crops import Crop, cropped
from isa_cli.gallery.catalog import Catalog, database
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.patch_features import PatchFeatures
from isa_cli.gallery.stores import hnsw_file
from isa_cli.pages import page
from isa_cli.query import checkpoint
from isa_cli.reporting import Silent
from isa_cli.training.data import negatives
from isa_cli.training.engine.run_folder import RunFolder
from isa_cli.triplets import Triplet, write_triplets
from isa_cli.types import EmbeddingSpace
from isa_cli.wardrobe import folder as wardrobe

SPACE = EmbeddingSpace("tiny", 4, "ab" * 32)
HEADER = SimpleNamespace(to_json=lambda: "{}")


@pytest.fixture
def full(monkeypatch):
    """A disk that takes no more, whenever something is to be durable."""

    def refuse(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill():
        monkeypatch.setattr(os, "fsync", refuse)

    return fill


def patches(folder):
    features = PatchFeatures.open(folder, SPACE, 1)
    features.append(np.array([1], np.uint64), np.zeros((1, 1, 4)))


def index_file(folder):
    def save(path):
        with Path(path).open("wb") as file:
            file.write(b"index")

    hnsw_file.write(folder, save, generation=1, last_key=1, removed=0, settings="")


def crop_one(folder):
    from PIL import Image

    source = folder.parent / "source.png"
    Image.new("RGB", (8, 8)).save(source)
    cropped([Crop(source, (0.0, 0.0, 4.0, 4.0))], Silent(), folder)


WRITERS = {
    "page": (UsageError, lambda to: page.put(to / "a.html", "page")),
    "triplets": (
        UsageError,
        lambda to: write_triplets(to / "t.jsonl", [Triplet(1, to / "a", "red", to / "b")]),
    ),
    "run": (TrainingError, lambda to: RunFolder(to / "run", {"a": 1})),
    "negatives": (TrainingError, lambda to: negatives._write(to / "n.npy", np.zeros((1, 1)))),
    "query model": (
        ModelError,
        lambda to: checkpoint.write(to / "q.safetensors", HEADER, {"a": torch.zeros(1)}),
    ),
    "patch features": (GalleryError, patches),
    "index": (GalleryError, index_file),
    "wardrobe": (UsageError, lambda to: wardrobe.write(to / "w", [], Silent())),
    "crops": (BenchmarkError, crop_one),
}


@pytest.mark.parametrize(("kind", "write"), WRITERS.values(), ids=WRITERS)
def test_whoever_writes_says_that_there_is_no_room_and_leaves_nothing(tmp_path, full, kind, write):
    home = tmp_path / "home"
    home.mkdir()
    full()
    with pytest.raises(kind) as caught:
        write(home)
    assert "No space left on device" in caught.value.message
    assert ROOM in caught.value.hint
    assert "permission" not in caught.value.hint
    assert not list(home.rglob("*.part"))


def test_a_folder_of_somebody_elses_is_told_as_one(tmp_path, monkeypatch):
    def refuse(_descriptor):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "fsync", refuse)
    for kind, write in WRITERS.values():
        with pytest.raises(kind) as caught:
            write(tmp_path)
        assert "Permission denied" in caught.value.message
        assert "space" not in caught.value.hint


def test_an_error_of_a_disk_names_the_file_and_keeps_the_old_one(tmp_path, full):
    file = tmp_path / "a"
    file.write_text("old")
    full()
    with pytest.raises(OSError, match="No space left") as caught:
        atomic.write_text(file, "new")
    assert caught.value.filename == str(file)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


# --- libraries that hide why they can't write ----------------------------------------------------

LIMITED = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
import torch
from isa_cli.errors import IsaError
from isa_cli.query import checkpoint
from isa_cli.reporting import Silent
from isa_cli.training.data import negatives
from isa_cli.training.engine.run_folder import RunFolder

home = Path(sys.argv[1])
run = RunFolder(home / "run", {"a": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
much = {"a": torch.zeros(100_000)}
writes = [
    lambda: checkpoint.write(home / "q", SimpleNamespace(to_json=lambda: "{}"), much),
    lambda: negatives._write(home / "n.npy", np.zeros(100_000)),
    lambda: run.save_state(much),
    lambda: run.save_best(much),
]
for write in writes:
    try:
        write()
    except (IsaError, OSError) as error:
        print(error)
"""


def test_a_limit_on_files_is_told_by_its_name(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("File too large") == 4, done.stdout
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["recipe.json"]


def test_the_step_follows_what_is_behind_an_error():
    for number in (errno.ENOSPC, errno.EDQUOT):
        assert next_step(OSError(number, "full"), "other") == ROOM
    assert "ulimit -f" in next_step(OSError(errno.EFBIG, "large"), "other")
    assert next_step(RuntimeError("I/O error: No space left on device (os error 28)")) == ROOM
    wrapped = ModelError("can't be had")
    wrapped.__cause__ = OSError(errno.ENOSPC, "full")
    assert next_step(wrapped, "other") == ROOM
    assert next_step(ValueError("(os error 2)"), "other") == "other"
    assert next_step(OSError("requested and written"), "other") == "other"


# --- the gallery and the hub ---------------------------------------------------------------------


def test_a_gallery_that_can_not_begin(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(GalleryError, match="No space left") as caught:
        Gallery.open(tmp_path / "g", writable=True)
    assert caught.value.hint == ROOM


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_CANTOPEN]
)
def test_a_catalogue_that_can_not_grow(tmp_path, monkeypatch, code):
    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(database.shutil, "disk_usage", lambda _: usage)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    with (
        pytest.raises(GalleryError, match="no space left") as caught,
        database.translated(tmp_path / "catalog.db"),
    ):
        raise error
    assert caught.value.hint == ROOM


def test_a_real_catalogue_that_can_not_grow(tmp_path):
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from isa_cli.errors import IsaError\n"
        "from isa_cli.gallery.catalog import Catalog\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    Catalog.open(Path(sys.argv[1]) / 'catalog.db', writable=True)\n"
        "except IsaError as error:\n"
        "    print(error.message, '->', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    assert "can't be used" in done.stdout or "no space left" in done.stdout
    assert "->" in done.stdout.strip(" \n")
    Catalog.open(tmp_path / "catalog.db", writable=True).close()  # and can be begun again


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Data processing error: I/O error: No space left on device (os error 28)"),
        PermissionError(errno.EACCES, "Permission denied", "/cache"),
        OSError("Connection refused"),
    ],
    ids=repr,
)
def test_a_download_onto_a_full_disk_asks_for_no_network(error):
    fake = SimpleNamespace(constants=constants, errors=errors)
    told = hub._unreachable(fake, "small", "a/b", "weights", error)
    of_the_disk = "refused" not in str(error)
    assert ("HF_HOME" in told.hint) == of_the_disk
    assert ("network" in told.hint) == (not of_the_disk)
    assert isinstance(told, IsaError)

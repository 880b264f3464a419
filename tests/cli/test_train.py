"""``isa train`` and the search that follows it, on a small rendered wardrobe with a tiny model."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from isa_cli.cli.main import run
from isa_cli.config import cache_dir
from isa_cli.query.checkpoint import load
from tests.cli.conftest import Result

LIGHT = ("--light", "mobilenetv3_small_050", "--light-size", "32", "--scratch", "--device", "cpu")
SMALL = (*LIGHT, "--batch-size", "8", "--tokens", "3", "--distil-epochs", "1")
"""6 steps an epoch."""

EPOCHS = ("--epochs", "3")


@dataclass(frozen=True)
class Home:
    """Photos and a gallery of them."""

    photos: Path
    gallery: Path


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Networks this small gain nothing by more, and lose much where other programs run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # of the processes
        yield
    torch.set_num_threads(before)


def log(folder):
    """Return the lines of a run's log."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_model):
    home = tmp_path_factory.mktemp("train")
    photos, gallery = home / "photos", home / "g"
    render = ("wardrobe", "render", photos, "--count", "64", "--size", "64")
    index = ("index", photos, "--model", tiny_model, "--gallery", gallery, "--device", "cpu")
    for call in (render, index):
        assert run([str(word) for word in call]) == 0
    return Home(photos, gallery)


@dataclass(frozen=True)
class Broken:
    """A run that was ended by a signal."""

    out: Path
    code: int
    said: str
    log: list


def broken(home, out, number, far_enough):
    """Start a run as a process of its own, and end it by a signal once its log says so."""
    call = ("train", "--gallery", home.gallery, *SMALL, *EPOCHS, "--out", out)
    command = [sys.executable, "-m", "isa_cli", *map(str, call)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        folder = out.with_suffix(".run")
        while process.poll() is None and not far_enough(folder):
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate(timeout=100)[1]
    finally:
        process.kill()
    return Broken(out, process.returncode, said, log(folder))


def saved(folder):
    """Return whether a run has saved its state, as it does after an epoch."""
    return (folder / "state.pt").is_file()


def under_way(folder):
    """Return whether a run has done three steps."""
    path = folder / "log.jsonl"
    return path.is_file() and path.read_text().count("\n") > 2


@pytest.fixture(scope="module")
def runs(home, tmp_path_factory):
    """An unbroken run in this process, then one that is killed and one that is asked to stop."""
    with redirect_stderr(io.StringIO()) as said:
        code = run(list(map(str, ("train", "--gallery", home.gallery, *SMALL, *EPOCHS))))
    away = tmp_path_factory.mktemp("broken")
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(broken, home, away / "killed.safetensors", signal.SIGKILL, saved)
        asked = pool.submit(broken, home, away / "asked.safetensors", signal.SIGINT, under_way)
    return Result(code, "", said.getvalue()), killed.result(), asked.result()


@pytest.fixture(scope="module")
def trained(home, runs):
    assert runs[0].code == 0, runs[0].err
    return home


def test_training_says_how_good_it_is_and_what_to_type(home, runs):
    said = runs[0].err
    assert "on 16 held-out photos: R@1" in said
    assert "(by chance 0.062)" in said
    assert "best of 3 epochs" in said
    assert "img/s: " in said
    for phase in ("backward", "optimiser", "measuring"):
        assert phase in said
    for path in ("query.safetensors", "query.png", "query.run/log.jsonl"):
        assert str(home.gallery / path) in said
        assert (home.gallery / path).is_file()
    command = said.splitlines()[-1].split()
    assert command[:2] == ["isa", "search"]
    assert Path(command[2]).is_file()
    assert command[-2:] == ["--gallery", str(home.gallery)]


def test_training_leaves_a_log_a_plot_and_no_state(trained):
    records = log(trained.gallery / "query.run")
    assert {"gcd", "lar", "loss", "lr", "step"} <= records[0].keys()
    assert [record["epoch"] for record in records if "epoch" in record] == [1, 2, 3]
    assert not (trained.gallery / "query.run" / "state.pt").exists()
    with Image.open(trained.gallery / "query.png") as picture:
        assert picture.format == "PNG"


def test_the_query_model_says_how_it_was_made(trained):
    record = load(trained.gallery / "query.safetensors").header.training
    assert record["schedule"]["precision"] in {"fp32", "bf16"}
    assert record["images per second"] > 0
    assert {"backward", "optimiser"} <= record["seconds by phase"].keys()
    assert len(record["measures"]) == 3


@pytest.mark.parametrize("which", [1, 2], ids=["killed", "asked to stop"])
def test_a_broken_run_goes_on_to_the_same_end(trained, runs, isa, which):
    one = runs[which]
    if which == 1:
        assert one.code == -signal.SIGKILL, one.said
        assert any("epoch" in record for record in one.log)
    else:
        assert one.code == 130, one.said
        assert "goes on from here" in one.said
    assert one.log[-1]["step"] < 18
    call = ("train", "--gallery", trained.gallery, *SMALL, "--out", one.out)
    other = isa(*call, "--epochs", "4")
    assert other.code == 4
    assert "epochs was 3, not 4" in other.err
    again = isa(*call, *EPOCHS)
    assert again.code == 0, again.err
    assert "going on after step" in again.err
    assert str(one.out) in again.err.splitlines()[-1]  # how to use it
    whole = trained.gallery / "query.safetensors"
    for line, wanted in zip(
        log(one.out.with_suffix(".run")), log(trained.gallery / "query.run"), strict=True
    ):
        assert line == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    wanted = load_file(whole)
    found = load_file(one.out)
    assert found.keys() == wanted.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-2, atol=1e-3)


def test_a_search_uses_it(trained, isa):
    ask = ("search", trained.photos / "00003.jpg", "in green", "--gallery", trained.gallery)
    paths = {}
    for name, more in {
        "auto": (),
        "isa": ("--method", "isa"),
        "slerp": ("--method", "slerp"),
        "blend": ("--alpha", "0.5"),
    }.items():
        said = isa(*ask, *more, "--paths", "--device", "cpu")
        assert said.code == 0, said.err
        paths[name] = said.out.splitlines()
    assert paths["auto"] == paths["isa"]
    assert paths["isa"] != paths["slerp"]
    assert paths["blend"] not in (paths["isa"], paths["slerp"])
    assert not any(path.endswith("00003.jpg") for path in paths["isa"])


def test_the_benchmark_takes_it(trained, tiny_model, isa):
    said = isa(
        *("eval", "wardrobe", "--model", tiny_model, "--count", "10", "--gallery-size", "60"),
        *("--query-model", trained.gallery / "query.safetensors", "--method", "sum,isa", "--json"),
        *("--device", "cpu"),
    )
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert [result["method"] for result in document["results"]] == ["sum", "isa"]
    assert len(document["protocol"]["query model"]) == 8


def test_a_gallery_without_one_says_how_to_get_it(indexed, isa):
    said = isa(
        *("search", indexed.photos / "red.jpg", "in green", "--method", "isa"),
        *("--gallery", indexed.gallery),
    )
    assert said.code == 2
    assert "isa train" in said.err


# --- photos that are in no gallery ---------------------------------------------------------------


def test_photos_of_a_folder_are_embedded_once(home, tiny_model, isa, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "q.safetensors"
    shutil.copytree(home.photos, photos)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    call = ("train", "--images", photos, "--gallery", tmp_path / "none", "--model", tiny_model)
    torch.set_num_threads(3)
    first = isa(*call, *SMALL, "--epochs", "1", "--out", out)
    assert first.code == 0, first.err
    assert "64 photos to learn from, 64 new" in first.err
    assert "1 file that can't be read" in first.err
    assert load(out).header.training["photos"] == 48
    assert torch.get_num_threads() == 3
    later = []  # what a thread gets that asks for the first time
    asking = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    asking.start()
    asking.join()
    assert later == [3]
    torch.set_num_threads(1)
    (photos / "00001.jpg").unlink()
    again = isa(*call, *SMALL, "--epochs", "1", "--out", out)
    assert again.code == 0, again.err
    assert "63 photos to learn from, 0 new" in again.err
    assert "local features" not in again.err
    assert not (tmp_path / "none").exists()
    assert any((cache_dir() / "train").iterdir())


def test_they_are_learned_for_the_gallery_if_it_fits(home, isa, tmp_path):
    gallery = tmp_path / "g"
    gallery.mkdir()
    shutil.copy(home.gallery / "catalog.db", gallery)
    said = isa("train", "--images", home.photos, "--gallery", gallery, *SMALL, "--epochs", "1")
    assert said.code == 0, said.err
    assert "isa search uses it from now on" in said.err
    assert (gallery / "query.safetensors").is_file()


@pytest.mark.parametrize("there", [True, False], ids=["another space", "no gallery"])
def test_without_a_fitting_gallery_the_place_must_be_said(home, tiny_model, isa, tmp_path, there):
    model = "isa-mini" if there else tiny_model
    gallery = home.gallery if there else tmp_path / "none"
    said = isa("train", "--images", home.photos, "--gallery", gallery, "--model", model, *SMALL)
    assert said.code == 2
    assert "--out" in said.err
    assert str(gallery) in said.err


def test_a_folder_with_too_few_is_told_by_its_name(indexed, isa, tmp_path):
    out = tmp_path / "q.safetensors"
    call = ("train", "--images", indexed.photos, "--gallery", indexed.gallery, "--out", out)
    said = isa(*call, *SMALL)
    assert said.code == 4
    assert f"there are 6 below {indexed.photos}" in said.err
    assert not list(tmp_path.iterdir())


# --- what can't be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--light", "no_such_model"), "no_such_model"),
        (("--light-weights", "missing.pth"), "missing.pth"),
        (("--light-options", "{"), "no JSON object"),
        (("--batch-size", "1"), "--batch-size"),
        (("--gallery", "nowhere"), "isa train --images DIR"),
        (("--images", "nowhere"), "--images"),
        (("--images", ""), "--images"),
        (("--out", ""), ".safetensors"),
        (("--out", "query.run"), ".safetensors"),
        (("--precision", "fp16"), "bf16"),
        (("--precision", "fp8"), "fp8"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_can_not_be_trained_is_one_sentence(home, isa, more, said, tmp_path):
    out = ("--out", tmp_path / "q.safetensors")
    done = isa("train", "--gallery", home.gallery, *out, *SMALL, *more)
    assert done.code in {2, 4}
    assert said in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_too_few_photos_are_told(indexed, isa, tmp_path):
    out = ("--out", tmp_path / "q.safetensors")
    done = isa("train", "--gallery", indexed.gallery, *out, *SMALL)
    assert done.code == 4
    assert "training needs at least 32 photos" in done.err
    assert not list(tmp_path.iterdir())


def test_a_gallery_in_which_nothing_is_indexed_is_told(isa, tmp_path):
    from isa_cli.gallery.gallery import Gallery

    Gallery.open(tmp_path / "g", writable=True).close()
    done = isa("train", "--gallery", tmp_path / "g", *SMALL)
    assert done.code == 4
    assert "isa index FOLDER" in done.err


def test_a_file_in_the_way_of_the_run_is_told(home, isa, tmp_path):
    (tmp_path / "q.run").write_text("")
    out = tmp_path / "q.safetensors"
    done = isa("train", "--gallery", home.gallery, *SMALL, "--out", out)
    assert done.code == 4
    assert "can't be written to" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["q.run"]

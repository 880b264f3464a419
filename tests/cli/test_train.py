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
from itertools import pairwise
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

PHRASES = "a red dress\na blue coat\na hat\nshoes without laces\na striped shirt\n"


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
    """A run that was ended by a signal, and the unbroken one that it should become."""

    call: tuple
    whole: Path
    out: Path
    code: int
    said: str
    log: list


def broken(call, whole, out, number, far_enough):
    """Start a run as a process of its own, and end it by a signal once its log says so."""
    command = [sys.executable, "-m", "isa_cli", *map(str, (*call, *EPOCHS, "--out", out))]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        folder = out.with_suffix(".run")
        while process.poll() is None and not far_enough(folder):
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate(timeout=100)[1]
    finally:
        process.kill()
    return Broken(call, whole, out, process.returncode, said, log(folder))


def saved(folder):
    """Return whether a run has saved its state, as it does after an epoch."""
    return (folder / "state.pt").is_file()


def under_way(folder):
    """Return whether a run has done three steps."""
    path = folder / "log.jsonl"
    return path.is_file() and path.read_text().count("\n") > 2


@pytest.fixture(scope="module")
def away(tmp_path_factory):
    """A folder beside the gallery, with some phrases."""
    folder = tmp_path_factory.mktemp("away")
    (folder / "phrases.txt").write_text(PHRASES)
    return folder


@pytest.fixture(scope="module")
def stage_one(home, away):
    """The command line of stage I of two."""
    soft = ("--soft-text", away / "phrases.txt", "--soft-weight", "0.5")
    return ("train", "map", "--gallery", home.gallery, *SMALL, "--vsi", "1,2", *soft)


@pytest.fixture(scope="module")
def runs(home, away, stage_one):
    """Unbroken runs in this process, then two that are killed and one that is asked to stop."""
    isa = ("train", "--gallery", home.gallery, *SMALL)
    whole, mapped = home.gallery / "query.safetensors", away / "mapped.safetensors"
    with redirect_stderr(io.StringIO()) as said:
        codes = [run(list(map(str, (*isa, *EPOCHS))))]
    codes.append(run(list(map(str, (*stage_one, *EPOCHS, "--out", mapped)))))
    ways = {
        "killed": (isa, whole, away / "killed.safetensors", signal.SIGKILL, saved),
        "asked to stop": (isa, whole, away / "asked.safetensors", signal.SIGINT, under_way),
        "map, killed": (stage_one, mapped, away / "map.safetensors", signal.SIGKILL, saved),
    }
    with ThreadPoolExecutor() as pool:
        ended = dict(zip(ways, pool.map(lambda way: broken(*way), ways.values()), strict=True))
    return Result(max(codes), "", said.getvalue()), ended


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
    tune = f"isa eval tune my.csv --gallery {home.gallery} --query-model {home.gallery}/query"
    assert tune in said
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


@pytest.mark.parametrize("which", ["killed", "asked to stop", "map, killed"])
def test_a_broken_run_goes_on_to_the_same_end(trained, runs, isa, which):
    one = runs[1][which]
    if "killed" in which:
        assert one.code == -signal.SIGKILL, one.said
        assert any("epoch" in record for record in one.log)
    else:
        assert one.code == 130, one.said
        assert "goes on from here" in one.said
    assert one.log[-1]["step"] < 18
    call = (*one.call, "--out", one.out)
    other = isa(*call, "--epochs", "4")
    assert other.code == 4
    assert "epochs was 3, not 4" in other.err
    again = isa(*call, *EPOCHS)
    assert again.code == 0, again.err
    assert "going on after step" in again.err
    assert str(one.out) in again.err.splitlines()[-1]  # how to use it
    found, wanted = (log(path.with_suffix(".run")) for path in (one.out, one.whole))
    for line, right in zip(found, wanted, strict=True):
        assert line == pytest.approx(right, rel=1e-4, abs=1e-6)
    found, wanted = load_file(one.out), load_file(one.whole)
    assert found.keys() == wanted.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-2, atol=1e-3)


def test_stage_one_learns_an_injection_and_says_so(trained, away):
    model = load(away / "mapped.safetensors")
    assert model.header.methods == ("two-stage",)
    assert model.injection.config.layers == (1, 2)
    assert all(look.gate != 0 for look in model.injection.layers.values())
    record = model.header.training
    assert record["phrases"] == 5
    assert record["settings"]["soft_weight"] == 0.5
    assert all("soft" in line for line in log(away / "mapped.run") if "epoch" not in line)


ADD = ("--vsi", "2", "--epochs", "1", "--batch-size", "8", "--device", "cpu")


def test_an_injection_added_to_isa_leaves_it_as_it_was(trained, away, isa, tmp_path):
    start, out = trained.gallery / "query.safetensors", away / "added.safetensors"
    call = ("train", "map", "--gallery", trained.gallery, *ADD, "--from", start, "--out", out)
    said = isa(*call, "--soft-text", away / "phrases.txt")
    assert said.code == 0, said.err
    before, after = load_file(start), load_file(out)
    for name, tensor in before.items():
        assert torch.equal(after[name], tensor), name
    assert {name.partition(".")[0] for name in after.keys() - before.keys()} == {"injection"}
    model = load(out)
    assert model.header.methods == ("two-stage", "isa")
    assert model.injection.layers["2"].gate != 0
    record = model.header.training
    assert record["isa"] == load(start).header.training
    assert len(record["added to"]) == 16
    assert "light weights" not in record  # they are the start's
    gallery = tmp_path / "g"
    gallery.mkdir()
    shutil.copy(trained.gallery / "catalog.db", gallery)
    shutil.copy(out, gallery / "query.safetensors")
    scores = {}
    for method, where in (("two-stage", gallery), ("isa", gallery), ("isa", trained.gallery)):
        ask = ("search", trained.photos / "00003.jpg", "in green", "--gallery", where, "--json")
        found = isa(*ask, "--method", method, "--device", "cpu")
        assert found.code == 0, found.err
        hits = map(json.loads, found.out.splitlines())
        scores[method, where] = [(hit["path"], hit["score"]) for hit in hits]
    assert scores["isa", gallery] == scores["isa", trained.gallery]
    assert scores["two-stage", gallery] != scores["isa", gallery]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--from", "mapped.safetensors", "--vsi", "1"), "learned together with an injection"),
        (("--from", "mapped.safetensors"), "nothing is learned but what --vsi adds"),
        (("--from", "mapped.safetensors", "--vsi", "1", "--tokens", "3"), "--tokens has no use"),
        (("--from", "missing.safetensors", "--vsi", "1"), "no file"),
    ],
)
def test_what_nothing_can_be_added_to_is_refused(trained, away, isa, options, says, monkeypatch):
    monkeypatch.chdir(away)
    said = isa("train", "map", "--gallery", trained.gallery, *options, "--device", "cpu")
    assert said.code == 2
    assert says in said.err
    assert "Traceback" not in said.err


def test_isa_alone_has_nothing_of_it(trained):
    model = load(trained.gallery / "query.safetensors")
    assert model.header.methods == ("isa",)
    assert model.injection is None
    assert "phrases" not in model.header.training
    assert not any("soft" in line for line in log(trained.gallery / "query.run"))


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


# --- stage II ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def triplets(home, away):
    """A file of triplets: from each photo to the next."""
    photos = sorted(home.photos.glob("*.jpg"))
    lines = [
        {"reference": str(one), "modifier": f"number {n}", "target": str(other)}
        for n, (one, other) in enumerate(pairwise(photos))
    ]
    file = away / "triplets.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


COMPOSE = ("--batch-size", "8", "--bottleneck", "4", "--epochs", "1", "--device", "cpu")


def test_composing_is_built_on_what_mapping_made(trained, away, triplets, isa):
    start, out = away / "mapped.safetensors", away / "composed.safetensors"
    call = ("train", "compose", "--gallery", trained.gallery, "--triplets", triplets, *COMPOSE)
    said = isa(*call, "--from", start, "--out", out, "--adapters", "0,2", "--hard-negatives", "2")
    assert said.code == 0, said.err
    assert "(before " in said.err
    assert "triplets/s: " in said.err
    assert f"--query-model {out}" in said.err
    before, after = load(start), load(out)
    assert after.header.adapters.layers == (0, 2)
    assert after.header.adapters.bottleneck == 4
    for name, tensor in before.injection.state_dict().items():
        assert torch.equal(after.injection.state_dict()[name], tensor)


def test_adding_to_what_composes_leaves_its_adapters_out_and_says_so(
    trained, away, triplets, isa, tmp_path
):
    start, out = away / "two.safetensors", tmp_path / "added.safetensors"
    compose = ("train", "compose", "--gallery", trained.gallery, "--triplets", triplets, *COMPOSE)
    made = isa(*compose, "--from", trained.gallery / "query.safetensors", "--out", start)
    assert made.code == 0, made.err
    call = ("train", "map", "--gallery", trained.gallery, *ADD, "--from", start, "--out", out)
    said = isa(*call, "--soft-weight", "0")
    assert said.code == 0, said.err
    assert f"the adapters of {start} are left out" in said.err
    header = load(out).header
    assert header.adapters is None
    assert header.training["isa"] == load(trained.gallery / "query.safetensors").header.training


def test_without_another_word_the_gallerys_own_model_learns_to_compose(
    trained, triplets, isa, tmp_path
):
    gallery = tmp_path / "g"
    gallery.mkdir()
    for name in ("catalog.db", "query.safetensors"):
        shutil.copy(trained.gallery / name, gallery)
    said = isa("train", "compose", "--gallery", gallery, "--triplets", triplets, *COMPOSE)
    assert said.code == 0, said.err
    assert load(gallery / "query.safetensors").header.methods == ("two-stage", "isa")
    command = said.err.splitlines()[-1]
    assert "isa search" in command
    assert "'number " in command  # the words of a triplet


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--triplets", "missing.jsonl"), "missing.jsonl"),
        (("--from", "missing.safetensors"), "missing.safetensors"),
        (("--adapters", "7"), "its layers are 1 to 2"),
        (("--adapters", "all"), "names no layers"),
        (("--out", "q.bin"), ".safetensors"),
        (("--precision", "fp16"), "bf16"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_can_not_be_composed_is_one_sentence(trained, triplets, isa, more, said, tmp_path):
    call = ("train", "compose", "--gallery", trained.gallery, "--triplets", triplets, *COMPOSE)
    done = isa(*call, "--out", tmp_path / "q.safetensors", *more)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_a_gallery_without_a_query_model_has_nothing_to_compose_with(home, triplets, isa, tmp_path):
    gallery = tmp_path / "g"
    gallery.mkdir()
    shutil.copy(home.gallery / "catalog.db", gallery)
    done = isa("train", "compose", "--gallery", gallery, "--triplets", triplets, *COMPOSE)
    assert done.code == 2
    assert "isa train map makes one" in done.err


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
    assert "patch features" not in again.err
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


def test_what_takes_the_bundled_query_models_place_says_so(home, isa, tmp_path):
    gallery = tmp_path / "g"
    index = ("index", home.photos, "--model", "isa-mini", "--gallery", gallery, "--device", "cpu")
    assert isa(*index).code == 0
    call = ("train", "--gallery", gallery, *SMALL, "--epochs", "1")
    beside = isa(*call, "--out", tmp_path / "q.safetensors")
    instead = isa(*call)
    assert (beside.code, instead.code) == (0, 0), beside.err + instead.err
    told = "the query model that comes with isa"
    assert (told in beside.err, told in instead.err) == (False, True)


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


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--vsi", "2,3"), "its layers are 1 to 2"),
        (("--vsi", ""), "names no layers"),
        (("--vsi", "4;8"), "names no layers"),
        (("--vsi", "0"), "names no layers"),
        (("--soft-text", "missing.txt"), "missing.txt"),
        (("--soft-text", __file__, "--soft-weight", "0"), "--soft-weight is 0"),
        (("--soft-weight", "-1"), "--soft-weight"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_stage_one_can_not_do_is_one_sentence(home, isa, more, said, tmp_path):
    out = ("--out", tmp_path / "q.safetensors")
    done = isa("train", "map", "--gallery", home.gallery, *out, *SMALL, *more)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_options_before_a_stage_are_not_lost_in_silence(isa):
    done = isa("train", "--gallery", "g", "map", "--epochs", "1")
    assert done.code == 2
    assert done.err == (
        "isa: --gallery stands before 'map', which would not get it\n"
        "  → put it behind: isa train map --gallery ...\n"
    )


def test_the_help_lists_the_stages_and_the_options(isa):
    said = isa("train", "--help").out
    assert "--distil-epochs" in said
    assert "--vsi" not in said
    commands = said.partition("Commands:")[2].split()
    assert {"map", "compose"} <= set(commands)


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

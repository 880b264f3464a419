"""Stage II from a gallery and a file to a query model: what stays, what resumes, what is told."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from isa_cli.encoders import load_backbone
from isa_cli.encoders.foundation import Foundation
from isa_cli.encoders.light import load_light
from isa_cli.errors import TrainingError, UsageError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.records import Embedded
from isa_cli.images import digest
from isa_cli.query.checkpoint import load, save
from isa_cli.query.header import Header, InjectionConfig, MapperConfig
from isa_cli.query.injection import Injection
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.reporting import Silent
from isa_cli.training.compose import compose
from isa_cli.training.config import ComposeConfig
from isa_cli.training.data.negatives import HardNegatives
from isa_cli.training.engine.schedule import Schedule
from isa_cli.training.record import weakness
from isa_cli.training.runs import ComposeRun
from isa_cli.training.tasks.compose import ComposeTask, standard_error
from isa_cli.triplets import Triplet, write_triplets
from isa_cli.types import FileStamp, PhotoInfo

if TYPE_CHECKING:
    from pathlib import Path

REFERENCES, COUNT, STEPS = 20, 30, 16
CONFIG = ComposeConfig(bottleneck=4, hard_negatives=2, batch=8)
SCHEDULE = Schedule(epochs=2, lr=0.01, patience=0)


class Home(NamedTuple):
    folder: Path
    model: str

    def run(self, **given):
        usual = {
            "gallery": self.folder / "g",
            "foundation": Foundation(self.model, "cpu"),
            "triplets": self.folder / "t.jsonl",
            "out": self.folder / "out.safetensors",
            "start": self.folder / "isa.safetensors",
            "config": CONFIG,
            "schedule": SCHEDULE,
        }
        return ComposeRun(**usual | given)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def backbone(tiny_model):
    return load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_model, backbone):
    """A gallery, 40 triplets about it, and query models with and without an injection."""
    home = tmp_path_factory.mktemp("compose")
    with Gallery.open(home / "g", writable=True, space=backbone.space) as gallery:
        gallery.catalog.record([_photo(home, number) for number in range(COUNT)])
    asked = [
        (n, words, 20 + (n + 5 * i) % 10)
        for n in range(REFERENCES)
        for i, words in enumerate(("red", "at night"))
    ]
    write_triplets(
        home / "t.jsonl", [Triplet(0, _path(home, r), w, _path(home, t)) for r, w, t in asked]
    )
    torch.manual_seed(3)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=32).eval()
    config = MapperConfig("token-learner", light.channels, 32, 3, 16)
    training = {"photos": 7, "tuned": {"isa": {"alpha": 0.75}, "two-stage": {"alpha": 0.5}}}
    header = Header(backbone.space, config, light.config, Template().as_dict(), training)
    mapper = build_mapper(config).eval()
    for name, half in {"isa": True, "full": False}.items():
        save(home / f"{name}.safetensors", header, mapper=mapper, light=light, half=half)
    injection = Injection(InjectionConfig((1,), light.channels, 32, 2))
    torch.nn.init.constant_(injection.layers["1"].gate, 0.5)
    save(
        home / "vsi.safetensors",
        replace(header, injection=injection.config),
        mapper=mapper,
        light=light,
        injection=injection,
        half=True,
    )
    return Home(home, str(tiny_model))


def _path(home, number):
    return home / f"{number:02}.png"


def _photo(home, number):
    rng = np.random.default_rng(number)
    path = _path(home, number)
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    stamp = FileStamp(os.fsencode(path), path.stat().st_size, 1)
    vector = rng.standard_normal(32).astype(np.float32)
    return Embedded(stamp, digest(path.read_bytes()), PhotoInfo("PNG", 32, 32), vector)


class Watcher(Silent):
    """Hears everything; stops or breaks a run after some steps of it."""

    def __init__(self, stop_after=None, fail_after=None):
        self.lines = []
        self.stop = threading.Event()
        self._after = stop_after, fail_after
        self._left = None

    def warn(self, message):
        self.lines.append(message)

    note = warn

    @contextmanager
    def progress(self, label, total, unit):
        self._left = [*self._after] if label == "training" else None
        yield self

    def advance(self, count=1):
        if self._left is None or count == 0:
            return
        self._left = [None if n is None else n - 1 for n in self._left]
        if self._left[0] == 0:
            self.stop.set()
        if self._left[1] == 0:
            raise KeyboardInterrupt


def learn(run, watcher=None):
    watcher = watcher or Watcher()
    return compose(run, watcher, watcher.stop)


def log(path):
    lines = (path.with_suffix(".compose.run") / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def losses(path):
    return [record["loss"] for record in log(path) if "loss" in record]


@pytest.fixture(scope="module")
def whole(home):
    return learn(home.run())


def test_it_learns_and_says_what_it_did(whole, home):
    record = load(whole.path).header.training
    assert record == whole.record
    assert (record["triplets"], record["held out"]) == (40, 10)
    assert [epoch["epoch"] for epoch in record["measures"]] == [1, 2]
    assert set(record["untrained"]) == {"log-likelihood", "MRR", "R@1", "R@10"}
    best = max(record["measures"], key=lambda measured: measured["log-likelihood"])
    assert record["reached"] == (best if record["better than untrained"] else record["untrained"])
    assert record["triplets per second"] > 0
    assert {"negatives", "text tower", "losses"} <= record["seconds by phase"].keys()
    assert len(record["triplets file digest"]) == 16
    steps = losses(whole.path)
    assert len(steps) == 2 * STEPS
    assert np.mean(steps[-4:]) < np.mean(steps[:4])
    assert whole.example in {os.fsencode(_path(home.folder, n)) for n in range(REFERENCES)}
    assert whole.modifier in {"red", "at night"}


def test_what_it_was_built_on_is_in_the_record(whole):
    assert whole.record["stage I"] == {"photos": 7}
    assert whole.record["tuned"] == {"isa": {"alpha": 0.75}}  # the other one is no longer so


def test_everything_but_the_adapters_is_as_it_was_bit_for_bit(whole, home):
    old, new = load_file(home.folder / "isa.safetensors"), load_file(whole.path)
    assert {name.split(".")[0] for name in new.keys() - old.keys()} == {"adapters"}
    for name, tensor in old.items():
        assert new[name].dtype == tensor.dtype
        assert torch.equal(new[name], tensor), name
    assert any(new[name].any() for name in new if name.endswith("3.weight"))
    assert load(whole.path).header.methods == ("two-stage", "isa")


def test_nothing_is_left_of_the_run_but_its_log(whole):
    names = {path.name for path in whole.path.with_suffix(".compose.run").iterdir()}
    assert {"log.jsonl"} <= names <= {"log.jsonl", "run.lock"}
    first = log(whole.path)[0]
    assert (first["step"], first["epoch"]) == (0, 0)
    assert first["MRR"] == whole.record["untrained"]["MRR"]


@pytest.mark.parametrize("given", [{"stop_after": 5}, {"fail_after": 21}, {"stop_after": 27}])
def test_a_broken_run_goes_on_to_the_same_end(home, whole, tmp_path, given, monkeypatch):
    run = home.run(out=tmp_path / "two.safetensors")
    if "stop_after" in given:
        assert learn(run, Watcher(**given)) is None
    else:
        with pytest.raises(KeyboardInterrupt):
            learn(run, Watcher(**given))
    mined = sorted(path.name for path in (tmp_path / "two.compose.run").glob("*.npy"))
    assert mined == [f"negatives-000{n}.npy" for n in range(len(mined))]
    begun = []
    mine = HardNegatives._mine
    monkeypatch.setattr(HardNegatives, "_mine", lambda *of: begun.append(1) or mine(*of))
    assert learn(run).record["measures"] == whole.record["measures"]
    assert len(begun) == 2 - len(mined)
    assert losses(run.out) == losses(whole.path)
    for name, tensor in load_file(whole.path).items():
        assert torch.equal(load_file(run.out)[name], tensor), name


def test_the_gallerys_own_query_model_gains_adapters(home, tmp_path):
    own = tmp_path / "query.safetensors"
    own.write_bytes((home.folder / "full.safetensors").read_bytes())
    before = load_file(own)
    run = home.run(start=own, out=own, schedule=replace(SCHEDULE, epochs=1))
    first = learn(run)
    assert load(own).header.methods == ("two-stage", "isa")
    again = learn(run)  # on what has adapters already: they are made anew
    assert again.record["stage I"] == first.record["stage I"] == {"photos": 7}
    assert again.record["measures"] == first.record["measures"]
    after = load_file(own)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert again.record["built on"] == first.record["built on"]


def test_an_injection_is_read_through_and_stays(home, tmp_path, whole):
    start = home.folder / "vsi.safetensors"
    done = learn(home.run(start=start, out=tmp_path / "o.safetensors"))
    new = load_file(done.path)
    assert all(torch.equal(new[name], tensor) for name, tensor in load_file(start).items())
    assert load(done.path).header.methods == ("two-stage",)
    assert losses(done.path)[0] != losses(whole.path)[0]


def test_fewer_layers_and_no_hard_negatives(home, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("mined")

    monkeypatch.setattr(HardNegatives, "of", refuse)
    config = replace(CONFIG, layers=(2,), hard_negatives=0)
    done = learn(home.run(config=config, out=tmp_path / "o.safetensors"))
    assert load(done.path).header.adapters.layers == (2,)
    assert {name.split(".")[2] for name in load_file(done.path) if "adapters" in name} == {"2"}


def test_another_file_of_triplets_is_another_run(home, tmp_path):
    run = home.run(out=tmp_path / "o.safetensors")
    learn(run, Watcher(stop_after=20))
    fewer = replace(run, at_most=38)
    with pytest.raises(TrainingError, match="triplets was 40, not 38"):
        learn(fewer)
    assert learn(replace(fewer, fresh=True)).record["triplets"] == 38


def test_a_layer_that_is_not_there_is_told(home, tmp_path):
    config = replace(CONFIG, layers=(3,))
    with pytest.raises(UsageError, match="no layer 3"):
        learn(home.run(config=config, out=tmp_path / "o.safetensors"))


def test_a_reference_that_can_not_be_opened_is_named(home, tmp_path):
    broken = tmp_path / "broken.png"
    picture = _path(home.folder, 0).read_bytes()
    broken.write_bytes(picture[: len(picture) // 2])
    data = broken.read_bytes()
    gallery = tmp_path / "g"
    gallery.mkdir()
    (gallery / "catalog.db").write_bytes((home.folder / "g" / "catalog.db").read_bytes())
    stamp = FileStamp(os.fsencode(broken), len(data), 1)
    with Gallery.open(gallery, writable=True) as opened:
        opened.catalog.record(
            [Embedded(stamp, digest(data), PhotoInfo("PNG", 32, 32), np.ones(32, np.float32))]
        )
    asked = [(broken, _path(home.folder, 20))]
    asked += [(_path(home.folder, n), _path(home.folder, 21)) for n in range(REFERENCES)]
    file = tmp_path / "t.jsonl"
    write_triplets(file, [Triplet(0, one, "red", other) for one, other in asked])
    with pytest.raises(TrainingError, match=r"broken\.png: truncated"):
        learn(home.run(gallery=gallery, triplets=file, out=tmp_path / "o.safetensors"))


def test_a_run_that_made_nothing_better_says_so(home, tmp_path):
    watcher = Watcher()
    still = replace(SCHEDULE, epochs=1, lr=1e-12)
    done = learn(home.run(schedule=still, out=tmp_path / "o.safetensors"), watcher)
    assert done.record["better than untrained"] is False
    assert any(
        "learned nothing that shows: log-likelihood on 10 held-out" in line
        for line in watcher.lines
    )
    assert weakness(done.record | {"better than untrained": True}) is None
    assert done.record["best epoch"] == 0
    assert done.record["reached"] == done.record["untrained"]
    adapters = {n: t for n, t in load_file(done.path).items() if n.startswith("adapters")}
    assert not any(t.any() for n, t in adapters.items() if n.endswith("3.weight"))


@pytest.mark.parametrize(
    ("before", "best", "said"),
    [
        (-3.5, -3.6, "was -3.500 before and -3.600 at best; the"),
        (-3.5, -3.4, "-3.400 at best, no more than chance may do to so few; the"),
    ],
)
def test_an_improvement_that_chance_may_make_is_told_as_one(before, best, said):
    record = {
        "better than untrained": False,
        "untrained": {"log-likelihood": before},
        "measures": [{"log-likelihood": -4.0}, {"log-likelihood": best}],
        "held out": 10,
    }
    assert said in weakness(record)


def test_a_gain_is_held_against_the_questions_own_noise(home, tmp_path, monkeypatch):
    measures = ComposeTask.measure
    epochs = []

    def measure(task):
        """Lift one question of ten by a lot in the first epoch, and all by a little after it."""
        found = measures(task)
        epochs.append(len(epochs))
        if epochs[-1] == 0:
            task.kept = task.likelihoods
            return found
        gains = np.zeros(10)
        gains[:2] = 9.0, -1.0  # 0.8 on average, and a standard error of 0.92
        task.likelihoods = task.kept + (gains if epochs[-1] == 1 else 0.2)
        return found | {"log-likelihood": float(task.likelihoods.mean())}

    monkeypatch.setattr(ComposeTask, "measure", measure)
    done = learn(home.run(out=tmp_path / "o.safetensors"))
    lifted = [
        each["log-likelihood"] - done.record["untrained"]["log-likelihood"]
        for each in done.record["measures"]
    ]
    assert lifted == pytest.approx([0.8, 0.2], abs=1e-4)
    assert done.record["better than untrained"]
    assert done.record["best epoch"] == 2


def test_a_standard_error():
    assert standard_error(np.array([1.0, 3.0, 5.0, 7.0])) == pytest.approx(1.290994)
    assert standard_error(np.full(9, 0.5)) == 0
    assert standard_error(np.array([0.5])) == np.inf

"""The script that makes the bundled model: what it shows, and that what it writes is a model."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from isa_cli.encoders import load_backbone, space_of
from isa_cli.wardrobe.garments import is_held_out

SCRIPT = Path(__file__).parents[3] / "examples" / "experiments" / "train_isa_mini.py"
TINY = ("--families", "8", "--batch", "8", "--asked", "10", "--every", "1", "--warm-up", "1")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_isa_mini", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_isa_mini"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["train_isa_mini"]


def test_training_never_shows_a_held_out_pair(script):
    members = script.families(300, Random(0))
    assert len(members) == 300 * script.FAMILY
    assert not any(is_held_out(member.scene.garment) for member in members)


def test_a_family_is_one_garment_and_changed_versions_of_it(script):
    members = script.families(50, Random(1))
    for start in range(0, len(members), script.FAMILY):
        first, *others = members[start : start + script.FAMILY]
        assert first.change is None
        for other in others:
            assert other.before == first.scene
            assert other.scene.garment.fits(other.change.wanted)
            assert other.scene.garment != first.scene.garment


def test_batches_are_whole_families_and_go_on_where_they_were(script):
    def rows(skip, count):
        order = script.batches(40, 8, seed=3, skip=skip)
        return [next(order).tolist() for _ in range(count)]

    whole = rows(0, 12)
    assert rows(5, 7) == whole[5:]
    assert sorted(row for batch in whole[:5] for row in batch) == list(range(40))
    assert whole[:5] != whole[5:10]
    for batch in whole:
        assert all(batch[i] + 1 == batch[i + 1] for i in range(0, 8, script.FAMILY))


def run(work, out, steps):
    command = [sys.executable, SCRIPT, "--work", work, "--out", out, "--steps", steps, *TINY]
    return subprocess.run(map(str, command), capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_and_writes_a_model(tmp_path):
    run(tmp_path / "work", tmp_path / "out", 1)
    first = space_of(str(tmp_path / "out"))
    done = run(tmp_path / "work", tmp_path / "out", 2)
    assert '"steps": 1,' not in done.stdout
    record = json.loads((tmp_path / "out" / "training.json").read_text())
    assert (record["steps"], record["pictures"]) == (2, 32)
    assert set(record["captions R@1"]) == {"seen pairs", "unseen pairs"}
    backbone = load_backbone(str(tmp_path / "out"), device="cpu")
    assert backbone.space != first
    assert backbone.encode_text(["a red dress"]).shape == (1, 192)
    words = backbone.network.token_embedding.weight
    assert 20 < int((words != 0).any(dim=1).sum()) < 400

"""The table of a training step's stages: all are there, and they add up."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

SCRIPT = Path(__file__).parents[3] / "examples" / "experiments" / "training_step.py"


@pytest.fixture(autouse=True)
def _same_threads_afterwards():
    """The script takes every core, and other threads of a later test would compute with them."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("training_step", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def photos(tmp_path):
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.jpg")
    return tmp_path


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture
def run(script, tiny_model, photos, monkeypatch):
    """Run the script with batches of a size."""

    def go(batch: int) -> None:
        arguments = [str(tiny_model), "--photos", str(photos), "--batch", str(batch)]
        arguments += ["--rounds", "1", "--light", "mobilenetv3_small_050", "--size", "32"]
        monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
        script.main()

    return go


def test_every_stage_takes_its_time(run, script, capsys):
    run(2)
    rows = {row[0]: row[1:] for row in map(cells, capsys.readouterr().out.splitlines()[4:-2])}
    assert list(rows) == [*script.STAGES, "step", "images/s"]
    for way in (0, 2):
        taken = [float(rows[stage][way]) for stage in script.STAGES]
        assert min(taken) >= 0
        step = float(rows["step"][way])
        assert sum(taken) == pytest.approx(step, abs=len(taken) / 2 + 1)
        assert float(rows["images/s"][way]) == pytest.approx(2000 / step, rel=0.1, abs=0.1)
        shares = [float(rows[stage][way + 1].rstrip("%")) for stage in script.STAGES]
        assert sum(shares) == pytest.approx(100, abs=len(shares) / 2)


def test_the_gradient_comes_back_to_the_words_on_the_way(tiny_model, photos, script):
    backbone = script.load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})
    config = script.IsaConfig(light="mobilenetv3_small_050", light_size=32, batch=2)
    run = script.Run(script.photos_of(photos, 32), backbone, config, trim=True)
    try:
        assert all(taken > 0 for taken in run.step(0))
        assert all(taken > 0 for taken in run.step(1))
    finally:
        run.pictures.close()


def test_the_ratio_is_that_of_whole_steps_within_rounds(script):
    rounds = [([1.0] * 8, [2.0] * 8), ([10.0] * 8, [30.0] * 8), ([1.0] * 8, [4.0] * 8)]
    *lines, last = script.table(rounds, batch=16)
    assert lines[-1] == "| images/s | 2000.0 | | 500.0 | |"
    assert "3.00 times" in last
    assert "(2.00 to 4.00)" in last


def test_too_few_photos_are_refused(run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(5)
    assert "has 4 photos" in capsys.readouterr().err

"""The run's folder: another run is refused by name, damage is told, one process at a time."""

from __future__ import annotations

import pytest
import torch

from isa_cli.errors import TrainingError
from isa_cli.training.engine.run_folder import RunFolder

RECIPE = {"photos": 64, "settings": {"batch": 32, "seed": 0}}
OTHER = {"photos": 64, "settings": {"batch": 64, "seed": 0}}


@pytest.fixture
def begun(tmp_path):
    RunFolder(tmp_path, RECIPE).save_state({"step": 3, "weights": torch.ones(2)})
    return tmp_path


def test_a_folder_with_part_of_another_run_is_refused_by_what_differs(begun):
    with pytest.raises(TrainingError, match=r"batch was 32, not 64$") as caught:
        RunFolder(begun, OTHER)
    assert "--fresh" in caught.value.hint
    assert RunFolder(begun, RECIPE).load_state()["step"] == 3


def test_a_run_that_saved_nothing_gives_way(tmp_path):
    RunFolder(tmp_path, RECIPE)
    RunFolder(tmp_path, OTHER).save_state({})
    with pytest.raises(TrainingError, match="batch was 64"):
        RunFolder(tmp_path, RECIPE)


def test_fresh_forgets_what_was_done(begun):
    RunFolder(begun, RECIPE).save_best({"weights": torch.ones(2)})
    folder = RunFolder(begun, OTHER, fresh=True)
    assert folder.load_state() is None
    assert folder.load_best() is None
    folder.save_state({})
    assert RunFolder(begun, OTHER).load_state() == {}


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_a_damaged_state_is_told(begun, kept):
    state = begun / "state.pt"
    state.write_bytes(state.read_bytes()[:kept])
    with pytest.raises(TrainingError, match="damaged"):
        RunFolder(begun, RECIPE).load_state()


def test_one_process_at_a_time(tmp_path):
    one, other = RunFolder(tmp_path, RECIPE), RunFolder(tmp_path, RECIPE)
    with one.held(), pytest.raises(TrainingError, match="another isa train"), other.held():
        pass
    with other.held():
        pass


def test_only_the_log_is_left_at_the_end(begun):
    folder = RunFolder(begun, RECIPE)
    folder.save_best({})
    folder.log({"step": 1, "loss": 2.0})
    folder.finish()
    assert [path.name for path in begun.iterdir()] == ["log.jsonl"]
    assert folder.records() == [{"step": 1, "loss": 2.0}]


def test_a_folder_that_can_not_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="can't be written to") as caught:
        RunFolder(tmp_path / "file", RECIPE)
    assert "--out" in caught.value.hint

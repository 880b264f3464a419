"""The loop: a broken run is the unbroken one, the best state wins, and nonsense is told."""

from __future__ import annotations

import threading

import pytest
import torch

from isa_cli.errors import TrainingError
from isa_cli.reporting import Silent
from isa_cli.training.engine.loop import Loop, Schedule
from isa_cli.training.engine.run_folder import RunFolder

CPU = torch.device("cpu")
TRUTH = torch.tensor([[1.0, -2.0, 0.5]])


class Line:
    """Fits a line with dropout, so that chance matters, and a batch norm, which has a state.

    It measures whatever it is told.
    """

    steps_per_epoch = 4

    def __init__(self, measures=(), fail_at=None, stop_at=None):
        torch.manual_seed(7)
        self.module = torch.nn.Sequential(
            torch.nn.Dropout(0.2), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1)
        )
        self.asked = []
        self.clock = {}
        self._measures = list(measures)
        self._fail_at = fail_at
        self._stop_at = stop_at
        self.stop = threading.Event()

    def groups(self):
        return [{"params": list(self.module.parameters()), "lr": 1.0}]

    def losses(self, step):
        self.asked.append(step)
        if step == self._fail_at:
            raise KeyboardInterrupt
        if step == self._stop_at:
            self.stop.set()
        rng = torch.Generator().manual_seed(step)
        x = torch.randn(16, 3, generator=rng)
        loss = (self.module(x) - x @ TRUTH.T).square().mean()
        return {"loss": loss, "half": loss / 2}

    def measure(self):
        error = float((self.module[2].weight.detach() - TRUTH).square().sum())
        return {"good": self._measures.pop(0) if self._measures else -error}


def loop_of(task, folder, *, reporter=None, **given):
    own = {name: given.pop(name) for name in ("seed", "batch", "now") if name in given}
    how = Schedule(**({"epochs": 5, "lr": 0.2, "patience": 0} | given))
    return Loop(task, how, RunFolder(folder, {"a": 1}), CPU, reporter or Silent(), **own)


def train(task, folder, **schedule):
    loop = loop_of(task, folder, **schedule)
    return loop.run(task.stop), loop


def losses(folder):
    return [r["loss"] for r in RunFolder(folder, {"a": 1}).records() if "loss" in r]


def weights(task):
    return [value.detach().clone() for value in task.module.state_dict().values()]


@pytest.fixture
def whole(tmp_path):
    task = Line()
    assert train(task, tmp_path / "whole")[0]
    return weights(task), losses(tmp_path / "whole")


def test_it_learns(whole):
    assert len(whole[1]) == 20
    assert sum(whole[1][-4:]) < 0.7 * sum(whole[1][:4])


@pytest.mark.parametrize("at", [1, 6, 8, 15])
def test_a_run_that_was_asked_to_stop_goes_on_to_the_same_end(tmp_path, whole, at):
    stopped = Line(stop_at=at)
    assert train(stopped, tmp_path / "two")[0] is False
    again = Line()
    assert train(again, tmp_path / "two")[0] is True
    assert losses(tmp_path / "two") == pytest.approx(whole[1], abs=1e-6)
    for one, other in zip(weights(again), whole[0], strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("at", [2, 5, 11, 19])
def test_so_does_a_run_that_was_killed(tmp_path, whole, at):
    with pytest.raises(KeyboardInterrupt):
        train(Line(fail_at=at), tmp_path / "two")
    with (tmp_path / "two" / "log.jsonl").open("a") as log:
        log.write('{"step": 999, "lo')  # a line that the kill cut short
    again = Line()
    assert train(again, tmp_path / "two")[0] is True
    assert losses(tmp_path / "two") == pytest.approx(whole[1], abs=1e-6)
    for one, other in zip(weights(again), whole[0], strict=True):
        torch.testing.assert_close(one, other)


def test_the_best_epochs_weights_are_what_is_left(tmp_path):
    task = Line(measures=[0.1, 0.9, 0.3, 0.2, 0.1])
    seen = []
    task.measure_before = task.measure
    task.measure = lambda: (seen.append(weights(task)), task.measure_before())[1]
    _, loop = train(task, tmp_path)
    assert loop.progress.best_epoch == 2
    for one, other in zip(weights(task), seen[1], strict=True):
        torch.testing.assert_close(one, other)


def test_no_epoch_wins_that_is_no_better_than_what_was_there(tmp_path):
    task = Line([0.2, 0.4, 0.3, 0.1, 0.0])
    loop = loop_of(task, tmp_path)
    before = weights(task)
    loop.stand_against({"good": 0.4, "other": 9.0})
    assert loop.run(task.stop)
    assert loop.progress.best_epoch == 0
    for mine, theirs in zip(weights(task), before, strict=True):
        assert torch.equal(mine, theirs)


def test_a_run_that_goes_on_keeps_what_it_stands_against(tmp_path):
    task = Line([0.2, 0.3], stop_at=6)
    loop = loop_of(task, tmp_path)
    loop.stand_against({"good": 0.4})
    assert not loop.run(task.stop)
    again = loop_of(Line(), tmp_path)
    again.stand_against({"good": 0.1})  # measured anew, of what has been trained by now
    assert again.progress.best == 0.4


@pytest.mark.parametrize(
    ("measures", "margins", "best"),
    [
        ([0.4 + 1e-7, 0.4 + 9e-5, 0.4 + 1e-4], [0.0] * 3, 0),  # rounding is no improvement
        ([0.41, 0.41 + 1e-7, 0.4], [0.0] * 3, 1),  # nor is it one over an earlier epoch
        ([0.45, 0.46, 0.44], [0.1] * 3, 0),  # nor what chance may do
        ([0.45, 0.46, 0.44], [0.1, 0.05, 0.01], 2),
        ([0.45, 0.46, 0.44], [0.1, 0.1, 0.01], 3),  # the best of those that count
    ],
)
def test_better_is_what_is_beyond_rounding_and_chance(tmp_path, measures, margins, best):
    task = Line(measures)
    loop = loop_of(task, tmp_path, epochs=3)
    seen = [weights(task)]
    task.measure_before = task.measure
    task.measure = lambda: (seen.append(weights(task)), task.measure_before())[1]
    loop.stand_against({"good": 0.4}, iter(margins).__next__)
    assert loop.run(task.stop)
    assert loop.progress.best_epoch == best
    for mine, theirs in zip(weights(task), seen[best], strict=True):
        assert torch.equal(mine, theirs)


def test_a_margin_takes_no_patience_from_a_run_that_gets_better(tmp_path):
    task = Line([0.45, 0.46, 0.47, 0.48, 0.6])
    loop = loop_of(task, tmp_path, patience=2)
    loop.stand_against({"good": 0.4}, lambda: 0.1)
    assert loop.run(task.stop)
    assert loop.progress.best_epoch == 5


@pytest.mark.parametrize("at", [2, 6, 11, 14])
def test_a_broken_run_weighs_chance_as_the_unbroken_one_does(tmp_path, at):
    measures = [0.45, 0.47, 0.52, 0.49]
    ends = []
    for place, stops in (("one", None), ("two", at)):
        task = Line(measures, stop_at=stops)
        loop = loop_of(task, tmp_path / place, epochs=4)
        loop.stand_against({"good": 0.4}, lambda: 0.1)
        if not loop.run(task.stop):
            task = Line(measures[len(loop.progress.measures) :])
            loop = loop_of(task, tmp_path / place, epochs=4)
            loop.stand_against({"good": 0.7}, lambda: 0.1)  # of what has been trained by now
            assert loop.run(task.stop)
        ends.append((loop.progress.best, loop.progress.best_epoch, loop.progress.peak))
    assert ends == [(0.52, 3, 0.52)] * 2


def test_an_unfinished_run_of_an_earlier_release_goes_on(tmp_path):
    task = Line([0.2, 0.4], stop_at=9)
    loop = loop_of(task, tmp_path, patience=2)
    assert not loop.run(task.stop)
    folder = RunFolder(tmp_path, {"a": 1})
    state = folder.load_state()
    for later in ("before", "peak", "peak_epoch"):
        del state["progress"][later]
    folder.save_state(state)
    again = loop_of(Line([0.3, 0.35, 0.1]), tmp_path, patience=2)
    assert again.run(threading.Event())
    assert (again.progress.best, again.progress.best_epoch) == (0.4, 2)
    assert len(again.progress.measures) == 4


def test_patience_ends_a_run_that_gets_no_better(tmp_path):
    task = Line(measures=[0.5, 0.4, 0.3, 0.2, 0.1])
    finished, loop = train(task, tmp_path, patience=2)
    assert finished
    assert [m["epoch"] for m in loop.progress.measures] == [1, 2, 3]


def test_gradients_of_several_batches_add_up_to_their_mean(tmp_path):
    given = {"epochs": 1, "clip": 1e9, "warm_up": 0.0, "weight_decay": 0.0}
    task = Line()
    task.module[0].p = 0.0
    mean = torch.stack([task.losses(step)["loss"] for step in range(4)]).mean()
    mean.backward()
    wanted = [p.grad.clone() for p in task.module.parameters()]
    loop = loop_of(task, tmp_path, accumulate=4, **given)
    task.module.zero_grad()
    assert loop._descend(0)["loss"] == pytest.approx(mean.item())
    for parameter, gradient in zip(task.module.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


@pytest.mark.parametrize(("accumulate", "passes"), [(1, 4), (2, 4), (3, 3), (9, 9)])
def test_an_epoch_is_one_pass_over_the_batches_however_many_a_step_takes(
    tmp_path, accumulate, passes
):
    task = Line()
    train(task, tmp_path, accumulate=accumulate, epochs=1)
    assert task.asked == list(range(passes))


class Bar(Silent):
    """A reporter that counts."""

    def __init__(self):
        self.shown = []
        self.done = 0

    def progress(self, label, total, unit):
        self.shown.append((label, total, unit))
        return super().progress(label, total, unit)

    def advance(self, count=1):
        self.done += count


def test_whoever_watches_sees_images(tmp_path):
    bar = Bar()
    loop = loop_of(Line(), tmp_path, reporter=bar, epochs=2, batch=16, accumulate=2)
    loop.run(threading.Event())
    assert bar.shown == [("training", 128, "img")]
    assert bar.done == 128


def test_a_run_that_goes_on_shows_what_was_done_before(tmp_path):
    stopped = Line(stop_at=2)
    train(stopped, tmp_path, batch=16)
    bar = Bar()
    loop_of(Line(), tmp_path, reporter=bar, batch=16).run(threading.Event())
    assert bar.done == bar.shown[0][1] == 5 * 4 * 16


def test_a_long_epoch_is_saved_every_ten_minutes(tmp_path):
    task = Line(fail_at=7)
    task.steps_per_epoch = 1_000
    now = [0.0]
    task.losses_before = task.losses
    task.losses = lambda step: (now.__setitem__(0, now[0] + 250.0), task.losses_before(step))[1]
    with pytest.raises(KeyboardInterrupt):
        train(task, tmp_path, now=lambda: now[0])
    assert RunFolder(tmp_path, {"a": 1}).load_state()["progress"]["step"] == 6


def test_another_seed_is_another_chance(tmp_path):
    for name, seed in {"a": 0, "b": 0, "c": 1}.items():
        train(Line(), tmp_path / name, epochs=1, seed=seed)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    assert losses(tmp_path / "a") != losses(tmp_path / "c")


def test_the_time_of_every_phase_adds_up_over_processes(tmp_path):
    now = [0.0]

    def tick():
        now[0] += 1.0
        return now[0]

    for stop_at in (3, None):
        task = Line(stop_at=stop_at)
        task.clock = {"pictures": 10.0}
        _, loop = train(task, tmp_path, epochs=2, now=tick)
    phases = loop.progress.phases
    assert phases["pictures"] == 20.0
    assert phases["backward"] == phases["optimiser"] == 8.0  # a tick for each of 8 steps
    assert phases["measuring"] == 2.0
    assert phases["saving"] > 0
    assert loop.progress.seconds >= 8 * 4


def test_bf16_is_autocast_and_nothing_else_is(tmp_path):
    seen = {}
    for precision in ("fp32", "bf16"):
        task = Line()
        task.losses_before = task.losses
        task.losses = lambda step, task=task: (
            seen.setdefault(precision, torch.is_autocast_enabled("cpu")),
            task.losses_before(step),
        )[1]
        assert train(task, tmp_path / precision, epochs=1, precision=precision)[0]
        assert all(value.dtype == torch.float32 for value in task.module.parameters())
    assert seen == {"fp32": False, "bf16": True}


def test_the_rate_rises_then_falls():
    schedule = Schedule(warm_up=0.1)
    paces = [schedule.pace(step, 100) for step in range(100)]
    assert paces.index(max(paces)) == 9
    assert paces[:10] == sorted(paces[:10])
    assert paces[9:] == sorted(paces[9:], reverse=True)
    assert paces[-1] < 0.01


def test_a_loss_that_is_no_number_is_told_and_saves_nothing_bad(tmp_path):
    task = Line()
    task.losses = lambda _: {"loss": (task.module[2].weight * float("nan")).sum()}
    with pytest.raises(TrainingError, match="loss is nan"):
        train(task, tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_a_gradient_that_is_no_number_never_reaches_the_weights(tmp_path):
    task = Line()
    task.losses = lambda _: {"loss": (task.module[2].weight * 0).abs().sqrt().sum()}
    before = weights(task)
    with pytest.raises(TrainingError, match="gradient is nan"):
        train(task, tmp_path)
    for one, other in zip(weights(task), before, strict=True):
        torch.testing.assert_close(one, other)

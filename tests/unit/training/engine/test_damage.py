"""A run's folder that something has harmed: one sentence, and --fresh begins again."""

import json
import os
import shutil
import zipfile

import pytest
import torch

from isa_cli.errors import TrainingError
from isa_cli.training.engine.run_folder import RunFolder
from tests.unit.training.engine.test_loop import Line, loop_of, losses, train

RECIPE = {"a": 1}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of a run that was stopped in its third epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    assert train(Line(stop_at=9), folder)[0] is False
    return folder


@pytest.fixture
def begun(stopped, tmp_path):
    return shutil.copytree(stopped, tmp_path / "run")


def again(folder, *, fresh=False):
    """Go on with the run, or begin it again; return whether it came to its end."""
    RunFolder(folder, RECIPE, fresh=fresh)
    return train(Line(), folder)[0]


def changed(name, change):
    """A harm: something in a saved file is not what it was."""

    def harm(folder):
        value = torch.load(folder / name, weights_only=True)
        change(value)
        torch.save(value, folder / name)

    return harm


def flipped(name):
    def harm(folder):
        data = bytearray((folder / name).read_bytes())
        with zipfile.ZipFile(folder / name) as archive:
            numbers = next(each for each in archive.namelist() if each.endswith("/data/0"))
            data[data.index(archive.read(numbers))] ^= 16
        (folder / name).write_bytes(data)

    return harm


def written(name, data):
    return lambda folder: (folder / name).write_bytes(data)


class _Bomb:
    def __reduce__(self):
        return (os.mkdir, ("exploded",))


HARM = {
    "a bit of the state": flipped("state.pt"),
    "a bit of the best": flipped("best.pt"),
    "an empty state": written("state.pt", b""),
    "another file": written("state.pt", b"PK\3\4 nothing of the kind"),
    "a state cut short": lambda f: written("state.pt", (f / "state.pt").read_bytes()[:-300])(f),
    "code": lambda f: torch.save(_Bomb(), f / "state.pt"),
    "a list": lambda f: torch.save([1], f / "state.pt"),
    "a tensor": lambda f: torch.save(torch.ones(2), f / "state.pt"),
    "nothing in it": lambda f: torch.save({}, f / "state.pt"),
    "no module": changed("state.pt", lambda s: s.pop("module")),
    "no optimiser": changed("state.pt", lambda s: s.pop("optimiser")),
    "no progress": changed("state.pt", lambda s: s.pop("progress")),
    "progress of another kind": changed("state.pt", lambda s: s.update(progress=[1])),
    "a field of another isa": changed("state.pt", lambda s: s["progress"].update(new_field=1)),
    "a field less": changed("state.pt", lambda s: s["progress"].pop("phases")),
    "a step as text": changed("state.pt", lambda s: s["progress"].update(step="9")),
    "a negative step": changed("state.pt", lambda s: s["progress"].update(step=-1)),
    "a step too far": changed("state.pt", lambda s: s["progress"].update(step=10**9)),
    "an epoch too far": changed("state.pt", lambda s: s["progress"].update(best_epoch=99)),
    "measures of nothing": changed("state.pt", lambda s: s["progress"].update(measures=[None])),
    "measures of texts": changed(
        "state.pt", lambda s: s["progress"].update(measures=[{"good": "very"}] * 2)
    ),
    "phases of nothing": changed("state.pt", lambda s: s["progress"].update(phases=None)),
    "a best of nothing": changed("state.pt", lambda s: s["progress"].update(best=None)),
    "another shape": changed("state.pt", lambda s: s["module"].update({"2.weight": torch.ones(9)})),
    "a tensor less": changed("state.pt", lambda s: s["module"].pop("2.weight")),
    "a tensor more": changed("state.pt", lambda s: s["module"].update(more=torch.ones(1))),
    "a number as tensor": changed("state.pt", lambda s: s["module"].update({"2.weight": 3})),
    "moments of another shape": changed(
        "state.pt", lambda s: s["optimiser"]["state"][2].update(exp_avg=torch.ones(7))
    ),
    "moments of nothing": changed(
        "state.pt", lambda s: s["optimiser"]["state"].update({2: {"exp_avg": None}})
    ),
    "groups of nothing": changed("state.pt", lambda s: s["optimiser"].update(param_groups=[])),
    "no best": lambda f: (f / "best.pt").unlink(),
    "a best of another shape": changed("best.pt", lambda b: b.update({"2.weight": torch.ones(9)})),
    "no recipe": lambda f: (f / "recipe.json").unlink(),
    "a recipe of bytes": written("recipe.json", b"\xff\xfe\0"),
    "a recipe cut short": written("recipe.json", b'{"a": '),
    "a recipe that is a list": written("recipe.json", b"[1]"),
    "a recipe without end": written("recipe.json", b"[" * 100_000),
    "a recipe that is a pipe": lambda f: (
        (f / "recipe.json").unlink(), os.mkfifo(f / "recipe.json")
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARM)
def test_damage_is_one_sentence_and_fresh_begins_again(begun, kind, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    HARM[kind](begun)
    with pytest.raises(TrainingError, match="damaged") as caught:
        again(begun)
    assert str(begun) in caught.value.message
    assert "--fresh" in caught.value.hint
    assert "\n" not in caught.value.message
    assert not (tmp_path / "exploded").exists()
    assert again(begun, fresh=True) is True
    assert len(losses(begun)) == 20


def test_what_was_refused_is_left_as_it_was(begun):
    before = {path.name: path.read_bytes() for path in begun.iterdir()}
    changed("state.pt", lambda s: s["progress"].update(new_field=1))(begun)
    state = (begun / "state.pt").read_bytes()
    with pytest.raises(TrainingError):
        again(begun)
    after = {path.name: path.read_bytes() for path in begun.iterdir()}
    assert after == before | {"state.pt": state}


@pytest.mark.parametrize(
    "line",
    [
        b'{"step": 999, "lo',
        b"\xff\xfe\0",
        b"[]",
        b"3",
        b'{"loss": 1.0}',
        b'{"step": "one", "loss": 1.0}',
        b'{"step": 2, "loss": [1]}',
        b'{"a":' * 5_000,
    ],
)
def test_a_line_of_the_log_that_is_none_is_left_out(begun, line):
    log = begun / "log.jsonl"
    first, *others = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([first, line + b"\n", *others, line]))
    assert again(begun) is True
    assert len(losses(begun)) == 20
    assert all(type(record["step"]) is int for record in RunFolder(begun, RECIPE).records())


def test_a_log_that_can_not_be_written_is_told(tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(TrainingError, match="can't be written"):
        loop_of(Line(), tmp_path)


def test_the_optimiser_learns_as_the_settings_say(begun):
    changed("state.pt", lambda s: s["optimiser"]["param_groups"][0].update(betas=None, eps="x"))(
        begun
    )
    assert again(begun) is True


def test_what_differs_is_told_in_few_words(begun):
    (begun / "recipe.json").write_text(json.dumps({"a": "x" * 10**6, "b": {"c": 1}}))
    with pytest.raises(TrainingError, match="other settings: a was xxx") as caught:
        again(begun)
    assert "c was 1, not None" in caught.value.message
    assert len(caught.value.message) < 1_000 + len(str(begun))

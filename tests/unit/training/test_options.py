"""What options refuse by themselves, and that a command's flags mean just them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from isa_cli.cli.train.options import ComposeFlags, MapFlags, TrainFlags
from isa_cli.cli.train.reading import compose_options, map_options, train_options
from isa_cli.errors import UsageError
from isa_cli.training.options import (
    LEAST,
    SETTLED,
    ComposeOptions,
    MapOptions,
    TrainOptions,
    query_model_path,
)


def test_they_are_read_without_anything_heavy():
    code = (
        "import sys, isa_cli.training.options;"
        "print(*{'numpy', 'torch', 'safetensors', 'typer'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_flags_that_are_not_given_are_options_that_are_not():
    assert train_options(TrainFlags()) == TrainOptions()
    assert map_options(MapFlags()) == MapOptions()
    assert compose_options(ComposeFlags(triplets="t.jsonl")) == ComposeOptions()


def test_what_flags_say_in_words_are_values_afterwards(tmp_path):
    (tmp_path / "file").touch()
    file = str(tmp_path / "file")
    asked = map_options(MapFlags(vsi="12, 4,4", start=file, soft_text=file, epochs=3, seed=5))
    assert (asked.vsi, asked.start, asked.soft_text) == ((4, 12), tmp_path / "file", asked.start)
    assert (asked.epochs, asked.seed) == (3, 5)
    light = TrainFlags(light_options='{"pad_type": "same"}', light_weights=file)
    assert train_options(light).light_options == {"pad_type": "same"}
    assert train_options(light).light_weights == tmp_path / "file"
    composing = ComposeFlags(triplets="t.jsonl", adapters="0,2")
    assert compose_options(composing).adapters == (0, 2)


@pytest.mark.parametrize(
    ("kind", "given", "flag"),
    [
        (TrainOptions, {"epochs": 0}, "--epochs is 0"),
        (TrainOptions, {"local_weight": -0.5}, "--lambda is -0.5"),
        (TrainOptions, {"lr": 0.0}, "--lr is 0.0"),
        (MapOptions, {"accumulate": 0}, "--accumulate is 0"),
        (MapOptions, {"soft_weight": -1.0}, "--soft-weight is -1.0"),
        (ComposeOptions, {"memory": -1}, "--memory is -1"),
        (ComposeOptions, {"lr": float("nan")}, "--lr is nan"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(kind, given, flag):
    with pytest.raises(UsageError, match=flag):
        kind(**given)


def test_the_lowest_numbers_are_of_options_and_can_be():
    names = {each.name for kind in (MapOptions, ComposeOptions) for each in fields(kind)}
    assert LEAST.keys() <= names
    for kind in (MapOptions, ComposeOptions):
        own = LEAST.keys() & {each.name for each in fields(kind)}
        low = kind(**{name: LEAST[name] for name in own})
        assert {name: getattr(low, name) for name in own} == {name: LEAST[name] for name in own}


@pytest.mark.parametrize("name", SETTLED)
def test_what_a_query_model_settles_can_not_be_said_beside_it(name):
    given = {"start": "q.safetensors", "vsi": (2,)}
    assert MapOptions(**given, seed=3, epochs=2).start == "q.safetensors"
    with pytest.raises(UsageError, match="which settles it") as error:
        MapOptions(**given | {name: 32})
    assert f"--{name.replace('_', '-')} " in error.value.message


def test_phrases_without_their_weight_are_refused():
    assert MapOptions(soft_text="p.txt").soft_weight is None
    with pytest.raises(UsageError, match="--soft-weight is 0"):
        MapOptions(soft_text="p.txt", soft_weight=0)


def test_a_query_models_name_is_told_from_another(tmp_path):
    assert query_model_path(tmp_path / "a.safetensors") == tmp_path / "a.safetensors"
    (tmp_path / "folder.safetensors").mkdir()
    for name in ("", "q.run", tmp_path / "folder.safetensors"):
        with pytest.raises(UsageError, match="--out"):
            query_model_path(name)

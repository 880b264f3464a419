"""What an injection can be added to, what is settled then, and what the record keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isa_cli.encoders.light import load_light
from isa_cli.errors import SpaceMismatch, UsageError
from isa_cli.query.checkpoint import save
from isa_cli.query.header import Header, InjectionConfig, MapperConfig
from isa_cli.query.injection import Injection
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.training.config import ComposeConfig, IsaConfig
from isa_cli.training.record import ISA, STAGE_I, earlier
from isa_cli.training.train import start_of
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("t", 24, "a")
TEMPLATE = Template("{sentence}", "{sentence}, {modifier}")


@pytest.fixture(scope="module")
def light():
    return load_light("mobilenetv3_small_050", pretrained=False, image_size=32).eval()


def saved(path, light, injection=None, **header):
    torch.manual_seed(0)
    channels = light.channels if light else 8
    config = MapperConfig("token-learner", channels, 32, tokens=3, width=16, heads=2)
    made = Injection(injection) if injection else None
    described = Header(
        SPACE,
        config,
        light.config if light else None,
        TEMPLATE.as_dict(),
        injection=injection,
        **header,
    )
    save(path, described, mapper=build_mapper(config), light=light, injection=made)
    return path


@pytest.mark.parametrize("added", [None, True])
def test_what_isa_alone_can_read_is_a_start(light, tmp_path, added):
    injection = InjectionConfig((1,), light.channels, 32, 2, added=True) if added else None
    model = start_of(saved(tmp_path / "q.safetensors", light, injection), SPACE)
    assert model.light is not None


def test_words_that_were_learned_with_an_injection_are_none(light, tmp_path):
    path = saved(tmp_path / "q.safetensors", light, InjectionConfig((1,), light.channels, 32, 2))
    with pytest.raises(UsageError, match="learned together") as error:
        start_of(path, SPACE)
    assert "isa train" in error.value.hint


def test_without_a_light_encoder_there_is_nothing_to_look_with(tmp_path):
    path = saved(tmp_path / "q.safetensors", None, symmetric=True)
    with pytest.raises(UsageError, match="no light encoder"):
        start_of(path, SPACE)


def test_another_space_is_refused(light, tmp_path):
    with pytest.raises(SpaceMismatch):
        start_of(saved(tmp_path / "q.safetensors", light), EmbeddingSpace("t", 24, "b"))


def test_the_start_settles_all_but_how_the_injection_learns(light, tmp_path):
    header = start_of(saved(tmp_path / "q.safetensors", light), SPACE).header
    asked = IsaConfig(injection=(2,), soft_weight=0.3, batch=16, seed=5)
    settled = asked.added_to(header)
    assert (settled.light, settled.light_size) == ("mobilenetv3_small_050", 32)
    assert (settled.tokens, settled.width, settled.heads) == (3, 16, 2)
    assert (settled.light_rate, settled.distil_epochs) == (0.0, 0)
    assert settled.template == TEMPLATE
    kept = {name: getattr(asked, name) for name in ("injection", "soft_weight", "batch", "seed")}
    assert replace(settled, **kept) == settled


def test_a_record_keeps_what_it_was_built_on_once():
    isa = {"photos": 7}
    tuned = {"isa": {"alpha": 0.6}, "two-stage": {"alpha": 0.9}}
    header = Header(SPACE, MapperConfig("mlp", 4, 4), training=isa | {"tuned": tuned})
    mapped = {"layers": 2} | earlier(header, ISA)
    assert mapped == {"layers": 2, "isa": isa, "tuned": {"isa": {"alpha": 0.6}}}
    composed = {"triplets": 9} | earlier(replace(header, training=mapped), STAGE_I)
    assert composed["stage I"] == {"layers": 2, "isa": isa}
    assert composed["tuned"] == {"isa": {"alpha": 0.6}}
    again = replace(header, training=composed)
    assert earlier(again, STAGE_I)["stage I"] == composed["stage I"]  # adapters made anew
    assert earlier(again, ISA)["isa"] == isa  # another injection: adapters go


@pytest.mark.parametrize(
    "given",
    [
        {"batch": 1},
        {"temperature": 0.0},
        {"bottleneck": 0},
        {"hard_negatives": -1},
        {"memory": -1},
        {"too_like": 1.5},
    ],
)
def test_composing_that_can_not_be_is_refused(given):
    with pytest.raises(UsageError):
        ComposeConfig(**given)

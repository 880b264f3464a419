"""From options to runs: what was said holds, and what was not suits the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from isa_cli.encoders.foundation import Foundation
from isa_cli.encoders.names import BUNDLED, BUNDLED_QUERY
from isa_cli.errors import GalleryMissing, UsageError
from isa_cli.training.config import ComposeConfig, IsaConfig
from isa_cli.training.defaults import DRAWINGS
from isa_cli.training.engine.schedule import Schedule
from isa_cli.training.folders import gallery_for
from isa_cli.training.options import ComposeOptions, MapOptions, TrainOptions
from isa_cli.training.runs import COMPOSING, ComposeRun, IsaRun
from isa_cli.types import EmbeddingSpace

PHOTOS = Foundation("ViT-B-16/openai", "cpu", "fp32")
DRAWN = Foundation(BUNDLED, "cpu", "fp32")
OUT = Path("/q.safetensors")


def isa(options, foundation=PHOTOS):
    return IsaRun.of(options, Path("/g"), foundation, OUT)


def test_a_run_of_which_nothing_is_said_is_the_usual_one():
    assert isa(TrainOptions()) == IsaRun(Path("/g"), PHOTOS, OUT)
    assert isa(TrainOptions(limit=9, fresh=True, seed=4)) == IsaRun(
        Path("/g"), PHOTOS, OUT, IsaConfig(seed=4), at_most=9, fresh=True
    )


def test_the_bundled_model_has_defaults_of_its_own():
    run = isa(TrainOptions(), DRAWN)
    assert (run.config.light, run.config.light_size) == (DRAWINGS.light, DRAWINGS.light_size)
    assert (run.config.light_rate, run.config.template) == (0.0, DRAWINGS.template)
    assert (run.schedule, run.light_weights) == (Schedule(epochs=2), BUNDLED_QUERY)
    assert run.augmentation == DRAWINGS.augmentation


@pytest.mark.parametrize("given", [{"light": "resnet18"}, {"light_weights": "/w.pth"}])
def test_a_light_encoder_that_is_named_does_not_get_the_bundled_weights(given):
    run = isa(TrainOptions(**given), DRAWN)
    assert run.light_weights == (Path("/w.pth") if "light_weights" in given else None)
    assert run.config.light == given.get("light", DRAWINGS.light)
    assert run.config.light_size == (None if "light" in given else DRAWINGS.light_size)


def test_from_scratch_it_learns_to_see_first():
    run = isa(TrainOptions(scratch=True))
    assert (run.pretrained, run.config.light_rate, run.config.distil_epochs) == (False, 0.0, 6)
    assert isa(TrainOptions(scratch=True, distil_epochs=0)).config.distil_epochs == 0
    assert isa(TrainOptions(scratch=True, light_rate=0.5)).config.light_rate == 0.5
    assert isa(TrainOptions(scratch=True), DRAWN).light_weights is None


def test_what_timm_is_told_is_split_in_two():
    asked = {"mean": [0.5, 0.5, 0.5], "pad_type": "same"}
    run = isa(TrainOptions(light_options=asked))
    assert run.light_preprocessing == {"mean": [0.5, 0.5, 0.5]}
    assert run.config.light_options == {"pad_type": "same"}
    assert asked.keys() == {"mean", "pad_type"}


def test_stage_one_aligns_with_phrases_where_isa_alone_does_not(tmp_path):
    file = tmp_path / "phrases.txt"
    file.write_text("a dog\na cat\n")
    run = isa(MapOptions(vsi=(2, 3), soft_text=file))
    assert (run.config.injection, run.config.soft_weight) == ((2, 3), 0.1)
    assert run.phrases == ("a dog", "a cat")
    assert isa(MapOptions(soft_weight=0.0)).config == isa(TrainOptions()).config
    with pytest.raises(UsageError, match="can't be read"):
        isa(MapOptions(soft_text=tmp_path / "missing.txt"))


def test_a_precision_too_coarse_is_refused(tmp_path):
    coarse = Foundation(BUNDLED, "cpu", "fp16")
    with pytest.raises(UsageError, match="fp16"):
        isa(TrainOptions(), coarse)
    with pytest.raises(UsageError, match="fp16"):
        ComposeRun.of(ComposeOptions(start=OUT), tmp_path / "t", tmp_path, coarse, OUT)


def test_a_run_of_composing_is_what_was_said(tmp_path):
    def composing(**given):
        options = ComposeOptions(start=OUT, **given)
        return ComposeRun.of(options, tmp_path / "t", tmp_path, PHOTOS, OUT)

    usual = ComposeRun(tmp_path, PHOTOS, tmp_path / "t", OUT, OUT)
    assert composing() == usual
    assert composing(adapters=(0, 2), epochs=3, batch_size=16) == replace(
        usual,
        config=ComposeConfig(layers=(0, 2), batch=16),
        schedule=replace(COMPOSING, epochs=3),
    )


def test_composing_without_a_gallery_has_nothing_to_begin_with(tmp_path):
    with pytest.raises(GalleryMissing):
        ComposeRun.of(ComposeOptions(), tmp_path / "t", tmp_path / "g", PHOTOS, OUT)


def test_folders_have_a_gallery_for_each_model():
    one, other = EmbeddingSpace("t", 4, "a"), EmbeddingSpace("t", 4, "b")
    assert gallery_for([b"/x", b"/y"], one) == gallery_for([b"/y", b"/x", b"/x"], one)
    assert (
        len({gallery_for([b"/x"], one), gallery_for([b"/x"], other), gallery_for([b"/y"], one)})
        == 3
    )

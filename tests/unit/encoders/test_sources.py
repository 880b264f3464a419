"""From names to files: open_clip's own list, and the activation that weights were trained with."""

from __future__ import annotations

import open_clip
import pytest

from isa_cli.encoders import SHORT_NAMES, all_models, locate
from isa_cli.errors import ModelError

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


def test_a_misspelt_architecture_or_tag_is_told_with_the_closest():
    with pytest.raises(ModelError, match="closest: ViT-B-32") as error:
        locate("ViT-B32/openai")
    assert "isa models --all" in error.value.hint
    with pytest.raises(ModelError, match="closest: datacomp_xl_s13b_b90k"):
        locate("ViT-B-32/datacomp_xl_s13b")


def test_every_model_of_open_clip_is_listed_and_comes_through_the_hub():
    listed = all_models()
    assert len(listed) > 100
    assert {short.name for short in SHORT_NAMES.values()} <= set(listed)
    for arch, tag in open_clip.list_pretrained():
        assert open_clip.get_pretrained_cfg(arch, tag)["hf_hub"]


def test_the_weights_activation_wins_over_the_architectures(tiny_model, monkeypatch):
    monkeypatch.setattr("isa_cli.encoders.files.fetch", lambda *_: tiny_model / WEIGHTS)
    assert locate("ViT-B-32/openai").config["quick_gelu"] is True
    assert locate("ViT-B-32/laion2b_s34b_b79k").config["quick_gelu"] is False

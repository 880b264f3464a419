"""Cutting the padding changes nothing, for every kind of text tower that open_clip has."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from isa_cli.encoders import load_backbone
from isa_cli.encoders.text_encoder import BackboneTextEncoder, positions_read, text_features

CONFIGS = Path(open_clip.__file__).parent / "model_configs"
SIZES = {"width": 32, "heads": 2, "layers": 2, "vocab_size": 120, "context_length": 24}
VISION = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
HAS_TRANSFORMERS = importlib.util.find_spec("transformers") is not None


def _shrunk(arch: str) -> dict:
    """The text side of an open_clip architecture, made tiny, with every flag kept."""
    config = json.loads((CONFIGS / f"{arch}.json").read_text())
    text = {
        k: v for k, v in config["text_cfg"].items() if not k.startswith(("hf_tok", "tokenizer"))
    }
    if "hf_model_name" not in text:
        text |= SIZES
    if text.get("pool_type") == "eos":
        text["eos_id"] = 7  # inside the small vocabulary, and not its highest id
    rest = {k: v for k, v in config.items() if k != "vision_cfg"}
    return rest | {"text_cfg": text, "embed_dim": 32}


def _families() -> dict[str, dict]:
    """One shrunken config for each distinct set of flags, by the first architecture that has it."""
    families: dict[str, tuple[str, dict]] = {}
    for file in sorted(CONFIGS.glob("*.json")):
        config = _shrunk(file.stem)
        families.setdefault(json.dumps(config, sort_keys=True), (file.stem, config))
    return dict(families.values())


FAMILIES = _families()
CLIP = _shrunk("ViT-B-32")


def _network(family: dict):
    config = copy.deepcopy(family) | {"vision_cfg": dict(VISION)}
    custom = config.pop("custom_text", False)
    torch.manual_seed(0)
    if "multimodal_cfg" in config:
        config["vision_cfg"] |= {"attentional_pool": True, "output_tokens": True}
        config["multimodal_cfg"] |= {"width": 32, "heads": 2, "layers": 1, "vocab_size": 120}
        return open_clip.CoCa(**config).eval()
    return (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config).eval()


def _ids(family: dict) -> torch.Tensor:
    """Three texts of 3, 9 and 5 tokens: start, words, end-of-text, padding."""
    end = family["text_cfg"].get("eos_id", 119) if "eos_id" in family["text_cfg"] else 119
    ids = torch.zeros(3, SIZES["context_length"], dtype=torch.long)
    for row, words in enumerate((1, 7, 3)):
        ids[row, : words + 2] = torch.tensor([118, *range(20, 20 + words), end])
    return ids


def _skip_without_transformers(family: dict) -> None:
    if "hf_model_name" in family["text_cfg"]:
        reason = "this tower comes from the transformers package, which is not installed"
        if HAS_TRANSFORMERS:
            reason = "this tower's own config is fetched from a hub"
        pytest.skip(reason)


def _is_cut(family: dict) -> bool:
    """What the flags say, independently of the code under test."""
    text = family["text_cfg"]
    pool = text.get("pool_type", "argmax")
    causal = not text.get("no_causal_mask") and not text.get("embed_cls")
    return causal and pool in ("argmax", "eos")


def test_there_are_several_families_of_both_kinds():
    native = [f for f in FAMILIES.values() if "hf_model_name" not in f["text_cfg"]]
    assert sum(_is_cut(f) for f in native) >= 3
    assert sum(not _is_cut(f) for f in native) >= 3


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@torch.inference_mode()
def test_trimmed_equals_full(family):
    _skip_without_transformers(family)
    network, ids = _network(family), _ids(family)
    full = network.encode_text(ids, normalize=False)
    assert torch.allclose(text_features(network, ids), full, atol=1e-5)
    tower = getattr(network, "text", network)
    assert positions_read(tower, ids) == (9 if _is_cut(family) else None)


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16-SigLIP2"])
def test_fewer_positions_go_through_the_transformer_only_where_that_is_exact(name):
    network = _network(_shrunk(name))
    seen = []
    tower = getattr(network, "text", network)
    tower.transformer.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))
    text_features(network, _ids(_shrunk(name)))
    assert seen == [9 if name == "ViT-B-32" else SIZES["context_length"]]


def test_gradients_flow_to_the_words_and_the_positions_as_through_the_whole_tower():
    network = _network(CLIP)
    ids = _ids(CLIP)
    watched = (network.token_embedding.weight, network.positional_embedding)
    weights = torch.randn(3, 32)
    cut = torch.autograd.grad((text_features(network, ids) * weights).sum(), watched)
    full = torch.autograd.grad((network.encode_text(ids) * weights).sum(), watched)
    for ours, theirs in zip(cut, full, strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_hooks_on_the_word_embeddings_are_called():
    network = _network(CLIP)
    ids = _ids(CLIP)
    plain = text_features(network, ids)
    network.token_embedding.register_forward_hook(lambda module, args, output: output * 2)
    hooked = text_features(network, ids)
    assert not torch.allclose(hooked, plain, atol=1e-3)
    assert torch.allclose(hooked, network.encode_text(ids), atol=1e-5)


def test_the_tower_itself_is_left_alone():
    network = _network(CLIP)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    text_features(network, _ids(CLIP))
    assert network.attn_mask.shape == (24, 24)
    assert set(network.state_dict()) == set(before)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_mask_that_lets_positions_see_later_ones_is_not_causal():
    network = _network(CLIP)
    network.attn_mask = torch.zeros(24, 24)
    assert positions_read(network, _ids(CLIP)) is None


def test_end_of_text_typed_by_a_person_ends_the_text_as_in_the_whole_tower():
    network = _network(CLIP)
    ids = torch.zeros(1, 24, dtype=torch.long)
    ids[0, :6] = torch.tensor([118, 20, 119, 21, 22, 119])
    assert positions_read(network, ids) == 3
    assert torch.allclose(text_features(network, ids), network.encode_text(ids), atol=1e-5)


class _Warnings:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, message: str) -> None:
        self.lines.append(message)


def test_the_encoder_gives_unit_rows_equal_to_the_backbones(tiny_model):
    backbone = load_backbone(str(tiny_model), parts={"text"})
    texts = ["a dog", "", "two people on a beach at night", "long " * 500]
    ours = BackboneTextEncoder(backbone).encode_text(texts)
    assert ours.dtype == np.float32
    assert ours.shape == (4, 32)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(ours, backbone.encode_text(texts), atol=1e-5)


def test_more_texts_than_a_chunk_and_none_at_all(tiny_model):
    encoder = BackboneTextEncoder(load_backbone(str(tiny_model), parts={"text"}))
    texts = [f"photo number {number}" for number in range(70)]
    together = encoder.encode_text(texts)
    np.testing.assert_allclose(together[69:], encoder.encode_text(texts[69:]), atol=1e-5)
    assert encoder.encode_text([]).shape == (0, 32)


def test_a_text_that_is_cut_is_told_and_others_are_not(tiny_model):
    reporter = _Warnings()
    encoder = BackboneTextEncoder(load_backbone(str(tiny_model), parts={"text"}), reporter)
    encoder.encode_text(["x " * 75, "y " * 76, "a dog"])  # 77 positions, two of them taken
    assert len(reporter.lines) == 1
    assert "y y y" in reporter.lines[0]


def test_the_real_model_reads_the_same_without_padding(shared_data):
    folder = shared_data / "models" / "photo-mini"
    backbone = load_backbone(str(folder), parts={"text"}, precision="fp32")
    texts = ["a dog on the beach", "a man climbs a steep rock wall", "snow"]
    ours = BackboneTextEncoder(backbone).encode_text(texts)
    np.testing.assert_allclose(ours, backbone.encode_text(texts), atol=1e-5)

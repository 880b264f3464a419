"""Building and filling: equal to open_clip, and every way a model can be broken."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from isa_cli.encoders import load_backbone, loading, locate
from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


def _edit(folder: Path, change) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


def test_a_config_that_describes_no_model_is_refused(folder):
    _edit(folder, lambda c: c["model_cfg"]["vision_cfg"].update(no_such_setting=1))
    with pytest.raises(ModelError, match="no_such_setting"):
        load_backbone(str(folder))
    _edit(folder, lambda c: c["model_cfg"].update(vision_cfg={"timm_model_name": "no_such_net"}))
    with pytest.raises(ModelError, match="no_such_net"):
        load_backbone(str(folder))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x08" + os.urandom(4000))


def _pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")


def _other_shape(path: Path) -> None:
    weights = load_file(path)
    weights["visual.proj"] = torch.zeros(3, 3)
    save_file(weights, path)


def _lacking(path: Path) -> None:
    weights = load_file(path)
    del weights["ln_final.weight"]
    save_file(weights, path)


@pytest.mark.parametrize("harm", [_truncate, _garbage, _pointer, _other_shape, _lacking])
def test_weights_that_do_not_fit_are_refused(folder, harm):
    harm(folder / WEIGHTS)
    with pytest.raises(ModelError) as error:
        load_backbone(str(folder))
    assert str(folder / WEIGHTS) in error.value.message
    assert len(error.value.message) < 700


class _Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


def test_a_pickle_is_never_run(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    (folder / WEIGHTS).unlink()
    torch.save({"state_dict": _Bomb()}, folder / "open_clip_pytorch_model.bin")
    with pytest.raises(ModelError):
        load_backbone(str(folder))
    assert not (tmp_path / "exploded").exists()


TOWERS = {
    "vit": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "vit sincos, scaled": {
        "image_size": 32,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 16,
        "pos_embed_type": "sin_cos_2d",
        "ls_init_value": 0.1,
        "pool_type": "avg",
    },
    "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
    "timm cnn": {"image_size": 32, "timm_model_name": "mobilenetv2_050", "timm_proj": "mlp"},
    "timm vit": {
        "image_size": 224,
        "timm_model_name": "test_vit",
        "timm_pool": "map",
        "timm_proj": "none",
    },
    "timm rope": {
        "image_size": 224,
        "timm_model_name": "eva02_tiny_patch14_224",
        "timm_pool": "token",
        "timm_proj": "linear",
    },
}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}


@pytest.mark.parametrize("tower", TOWERS)
def test_skipping_the_random_start_changes_nothing_that_is_loaded(tower, tmp_path):
    dim = 64 if tower == "timm vit" else 32
    config = {"embed_dim": dim, "vision_cfg": TOWERS[tower], "text_cfg": TEXT}
    torch.manual_seed(0)
    network = open_clip.CustomTextCLIP(**json.loads(json.dumps(config))).eval()
    save_file(network.state_dict(), tmp_path / WEIGHTS)
    described = {
        "model_cfg": config | {"custom_text": True},
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3},
    }
    (tmp_path / CONFIG).write_text(json.dumps(described))
    ours = load_backbone(str(tmp_path), device="cpu", precision="fp32").network
    assert list(ours.state_dict()) == list(network.state_dict())
    for (name, mine), (_, theirs) in zip(_tensors(ours), _tensors(network), strict=True):
        assert torch.equal(mine, theirs), name


def _tensors(network):
    yield from network.named_parameters()
    yield from network.named_buffers()  # those that no file holds as well


def test_the_layers_random_start_is_really_skipped(tiny_model):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    loading._build(locate(str(tiny_model)))
    assert torch.equal(torch.get_rng_state(), before)


def test_parts_not_asked_for_are_not_kept(tiny_model):
    backbone = load_backbone(str(tiny_model), parts={"text"})
    assert not hasattr(backbone.network, "visual")
    whole = load_backbone(str(tiny_model))
    assert (backbone.encode_text(["a dog"]) == whole.encode_text(["a dog"])).all()
    backbone = load_backbone(str(tiny_model), parts={"image"})
    assert not hasattr(backbone.network, "transformer")
    pixels = [np.zeros((32, 32, 3), np.uint8)]
    assert (backbone.encode_images(pixels) == whole.encode_images(pixels)).all()


@pytest.mark.parametrize("part", ["image", "text"])
@pytest.mark.parametrize("harm", [_truncate, _other_shape, _lacking])
def test_a_part_is_refused_like_the_whole(folder, harm, part):
    harm(folder / WEIGHTS)
    with pytest.raises(ModelError):
        load_backbone(str(folder), parts={part})


def test_no_part_is_a_mistake(tiny_model):
    with pytest.raises(ValueError, match="parts"):
        load_backbone(str(tiny_model), parts={"sound"})


# --- configs of anybody's ---


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("vision_cfg", {"layers": 1_000}),
        ("vision_cfg", {"width": 100_000, "head_width": 100}),
        ("vision_cfg", {"mlp_ratio": 100, "width": 50_000, "head_width": 100}),
        ("vision_cfg", {"image_size": 4_096, "patch_size": 1}),
        ("vision_cfg", {"timm_model_name": "vit_giant_patch14_clip_224"}),
        ("text_cfg", {"layers": 1_000}),
        ("text_cfg", {"width": 100_000, "heads": 100}),
        ("text_cfg", {"vocab_size": 10_000_000}),
        (None, {"embed_dim": 1_000_000}),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_a_config_of_a_larger_model_than_the_weights_is_never_built(
    folder, section, changes, suffix
):
    if suffix == ".bin":
        torch.save(load_file(folder / WEIGHTS), folder / "open_clip_pytorch_model.bin")
        (folder / WEIGHTS).unlink()
    _edit(
        folder, lambda c: (c["model_cfg"][section] if section else c["model_cfg"]).update(changes)
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match=r"larger model|do not belong to the config"):
        load_backbone(str(folder))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # KB


def test_a_tower_that_does_not_know_its_tokenizers_words_is_told(folder):
    weights = load_file(folder / WEIGHTS)
    weights["token_embedding.weight"] = weights["token_embedding.weight"][:100].clone()
    save_file(weights, folder / WEIGHTS)
    _edit(folder, lambda c: c["model_cfg"]["text_cfg"].update(vocab_size=100))
    with pytest.raises(ModelError, match="knows 100 words, and its tokenizer 49,408"):
        load_backbone(str(folder), parts={"text"})
    load_backbone(str(folder), parts={"image"})


@pytest.mark.parametrize("options", [{"bpe_path": "/dev/zero"}, ["a"], "a"])
def test_no_tokenizer_is_made_of_any_file(folder, options):
    _edit(folder, lambda c: c["model_cfg"]["text_cfg"].update(tokenizer_kwargs=options))
    with pytest.raises(ModelError, match="tokenizer_kwargs"):
        load_backbone(str(folder))


def test_vectors_of_another_length_than_the_config_says_are_told(tiny_model):
    backbone = load_backbone(str(tiny_model), device="cpu")
    for features in (torch.ones(2, 31), torch.ones(2, 3, 32)):
        with pytest.raises(ModelError, match="no vectors of 32 numbers"):
            backbone.unit_rows(features)


def test_a_packed_checkpoint_is_not_unpacked(folder):
    torch.save(load_file(folder / WEIGHTS), folder / "plain.bin")
    (folder / WEIGHTS).unlink()
    path = folder / "open_clip_pytorch_model.bin"
    with (
        zipfile.ZipFile(folder / "plain.bin") as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ModelError, match="would unpack to"):
        load_backbone(str(folder))


def test_a_network_that_can_not_be_run_as_its_config_says_is_told(folder):
    _edit(folder, lambda c: c["model_cfg"]["text_cfg"].update(embed_cls=True))
    backbone = load_backbone(str(folder), device="cpu")
    with pytest.raises(ModelError, match="can't be run as its config says") as caught:
        backbone.encode_text(["a dog"])
    assert caught.value.hint
    backbone.network.visual = torch.nn.Linear(5, 5)
    with pytest.raises(ModelError, match="can't be run as its config says"):
        backbone.encode_images([np.zeros((32, 32, 3), np.uint8)])
    backbone.network.token_embedding = torch.nn.Linear(5, 5)
    with pytest.raises(ModelError, match="can't be run as its config says"):
        BackboneTextEncoder(backbone).encode_text(["a dog"])


def test_too_little_memory_is_not_taken_for_a_wrong_config(folder):
    backbone = load_backbone(str(folder), device="cpu")
    with pytest.raises(RuntimeError, match="out of memory"), backbone.as_configured():
        raise RuntimeError("out of memory")
    own = dataclasses.replace(locate(str(folder)), foreign=False)
    with pytest.raises(IndexError), load_backbone(own, device="cpu").as_configured():
        raise IndexError

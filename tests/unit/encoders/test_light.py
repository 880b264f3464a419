"""Light encoders: timm's own numbers, their own preprocessing, and weights from a file."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.data import create_transform

from isa_cli.encoders import light
from isa_cli.encoders.light import LightConfig, load_light, rebuild
from isa_cli.errors import ModelError

TINY = "test_efficientnet"


def _picture(width=190, height=240):
    rng = np.random.default_rng(width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture
def weights(tmp_path):
    """A file as people have them: a whole classifier of 7 classes."""
    torch.manual_seed(3)
    path = tmp_path / "weights.safetensors"
    save_file(timm.create_model(TINY, num_classes=7).state_dict(), path)
    return path


# --- what comes out ---


@pytest.mark.parametrize(
    "name", [TINY, "test_resnet", "test_convnext", "test_vit", "test_mambaout", "test_nfnet"]
)
def test_any_family_gives_a_map_with_channels_first(name):
    encoder = load_light(name, pretrained=False).eval()
    height, width = encoder.config.size
    with torch.no_grad():
        features = encoder(torch.randn(2, 3, height, width))
    assert features.shape[:2] == (2, encoder.channels)
    assert features.shape[2] == features.shape[3] < height
    assert not any("classifier" in key or "head.fc" in key for key in encoder.state_dict())


def test_channels_last_models_are_turned_not_reshaped():
    torch.manual_seed(0)
    encoder = load_light("test_mambaout", pretrained=False).eval()
    pixels = torch.randn(1, 3, *encoder.config.size)
    with torch.no_grad():
        theirs = encoder.network(pixels)[-1]
        assert torch.equal(encoder(pixels)[0, :, 2, 4], theirs[0, 2, 4, :])


def test_the_map_is_the_one_inside_timms_own_model(weights):
    torch.manual_seed(0)
    whole = timm.create_model(TINY, num_classes=7).eval()
    whole.load_state_dict(load_file(weights))
    encoder = load_light(TINY, weights=weights).eval()
    pixels = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        before_head = whole.blocks(whole.bn1(whole.conv_stem(pixels)))
        assert torch.equal(encoder(pixels), before_head)


def test_the_real_mobilenet_gives_timms_own_features(shared_data):
    path = shared_data / "models" / "mobilenetv2_100.safetensors"
    half = (0.5, 0.5, 0.5)
    encoder = load_light(
        "mobilenetv2_100",
        weights=path,
        preprocessing={"mean": half, "std": half},
        extra={"pad_type": "same", "num_classes": 1001},
    ).eval()
    whole = timm.create_model("mobilenetv2_100", num_classes=1001, pad_type="same").eval()
    whole.load_state_dict(load_file(path))
    photo = Image.open(next((shared_data / "photos" / "test").iterdir()))
    pixels = encoder.normalised([encoder.prepare(photo)])
    assert -1 <= pixels.min() < -0.5 < 0.5 < pixels.max() <= 1
    with torch.no_grad():
        features = encoder(pixels)
        assert features.shape == (1, 320, 7, 7)
        assert torch.equal(whole.bn2(whole.conv_head(features)), whole.forward_features(pixels))
    plain = load_light("mobilenetv2_100", weights=path).eval()
    with torch.no_grad():
        assert not torch.allclose(plain(pixels), features, atol=1e-3)  # pad_type really arrives


# --- its own preprocessing ---


@pytest.mark.parametrize("name", [TINY, "test_vit", "mobilenetv2_100"])
def test_pixels_are_timms_own_evaluation_pixels(name):
    encoder = load_light(name, pretrained=False)
    config = encoder.config
    theirs = create_transform(
        (3, *config.size),
        mean=config.mean,
        std=config.std,
        interpolation=config.interpolation,
        crop_pct=config.crop_pct,
    )
    expected = timm.get_pretrained_cfg(name)
    assert (config.mean, config.interpolation) == (expected.mean, expected.interpolation)
    prepared = encoder.prepare(_picture())
    assert (prepared.shape, prepared.dtype) == ((*config.size, 3), np.uint8)
    assert torch.allclose(encoder.normalised([prepared])[0], theirs(_picture()), atol=1e-6)


def test_a_picture_of_any_mode_and_size_in_any_thread():
    encoder = load_light(TINY, pretrained=False, image_size=64)
    pictures = [_picture(side, 70).convert(mode) for side in (30, 200) for mode in ("L", "RGB")]
    alone = [encoder.prepare(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(encoder.prepare, pictures * 4))
    assert {pixels.shape for pixels in alone} == {(64, 64, 3)}
    assert all((a == b).all() for a, b in zip(together, alone * 4, strict=True))


@pytest.mark.parametrize(("name", "cells"), [(TINY, 3), ("test_vit", 6)])
def test_another_image_size_reaches_the_network(name, cells):
    encoder = load_light(name, pretrained=False, image_size=96).eval()
    assert encoder.config.size == (96, 96)
    with torch.no_grad():
        assert encoder(torch.randn(1, 3, 96, 96)).shape[2:] == (cells, cells)


# --- built again ---


def test_a_config_goes_through_json_and_builds_the_same_network(weights):
    encoder = load_light(TINY, weights=weights, image_size=64, extra={"pad_type": "same"}).eval()
    config = LightConfig.from_dict(json.loads(json.dumps(encoder.config.as_dict())))
    assert config == encoder.config
    again = rebuild(config).eval()
    again.load_state_dict(encoder.state_dict())
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(pixels), encoder(pixels))


@pytest.mark.parametrize("change", [{"size": [1]}, {"mean": [1, 2]}, {"colour": 1}, {"size": 3}])
def test_a_senseless_config_is_refused(change):
    with pytest.raises((TypeError, ValueError)):
        LightConfig.from_dict(LightConfig().as_dict() | change)


@pytest.mark.parametrize("key", ["checkpoint_path", "pretrained", "features_only"])
def test_a_config_can_not_make_timm_load_something(key):
    with pytest.raises(ModelError, match=key):
        rebuild(LightConfig(name=TINY, extra={key: "somewhere"}))


@pytest.mark.parametrize("name", ["mobilenetv2_l00", "hf-hub:somebody/model", ""])
def test_a_name_timm_does_not_have_is_refused(name):
    with pytest.raises(ModelError, match="no model") as error:
        rebuild(LightConfig(name=name))
    assert ("closest: mobilenetv2_" in error.value.message) == (name == "mobilenetv2_l00")


def test_arguments_the_model_does_not_take_are_told():
    with pytest.raises(ModelError, match="no_such_setting"):
        load_light(TINY, pretrained=False, extra={"no_such_setting": 1})


def test_a_model_without_a_map_is_told_with_a_next_step(monkeypatch):
    def refuse(name, **_):
        raise RuntimeError(f"features_only not implemented for {name}")

    monkeypatch.setattr(light.timm, "create_model", refuse)  # every model of today has one
    with pytest.raises(ModelError, match="not implemented for test_vit") as error:
        load_light("test_vit", pretrained=False)
    assert "--light" in error.value.hint


# --- weights ---


def test_a_pth_in_the_usual_wrapping_reads_the_same(weights, tmp_path):
    wrapped = {f"module.{key}": value for key, value in load_file(weights).items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, tmp_path / "weights.pth")
    one = load_light(TINY, weights=weights)
    other = load_light(TINY, weights=tmp_path / "weights.pth")
    for key, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])


def test_the_file_is_not_kept_in_memory(weights):
    path = weights.with_name("vit.safetensors")
    save_file(timm.create_model("test_vit").state_dict(), path)
    encoder = load_light("test_vit", weights=path)
    for module in encoder.modules():
        assert not (vars(module).get("pretrained_cfg") or {}).get("state_dict")


def _other_model(path):
    save_file(timm.create_model("test_resnet").state_dict(), path)


def _one_is_missing(path):
    tensors = load_file(path)
    del tensors["conv_stem.weight"]
    save_file(tensors, path)


def _another_shape(path):
    save_file(load_file(path) | {"conv_stem.weight": torch.zeros(1, 3, 3, 3)}, path)


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("harm", [_other_model, _one_is_missing, _another_shape, _truncated])
def test_weights_that_do_not_fit_are_refused(weights, harm):
    harm(weights)
    with pytest.raises(ModelError) as error:
        load_light(TINY, weights=weights)
    assert str(weights) in error.value.message
    assert error.value.hint
    assert "\n" not in error.value.message


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="can't be read"):
        load_light(TINY, weights=tmp_path / "none.safetensors")


class _Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


def test_a_pickle_is_never_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    torch.save({"state_dict": _Bomb()}, tmp_path / "weights.pth")
    with pytest.raises(ModelError, match="can't be read"):
        load_light(TINY, weights=tmp_path / "weights.pth")
    assert not (tmp_path / "exploded").exists()


def test_pretrained_weights_come_from_timms_repository(weights, monkeypatch):
    asked = []

    def fetch(name, repo, candidates, _reporter):
        asked.append((name, repo, candidates[0]))
        return weights

    monkeypatch.setattr(light, "fetch", fetch)
    encoder = load_light(TINY)
    assert asked == [(TINY, "timm/test_efficientnet.r160_in1k", "model.safetensors")]
    for key, value in load_light(TINY, weights=weights).state_dict().items():
        assert torch.equal(value, encoder.state_dict()[key])


def test_without_a_network_the_ways_out_are_told(monkeypatch):
    def fetch(name, *_):
        raise ModelError(f"{name} is not in the model cache and can't be downloaded: no network")

    monkeypatch.setattr(light, "fetch", fetch)
    with pytest.raises(ModelError, match=TINY) as error:
        load_light(TINY)
    assert "hf download timm/test_efficientnet.r160_in1k" in error.value.hint
    assert "--light-weights" in error.value.hint


def test_a_model_without_pretrained_weights_is_told():
    with pytest.raises(ModelError, match="no pretrained weights") as error:
        load_light("test_maxvit")
    assert "--light-weights" in error.value.hint


def test_what_it_costs():
    encoder = load_light(TINY, pretrained=False, image_size=32)
    small = encoder.flops()
    assert encoder.training  # as it was
    stem = encoder.network.conv_stem
    at_least = 2 * stem.weight.numel() * 16 * 16  # the first layer alone, at stride 2
    assert small > at_least
    assert load_light(TINY, pretrained=False, image_size=64).flops() == pytest.approx(
        4 * small, rel=0.1
    )


# --- files and configs of anybody's ---


def _nested(path):
    torch.save({"state_dict": {"conv_stem.weight": {"deeper": 1}}}, path)


def _no_names(path):
    torch.save([torch.zeros(3)], path)


def _integers(path):
    state = timm.create_model(TINY, num_classes=7).state_dict()
    torch.save({key: value.round().long() for key, value in state.items()}, path)


def _not_finite(path):
    state = timm.create_model(TINY, num_classes=7).state_dict()
    state["conv_stem.weight"][0, 0, 0, 0] = float("nan")
    torch.save(state, path)


def _sparse(path):
    state = timm.create_model(TINY, num_classes=7).state_dict()
    torch.save({key: each.to_sparse() if each.ndim else each for key, each in state.items()}, path)


def _fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_nested, "0 of its"),
        (_no_names, "can't be read"),
        (_integers, "int64"),
        (_not_finite, "conv_stem.weight holds numbers that are not finite"),
        (_sparse, "is sparse"),
        (_fifo, "a pipe"),
    ],
)
def test_a_file_that_holds_no_weights_is_one_sentence(tmp_path, harm, said):
    path = tmp_path / "weights.pth"
    harm(path)
    with pytest.raises(ModelError) as caught:
        load_light(TINY, weights=path)
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["eva_giant_patch14_224", "vit_gigantic_patch14_clip_224"])
def test_a_giant_is_not_built_for_a_small_file(weights, name):
    with pytest.raises(ModelError, match="which is larger") as caught:
        load_light(name, weights=weights)
    assert "--light" in caught.value.hint


@pytest.mark.parametrize(
    "asked",
    [
        {"image_size": 100_000},
        {"preprocessing": {"crop_pct": 1e-9}},
        {"preprocessing": {"std": [0, 1, 1]}},
        {"preprocessing": {"mean": [float("nan"), 1, 1]}},
        {"extra": {"depth": 10**9}},
    ],
)
def test_what_no_later_process_could_read_is_never_trained(asked):
    with pytest.raises(ModelError, match="can't be a light encoder") as caught:
        load_light(TINY, pretrained=False, **asked)
    assert "--light-options" in caught.value.hint

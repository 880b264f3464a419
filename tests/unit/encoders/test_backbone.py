"""Vectors and preprocessing are open_clip's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import load_file, save_file

from isa_cli.encoders import load_backbone, space_of
from isa_cli.encoders.files import ModelFiles, Preprocess
from isa_cli.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


def _picture(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(size[0])
    small = noise.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(small).convert(mode)


def _reference(folder: Path):
    network, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return network.eval(), transform


@torch.inference_mode()
def test_vectors_are_open_clips_own(tiny_model):
    network, transform = _reference(tiny_model)
    backbone = load_backbone(str(tiny_model), device="cpu", precision="fp32")
    images = [_picture(size) for size in ((90, 41), (20, 33), (64, 64))]
    theirs = network.encode_image(torch.stack([transform(i) for i in images]), normalize=True)
    ours = backbone.encode_images([backbone.prepare(image) for image in images])
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)
    ids = open_clip.get_tokenizer(f"local-dir:{tiny_model}")(["a red bus", "two cats"])
    theirs = network.encode_text(ids, normalize=True)
    np.testing.assert_allclose(
        backbone.encode_text(["a red bus", "two cats"]), theirs.numpy(), atol=1e-6
    )


def test_half_precision_gives_nearly_the_same_directions(tiny_model):
    images = [_picture((90, 41)), _picture((20, 33))]
    full = load_backbone(str(tiny_model), device="cpu", precision="fp32")
    half = load_backbone(str(tiny_model), device="cpu", precision="bf16")
    pixels = [full.prepare(image) for image in images]
    cosines = (full.encode_images(pixels) * half.encode_images(pixels)).sum(axis=1)
    assert half.encode_images(pixels).dtype == np.float32
    assert cosines.min() > 0.995
    words = (full.encode_text(["a dog"]) * half.encode_text(["a dog"])).sum()
    assert words > 0.995
    assert "in bf16" in half.describe()


def test_numbers_that_are_not_finite_are_refused(folder):
    weights = load_file(folder / WEIGHTS)
    weights["visual.ln_post.weight"][0] = torch.nan
    save_file(weights, folder / WEIGHTS)
    backbone = load_backbone(str(folder))
    with pytest.raises(ModelError, match="not finite"):
        backbone.encode_images([backbone.prepare(_picture((40, 40)))])


def test_it_says_what_it_is(tiny_model):
    backbone = load_backbone(str(tiny_model), device="cpu", precision="fp32")
    assert backbone.describe().startswith("tiny on cpu (")
    assert backbone.describe().endswith("in fp32")
    assert backbone.space == space_of(str(tiny_model))


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_prepare_and_normalise_are_open_clips_transform(
    tiny_model, resize_mode, interpolation, size
):
    mean, std = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
    cfg = {"resize_mode": resize_mode, "interpolation": interpolation, "fill_color": 77}
    backbone = load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})
    preprocess = Preprocess(size=size, mean=mean, std=std, **cfg)
    changed = type(backbone)(
        replace(backbone._files, preprocess=preprocess), backbone.place, None, None
    )
    transform = image_transform_v2(
        PreprocessCfg(size=size, mean=mean, std=std, **cfg), is_train=False
    )
    pictures = [_picture(shape) for shape in ((100, 31), (31, 100), (7, 9), (32, 32), (500, 20))]
    pictures.append(_picture((60, 60), "L"))
    ours = changed.normalised([changed.prepare(picture) for picture in pictures])
    theirs = torch.stack([transform(picture) for picture in pictures])
    assert ours.shape == (len(pictures), 3, *size)
    assert float((ours - theirs).abs().max()) <= 1e-6


def test_the_real_model_knows_a_dog_on_a_beach(shared_data):
    backbone = load_backbone(str(shared_data / "models" / "photo-mini"))
    names = sorted((shared_data / "photos" / "originals").glob("*.jpg"))[:40]
    assert isinstance(backbone._files, ModelFiles)
    pictures = [Image.open(name).convert("RGB") for name in names]
    images = backbone.encode_images([backbone.prepare(picture) for picture in pictures])
    scores = images @ backbone.encode_text(["a dog running on the beach"])[0]
    captions = (shared_data / "photos" / "captions.csv").read_text().splitlines()
    best = [names[row].name for row in np.argsort(-scores)[:5]]
    said = [line.lower() for line in captions if line.split(",")[0] in best]
    assert sum("dog" in line for line in said) >= len(said) / 4

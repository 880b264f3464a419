"""Patch features are the global one, place by place."""

from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import torch
from open_clip.timm_model import TimmModel

from isa_cli.encoders import load_backbone
from isa_cli.encoders.backbone import Backbone
from isa_cli.encoders.devices import choose_place
from isa_cli.encoders.files import Preprocess
from isa_cli.encoders.patch_features import cell_features, feature_map, patch_features
from isa_cli.errors import ModelError
from isa_cli.types import EmbeddingSpace

D = 24


def backbone(visual, side=64, dim=D):
    """A backbone around an image tower alone."""
    torch.manual_seed(0)
    for parameter in visual.parameters():  # zeros that initialisations leave would hide mistakes
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 0.5, 0.2)
    files = SimpleNamespace(
        space=EmbeddingSpace("tiny", dim, "d" * 64),
        preprocess=Preprocess(size=(side, side), mean=(0.5,) * 3, std=(0.5,) * 3),
    )
    network = SimpleNamespace(visual=visual.eval().requires_grad_(False))
    return Backbone(files, choose_place("cpu", "fp32"), network, None)


def pixels(count, side=64):
    noise = np.random.default_rng(1)
    return list(noise.integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def trunk(name, **options):
    torch.manual_seed(0)
    return TimmModel(name, D, image_size=64, **options)


def vision(**options):
    torch.manual_seed(0)
    vision_cfg = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
    text_cfg = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}
    return open_clip.CLIP(D, {**vision_cfg, **options}, text_cfg).visual


# (B, 3, 64, 64) gives maps of 2 x 2 (stride 32) and 4 x 4 (patches of 16)
AVERAGING = [
    ("mobilenetv2_050", {"pool": "avg", "proj": "linear"}, 2),
    ("resnet10t", {"pool": "avg", "proj": "linear", "proj_bias": True}, 2),
    ("test_vit", {"pool": "avg", "proj": "linear"}, 2),
]


@pytest.mark.parametrize(("name", "options", "grid"), AVERAGING, ids=str)
@torch.no_grad()
def test_the_mean_over_cells_is_the_global_feature_where_the_head_is_linear(name, options, grid):
    visual = trunk(name, **options)
    if hasattr(visual.trunk, "fc_norm"):
        visual.trunk.fc_norm = torch.nn.Identity()  # a norm behind the pooling is not linear
    model = backbone(visual)
    batch = model.normalised(pixels(3, visual.image_size[0]))
    if name == "test_vit":
        batch = torch.nn.functional.interpolate(batch, 160)  # its own size
    cells = cell_features(model, batch, grid)
    assert cells.shape == (3, grid * grid, D)
    torch.testing.assert_close(cells.mean(dim=1), visual(batch), atol=1e-4, rtol=1e-4)
    assert cells.std(dim=1).mean() > 1e-4  # and the cells do differ


@pytest.mark.parametrize("norm_last", [False, True])
@torch.no_grad()
def test_a_vision_transformer_that_averages(norm_last):
    visual = vision(pool_type="avg", final_ln_after_pool=norm_last)
    model = backbone(visual, 32)
    batch = model.normalised(pixels(2, 32))
    grid = 1 if norm_last else 2  # its norm behind the pooling is not linear
    cells = cell_features(model, batch, grid)
    torch.testing.assert_close(cells.mean(dim=1), visual(batch), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_vision_transformer_with_a_class_token_uses_its_own_norm_and_projection():
    visual = vision()
    model = backbone(visual, 32)
    batch = model.normalised(pixels(2, 32))
    tokens = visual.transformer(visual._embeds(batch))[:, 1:]
    expected = visual.ln_post(tokens) @ visual.proj  # (B, 16, D)
    torch.testing.assert_close(cell_features(model, batch, 4), expected)
    assert feature_map(model, batch).shape == (2, 32, 4, 4)


@torch.no_grad()
def test_attention_pooling_of_a_resnet_is_its_value_and_output_projection():
    visual = vision(image_size=64, layers=[1, 1, 1, 1], width=8, head_width=64, patch_size=None)
    model = backbone(visual)
    batch = model.normalised(pixels(2))
    seen = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(batch)))))
    pool = visual.attnpool
    expected = pool.c_proj(pool.v_proj(seen.flatten(2).transpose(1, 2)))
    torch.testing.assert_close(cell_features(model, batch, 2), expected)
    # a picture that is the same everywhere attends to the same everywhere
    pool.positional_embedding.zero_()
    flat = torch.full((1, 3, 64, 64), 0.3)
    same = feature_map(model, flat).mean(dim=(2, 3), keepdim=True).expand(1, -1, 2, 2)
    torch.testing.assert_close(pool(same), pool.c_proj(pool.v_proj(same[:, :, 0, 0])))


@torch.no_grad()
def test_cells_are_means_of_places_line_by_line():
    model = backbone(vision(), 32)
    batch = model.normalised(pixels(2, 32))
    places = cell_features(model, batch, 4).reshape(2, 2, 2, 2, 2, D)  # upper/lower, left/right
    expected = places.mean(dim=(2, 4)).reshape(2, 4, D)
    torch.testing.assert_close(cell_features(model, batch, 2), expected)
    assert cell_features(model, batch, 3).shape == (2, 9, D)  # 4 places do not divide into 3


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("convnext_atto", {"pool": "avg", "proj": ""}),
        ("mobilenetv3_small_050", {"pool": "avg", "proj": ""}),
        ("mobilenetv2_050", {"pool": "avg", "proj": "mlp"}),
    ],
    ids=str,
)
@torch.no_grad()
def test_one_cell_is_the_whole_picture_whatever_the_head_does(name, options):
    visual = trunk(name, **options)
    model = backbone(visual)
    batch = pixels(2)
    expected = torch.nn.functional.normalize(visual(model.normalised(batch)), dim=-1)
    np.testing.assert_allclose(patch_features(model, batch, 1)[:, 0], expected, atol=1e-4)


def test_a_loaded_model_gives_unit_rows(tiny_model):
    model = load_backbone(str(tiny_model), device="cpu", precision="fp32", parts=["image"])
    found = patch_features(model, pixels(2, 32))
    assert found.shape == (2, 9, 32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, atol=1e-5)


def test_a_cell_in_which_nothing_is_seen_says_what_the_picture_says(monkeypatch):
    model = backbone(trunk("mobilenetv2_050", pool="avg", proj="linear"))
    trunk_of = model.network.visual.trunk
    features = torch.rand(2, trunk_of.num_features, 2, 2, generator=torch.manual_seed(3))
    features[:, :, 0, 0] = 0
    monkeypatch.setattr(trunk_of, "forward_features", lambda pixels: features)
    found = patch_features(model, pixels(2), 2)
    whole = patch_features(model, pixels(2), 1)[:, 0]
    np.testing.assert_allclose(found[:, 0], whole, atol=1e-5)
    assert np.abs(found[:, 1] - whole).max() > 1e-3


@pytest.mark.parametrize(
    "visual",
    [
        pytest.param(lambda: torch.nn.Linear(1, 1), id="something else"),
        pytest.param(lambda: vision(attentional_pool=True), id="attentional pool"),
        pytest.param(
            lambda: trunk("resnet10t", pool="abs_attn", proj=""), id="attention over places"
        ),
    ],
)
def test_other_towers_are_refused_in_one_sentence(visual):
    model = backbone(visual(), 32)
    with pytest.raises(ModelError, match="can't take patch features from the image tower of tiny"):
        patch_features(model, pixels(1, 32))

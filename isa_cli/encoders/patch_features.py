"""Patch features of the large visual encoder: what it sees where, in the joint space.

The last feature map is averaged over a few cells, and each cell goes through what the encoder
itself does after its own pooling: norm, projection, head.  Where the encoder pools by attention,
a cell attends to itself alone, so it passes the value projection and the output projection; that
is MaskCLIP's way to dense features (Zhou et al., ECCV 2022, arXiv 2112.01071, section 3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from timm.layers.attention_pool import AttentionPoolLatent
from timm.layers.attention_pool2d import AttentionPool2d, RotAttentionPool2d
from torch.nn.functional import adaptive_avg_pool2d

from isa_cli.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from isa_cli.encoders.backbone import Backbone
    from isa_cli.types import Pixels


def patch_features(
    backbone: Backbone, batch: Sequence[Pixels], grid: int = 3
) -> NDArray[np.float32]:
    """Return (B, P, D) float32 unit rows for B prepared pictures: P = grid * grid cells of each.

    Cells come line by line, from the upper left.

    Raises:
        ModelError: the image tower has no usable feature map, or gives no usable numbers.
    """
    if not len(batch):
        raise ValueError("no pictures")
    with torch.inference_mode():
        cells = cell_features(backbone, backbone.normalised(batch), grid).float()
        # a cell in which nothing at all is seen says what the picture says
        empty = cells.abs().amax(dim=2, keepdim=True) == 0
        cells = torch.where(empty, cells.mean(dim=1, keepdim=True), cells)
        rows = backbone.unit_rows(cells.flatten(0, 1))
    return rows.reshape(len(batch), grid * grid, -1)


@torch.no_grad()
def cell_features(backbone: Backbone, pixels: Tensor, grid: int) -> Tensor:
    """Return the patch features (B, P, D) of normalised pixels (B, 3, H, W), of any length.

    Raises:
        ModelError: the image tower has no usable feature map.
    """
    if grid < 1:
        raise ValueError(f"a grid of {grid} x {grid} has no cells")
    features = feature_map(backbone, pixels)
    pooled = adaptive_avg_pool2d(features.float(), grid).to(features.dtype)  # (B, C, grid, grid)
    cells = pooled.flatten(2).transpose(1, 2)  # (B, P, C)
    projected = _project(backbone.network.visual, cells.flatten(0, 1))
    if projected.shape != (cells.shape[0] * cells.shape[1], backbone.space.dim):
        raise _unusable(backbone)
    return projected.reshape(*cells.shape[:2], -1)


@torch.no_grad()
def feature_map(backbone: Backbone, pixels: Tensor) -> Tensor:
    """Return the last feature map (B, C, H', W') of normalised pixels (B, 3, H, W).

    It is what the encoder pools: where it normalises its tokens before pooling, they are.

    Raises:
        ModelError: the image tower has no usable feature map.
    """
    visual = backbone.network.visual
    features: Tensor | None = None
    if isinstance(visual, TimmModel) and not _pools_by_place(visual):
        features = _trunk_map(visual.trunk, pixels)
    elif (isinstance(visual, VisionTransformer) and visual.attn_pool is None) or isinstance(
        visual, ModifiedResNet
    ):
        options = {"indices": 1, "intermediates_only": True}
        norm_first = not getattr(visual, "final_ln_after_pool", True)
        outputs = visual.forward_intermediates(
            pixels, normalize_intermediates=norm_first, **options
        )
        features = outputs["image_intermediates"][0]
    if features is None:
        raise _unusable(backbone)
    return features


def _pools_by_place(visual: Any) -> bool:
    """Return whether a timm tower pools by attention that knows how many places there are."""
    return any(
        isinstance(module, AttentionPool2d | RotAttentionPool2d)
        or (isinstance(module, AttentionPoolLatent) and module.pos_embed is not None)
        for module in visual.modules()
    )


def _trunk_map(trunk: Any, pixels: Tensor) -> Tensor | None:
    """Return a timm trunk's last map as NCHW; ``None`` if what it gives is no map.

    Not by ``forward_intermediates``: some trunks, EfficientNets for one, have a convolution behind
    their last block that it leaves out.
    """
    features: Tensor = trunk.forward_features(pixels)
    if features.ndim == 4:  # noqa: PLR2004 - (B, C, H', W') or (B, H', W', C)
        return features.permute(0, 3, 1, 2) if _is_channels_last(trunk) else features
    grid_of = getattr(getattr(trunk, "patch_embed", None), "dynamic_feat_size", None)
    if features.ndim != 3 or grid_of is None:  # noqa: PLR2004 - (B, prefix + H' * W', C)
        return None
    height, width = grid_of(tuple(pixels.shape[-2:]))
    tokens = features[:, _prefix(trunk) :]
    if tokens.shape[1] != height * width:
        return None
    return tokens.transpose(1, 2).reshape(len(tokens), -1, height, width)


def _project(visual: Any, cells: Tensor) -> Tensor:
    """Return cells (B * P, C) in the joint space, (B * P, D), as the tower's own head does it."""
    projected: Tensor
    if isinstance(visual, TimmModel):
        projected = visual.head(visual.trunk.forward_head(_as_one_place(visual.trunk, cells)))
    elif isinstance(visual, ModifiedResNet):
        projected = visual.attnpool.c_proj(visual.attnpool.v_proj(cells))
    else:
        projected = visual.ln_post(cells) if visual.final_ln_after_pool else cells
        projected = projected if visual.proj is None else projected @ visual.proj
    return projected


def _as_one_place(trunk: Any, cells: Tensor) -> Tensor:
    """Return cells (B * P, C) as the maps of pictures with a single place.

    A transformer's class token and registers get the cell too: whatever its head reads of them,
    it reads the cell.
    """
    if hasattr(trunk, "patch_embed") and hasattr(trunk, "num_prefix_tokens"):
        return cells[:, None].expand(-1, 1 + _prefix(trunk), -1)
    if _is_channels_last(trunk):
        return cells[:, None, None]
    return cells[:, :, None, None]


def _prefix(trunk: Any) -> int:
    return int(getattr(trunk, "num_prefix_tokens", 0))


def _is_channels_last(trunk: Any) -> bool:
    return str(getattr(trunk, "output_fmt", "")).endswith("NHWC")


def _unusable(backbone: Backbone) -> ModelError:
    kind = type(backbone.network.visual).__name__
    return ModelError(
        f"isa can't take patch features from the image tower of {backbone.space.name} ({kind})",
        "train without them: set the weight of the local loss to 0",
    )

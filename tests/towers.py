"""Text towers of every kind that open_clip builds, tiny and with random weights."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import open_clip
import torch
from safetensors.torch import save_file

from isa_cli.encoders import load_backbone

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.encoders import Backbone

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
VISION = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
SIGLIP = {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}
COCA = {
    "text_cfg": TEXT | {"embed_cls": True, "output_tokens": True},
    "vision_cfg": VISION | {"attentional_pool": True, "output_tokens": True},
    "multimodal_cfg": TEXT | {"layers": 1},
    "custom_text": True,
}
FAMILIES = {
    "CLIP": {"text_cfg": TEXT},
    "CustomTextCLIP": {"text_cfg": TEXT, "custom_text": True},
    "end by id": {"text_cfg": TEXT | {"pool_type": "eos", "eos_id": 49407}},
    "no projection": {"text_cfg": TEXT | {"proj_type": "none"}, "embed_dim": 32},
    "SigLIP": {"text_cfg": TEXT | SIGLIP, "custom_text": True},
    "padding masked": {"text_cfg": TEXT | {"no_causal_mask": True}, "custom_text": True},
    "CoCa": COCA,
}


@torch.inference_mode(False)  # whichever test comes first
def load_family(name: str, folder: Path) -> Backbone:
    """Return the text part of a model of one kind, its files written into a folder."""
    config = {"embed_dim": 24, "vision_cfg": VISION} | copy.deepcopy(FAMILIES[name])
    kind = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    kind = open_clip.CoCa if "multimodal_cfg" in config else kind
    torch.manual_seed(0)
    network = kind(**copy.deepcopy(config))
    torch.nn.init.normal_(getattr(network, "text", network).token_embedding.weight, std=0.5)
    save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    cfg = {"mean": [0.5] * 3, "std": [0.3] * 3, "size": [32, 32]}
    whole = config | ({"custom_text": True} if kind is not open_clip.CLIP else {})
    text = json.dumps({"model_cfg": whole, "preprocess_cfg": cfg})
    (folder / "open_clip_config.json").write_text(text)
    return load_backbone(str(folder), parts={"text"}, device="cpu", precision="fp32")

"""Writes an open_clip architecture with seeded random weights as a local model folder.

    python examples/experiments/random_model.py ViT-B-32 /tmp/vit-b-32
    isa bench --photos ~/Pictures --model /tmp/vit-b-32

For timing where no model hub can be reached: speed does not depend on what the weights say.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

CLIP_PREPROCESS = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("arch", help="a name of open_clip.list_models()")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    config = open_clip.get_model_config(arguments.arch)
    if config is None:
        parser.error(f"open_clip has no architecture {arguments.arch!r}")
    model = open_clip.create_model(arguments.arch, pretrained=None)
    arguments.out.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, arguments.out / "open_clip_model.safetensors")
    preprocess = CLIP_PREPROCESS | {"size": [config["vision_cfg"]["image_size"]] * 2}
    (arguments.out / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}, indent=2)
    )
    print(f"{arguments.arch} with random weights in {arguments.out}")


if __name__ == "__main__":
    main()

"""Fixtures for every test: a tiny real model, real data where it is, and a clean environment."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 32,
        "heads": 2,
        "layers": 2,
    },
}


# Before anything is imported: huggingface_hub reads its place once and for all.
_HOME = tempfile.TemporaryDirectory(prefix="isa-tests-")
for _name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HF_HOME"):
    os.environ[_name] = str(Path(_HOME.name) / _name.lower())
for _name in ("ISA_GALLERY", "ISA_MODEL", "ISA_DEVICE", "ISA_PRECISION", "HF_HUB_CACHE"):
    os.environ.pop(_name, None)
if "PYTEST_XDIST_WORKER" in os.environ:  # networks this small only wait for threads of their own
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure():
    """Start the encoder that tests make HEICs with: after USearch's first graph it no longer can.

    isa itself only decodes them, which is not affected.
    """
    from io import BytesIO

    from PIL import Image
    from pillow_heif import from_pillow

    from_pillow(Image.new("RGB", (16, 16))).save(BytesIO())


def pytest_unconfigure():
    """Take the tests' own home away again."""
    _HOME.cleanup()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A CLIP of two layers with seeded random weights, in open_clip's local-folder format."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.CLIP(**TINY)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    preprocessing = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "size": [32, 32]}
    config = {"model_cfg": TINY, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos and models that lies beside a checkout, where there is one."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return SHARED_DATA

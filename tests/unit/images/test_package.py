"""What importing the package costs, read from a fresh interpreter, and what it offers."""

from __future__ import annotations

import json
import subprocess
import sys

from isa_cli import images

PROBE = "import isa_cli.images, json, sys; print(json.dumps(list(sys.modules)))"


def test_importing_it_brings_neither_a_model_nor_the_decoders_few_need():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True)
    roots = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert roots.isdisjoint({"torch", "torchvision", "open_clip", "timm", "pillow_heif", "rawpy"})
    assert roots.isdisjoint({"defusedxml", "pyexpat"})


def test_every_name_it_offers_is_there():
    assert images.__all__ == sorted(images.__all__)
    assert all(hasattr(images, name) for name in images.__all__)

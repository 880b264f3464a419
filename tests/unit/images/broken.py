"""A noisy and a smooth picture, and how the tests open, refuse and patch files of them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import ImageError
from isa_cli.images import open_image
from tests.bad_inputs import noise

NOISE = noise(11, (70, 50))


def waves(width=90, height=60):
    """Return a picture as smooth as a sky, with a white lower half: few bits per block."""
    x, y = np.arange(width)[None] / width, np.arange(height)[:, None] / height
    bands = [127 + 90 * np.sin(5 * x + 6 * y + phase) for phase in range(3)]
    image = Image.fromarray(np.stack(bands, -1).astype(np.uint8))
    image.paste("white", (0, height // 2, width, height))
    return image


def pixels(data):
    return np.asarray(open_image(data)[0])


def refused(data):
    with pytest.raises(ImageError) as caught:
        open_image(data)
    return caught.value.reason


def chunk(kind, body, crc=None):
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

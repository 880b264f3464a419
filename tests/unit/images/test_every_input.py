"""Every way a file can disappoint, from the table in ``tests/bad_inputs.py``."""

from __future__ import annotations

import re

import numpy as np
import pytest

from isa_cli.errors import ImageError
from isa_cli.images import open_image, read_file
from tests import bad_inputs
from tests.bad_inputs import BAD_INPUTS, BLUE, GREEN, SIZE, BadInput, encoded
from tests.unit.images.seeing import WHITE, close

# What the pixels must be: (size, colour in the middle of the left half), within 6 levels.
SHOWS = {
    b"rgb16.tif": (SIZE, GREEN),
    b"grey16.tif": (SIZE, (100,) * 3),
    b"grey16-inverted.tif": (SIZE, (155,) * 3),
    b"grey16.png": (SIZE, (200,) * 3),
    b"float.tif": (SIZE, (128,) * 3),
    b"grey32.tif": (SIZE, (233,) * 3),  # 30,000 of 32,767
    b"cmyk.jpg": (SIZE, (0, 255, 0)),
    b"cmyk.tif": (SIZE, (255, 0, 0)),
    b"palette.png": (SIZE, BLUE),
    b"clear.png": (SIZE, WHITE),
    b"grey-alpha.png": (SIZE, (127,) * 3),
    b"one-bit.bmp": (SIZE, WHITE),
    b"moving.gif": (SIZE, GREEN),
    b"moving.webp": (SIZE, GREEN),
    b"pages.tif": (SIZE, GREEN),
    b"stereo.mpo": (SIZE, GREEN),
    b"dot.png": ((1, 1), BLUE),
    b"thread.png": ((1, 10_000), BLUE),
    b"progressive.jpg": (SIZE, GREEN),
    b"more-after-the-end.jpg": (SIZE, BLUE),
    b"a-png.jpg": (SIZE, GREEN),
    b"a-heic.jpg": (SIZE, GREEN),
}


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: repr(bad.name)[2:-1])
def test_every_kind_of_file_ends_as_the_table_says(bad: BadInput, tmp_path, capfd):
    if not bad.applies():
        pytest.skip("root may read everything")
    path = bad.make(tmp_path)
    if bad.outcome != "indexed":
        with pytest.raises(ImageError, match=bad.reason) as caught:
            open_image(read_file(path))
        assert "\n" not in caught.value.reason
        assert len(caught.value.reason) < 200
        return
    image, info = open_image(read_file(path))
    size, colour = SHOWS.get(bad.name, (None, None))
    assert image.mode == "RGB"
    assert (info.width, info.height) == image.size
    assert size is None or image.size == size
    assert colour is None or close(image.getpixel((image.width // 4, image.height // 2)), colour)
    assert capfd.readouterr() == ("", "")


def test_the_table_is_as_long_and_as_distinct_as_promised():
    names = [bad.name for bad in BAD_INPUTS]
    assert len(set(names)) == len(names) >= 30
    assert set(SHOWS) <= set(names)
    assert all(bool(bad.reason) == (bad.outcome != "indexed") for bad in BAD_INPUTS)


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"])
def test_no_damage_raises_anything_but_our_own_error(fmt):
    whole = encoded(bad_inputs.noise(7, (40, 30)), fmt)
    random = np.random.default_rng(3)
    reasons = []
    for _ in range(40):
        data = bytearray(whole[: random.integers(4, len(whole) + 1)])
        for at in random.integers(0, len(data), 6):
            data[at] = random.integers(0, 256)
        try:
            open_image(bytes(data))
        except ImageError as error:
            reasons.append(error.reason)
    assert len(reasons) > 10
    assert all(re.fullmatch(r".{5,200}", reason) for reason in reasons)

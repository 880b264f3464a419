"""Pictures of any shape reach an encoder: ordinary ones bit for bit, extreme ones for little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from timm.data.transforms import MaybePILToTensor
from timm.data.transforms_factory import create_transform
from torchvision.transforms import Compose, ToTensor

from isa_cli.encoders import load_backbone
from isa_cli.encoders.light import load_light
from isa_cli.encoders.shapes import EXTREME, Geometry
from isa_cli.errors import ImageError


def _open_clips(size, mode, interpolation="bicubic"):
    cfg = PreprocessCfg(size=size, resize_mode=mode, interpolation=interpolation, fill_color=77)
    steps = image_transform_v2(cfg, is_train=False).transforms
    return steps[: next(n for n, step in enumerate(steps) if isinstance(step, ToTensor))]


def _timms(size, mode, crop_pct=0.875, interpolation="bicubic"):
    whole = create_transform(
        input_size=(3, *size),
        crop_mode=mode,
        crop_pct=crop_pct,
        interpolation=interpolation,
        normalize=False,
    )
    return [step for step in whole.transforms if not isinstance(step, MaybePILToTensor)]


LIBRARIES = {
    "open_clip shortest": _open_clips((32, 32), "shortest"),
    "open_clip shortest, not square": _open_clips((24, 40), "shortest"),
    "open_clip longest": _open_clips((32, 32), "longest", "bilinear"),
    "open_clip longest, not square": _open_clips((40, 24), "longest"),
    "open_clip squash": _open_clips((24, 40), "squash"),
    "timm centre": _timms((32, 32), "center"),
    "timm centre, not square": _timms((24, 40), "center", interpolation="lanczos"),
    "timm centre, whole": _timms((32, 32), "center", crop_pct=1.0, interpolation="bilinear"),
    "timm squash": _timms((32, 32), "squash"),
    "timm border": _timms((32, 32), "border"),
    "timm border, whole": _timms((24, 40), "border", crop_pct=1.0),
    "timm interpolates by chance": _timms((32, 32), "border", interpolation="random"),
}
BY_NAME = [name for name in LIBRARIES if name != "timm interpolates by chance"]


def _noise(width, height):
    rng = np.random.default_rng(width * height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


def _waves(width, height):
    """Return a picture without sharp edges, in which every place has its own colour."""
    x, y = np.arange(width)[None] / width, np.arange(height)[:, None] / height
    bands = [127 + 100 * np.sin(9 * x + 7 * y + phase) for phase in range(3)]
    return Image.fromarray(np.stack(bands, -1).round().astype(np.uint8))


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(BY_NAME),
    short=st.integers(1, 60),
    ratio=st.floats(1, EXTREME),
    upright=st.booleans(),
)
def test_an_ordinary_shape_is_the_librarys_own_bit_for_bit(name, short, ratio, upright):
    size = short, int(short * ratio)
    image = _noise(*(size if upright else size[::-1]))
    try:
        theirs = np.array(Compose(LIBRARIES[name])(image))
    except ValueError:
        assume(False)  # of a line the library leaves nothing
    np.testing.assert_array_equal(Geometry(LIBRARIES[name])(image), theirs)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("size", [(12, 400), (1901, 50), (64, 2500), (3400, 100)])
def test_an_extreme_shape_shows_what_the_library_shows(name, size):
    image = _waves(*size)
    theirs = np.array(Compose(LIBRARIES[name])(image), dtype=int)
    assert np.abs(Geometry(LIBRARIES[name])(image) - theirs).max() <= 3


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("size", [(150_000, 1), (1, 150_000), (1, 1), (40_000, 30), (3, 70_000)])
def test_no_shape_costs_more_than_another_and_none_becomes_nothing(name, size, monkeypatch):
    made = []
    resize = Image.Image.resize

    def recorded(image, size, *rest, **options):
        made.append(size[0] * size[1])
        return resize(image, size, *rest, **options)

    monkeypatch.setattr(Image.Image, "resize", recorded)
    pixels = Geometry(LIBRARIES[name])(Image.new("RGB", size, (200, 30, 20)))
    assert pixels.shape in {(32, 32, 3), (24, 40, 3), (40, 24, 3)}
    assert (pixels == (200, 30, 20)).all(axis=-1).any()
    assert max(made) <= 46 * 46  # what timm's crop takes its 40 pixels of, on both sides


def test_the_middle_of_a_long_line_is_taken_exactly():
    line = np.zeros((1, 1_000_001, 3), np.uint8)
    line[0, 500_000] = 255
    pixels = Geometry(_open_clips((33, 33), "shortest", "bilinear"))(Image.fromarray(line))
    middle = pixels[16, :, 0].astype(int)
    assert middle.argmax() == 16
    assert np.abs(middle - middle[::-1]).max() <= 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [(MemoryError(), "memory"), (RecursionError("too\ndeep"), "too deep"), (OSError("x"), "x")],
)
@pytest.mark.parametrize("encoder", ["heavy", "light"])
def test_what_a_library_raises_about_a_picture_is_the_pictures(
    encoder, error, reason, tiny_model, monkeypatch
):
    if encoder == "heavy":
        prepare = load_backbone(str(tiny_model), device="cpu", parts={"image"}).prepare
    else:
        prepare = load_light("test_efficientnet", pretrained=False, image_size=32).prepare

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Image.Image, "resize", fail)
    with pytest.raises(ImageError, match=reason):
        prepare(_noise(50, 40))

"""Limits, drafts and thumbnails; threads and Pillow's remarks."""

from __future__ import annotations

import io
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngImageFile

from isa_cli import images
from isa_cli.errors import ImageError, UsageError
from isa_cli.images import open_image, thumbnail
from tests import bad_inputs
from tests.bad_inputs import BLUE, GREEN, RED, SIZE, encoded, exif
from tests.unit.images.seeing import close


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("at_least", [(30, 90), (90, 30), (60, 60), (500, 500)])
def test_a_draft_keeps_a_margin_on_both_axes_and_tells_the_full_size(orientation, at_least):
    picture = Image.new("RGB", (800, 400), RED)
    data = encoded(picture, "JPEG", exif=exif({Base.Orientation: orientation}))
    full = (800, 400) if orientation == 1 else (400, 800)
    image, info = open_image(data, at_least=at_least)
    assert (info.width, info.height) == full
    margin = images.DRAFT_MARGIN
    assert image.width >= min(margin * at_least[1], full[0])
    assert image.height >= min(margin * at_least[0], full[1])
    assert close(image.getpixel((image.width // 2, 1)), RED)


def test_a_draft_is_smaller_where_that_is_possible():
    data = encoded(Image.new("RGB", (800, 400), RED), "JPEG")
    assert open_image(data, at_least=(50, 50))[0].size == (200, 100)
    assert open_image(data)[0].size == (800, 400)


def test_a_thumbnail_fits_its_square_and_keeps_its_shape():
    data = encoded(Image.new("RGB", (800, 400), GREEN), "JPEG")
    small = thumbnail(data, 100)
    assert (small.mode, small.size) == ("RGB", (100, 50))
    assert close(small.getpixel((50, 25)), GREEN)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((150_000, 1), (100, 1)), ((1, 150_000), (1, 100)), ((1, 1), (1, 1)), ((9000, 2), (100, 1))],
)
def test_a_thumbnail_of_a_line_is_a_line(size, expected):
    small = thumbnail(encoded(Image.new("RGB", size, GREEN), "PNG"), 100)
    assert (small.size, small.getpixel((0, 0))) == (expected, GREEN)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("too deep"), OSError("odd")])
@pytest.mark.parametrize("where", ["load", "convert", "thumbnail"])
def test_what_a_library_raises_about_a_file_is_the_files(error, where, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(PngImageFile if where == "load" else Image.Image, where, fail)
    with pytest.raises(ImageError, match=r"memory|too deep|odd"):
        thumbnail(bad_inputs.photo("PNG", 100, "L"), 10)


def test_the_pixel_limit_is_ours_and_adjustable(monkeypatch):
    data = bad_inputs.photo("PNG")  # 64 x 48
    monkeypatch.setenv("ISA_MAX_PIXELS", "3071")
    with pytest.raises(ImageError, match=r"64 x 48 is 3,072 pixels, the limit is 3,071") as caught:
        open_image(data)
    assert "ISA_MAX_PIXELS" in caught.value.hint
    assert "ISA_MAX_PIXELS" in caught.value.reason  # all that indexing keeps
    monkeypatch.setenv("ISA_MAX_PIXELS", "3072")
    assert open_image(data)[0].size == SIZE
    monkeypatch.setenv("ISA_MAX_PIXELS", "many")
    with pytest.raises(UsageError, match="'many'"):
        open_image(data)


def test_pillows_own_limit_neither_counts_nor_changes(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for fmt in ("JPEG", "PNG", "AVIF", "HEIF", "BMP"):
        assert open_image(bad_inputs.photo(fmt))[0].size == SIZE
    assert Image.MAX_IMAGE_PIXELS == 10
    for fmt in ("TIFF", "WEBP"):  # these look for themselves
        with pytest.raises(ImageError, match=r"too large.*3072 pixels"):
            open_image(bad_inputs.photo(fmt))


def test_a_broken_picture_draws_no_warning_and_no_log(capfd):
    data = bad_inputs.photo("JPEG", exif=bad_inputs.garbage_exif())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        open_image(data)
        Image.open(io.BytesIO(data)).load()  # only Pillow's own remarks are hushed
        warnings.warn("of somebody else", stacklevel=1)
    assert [str(warning.message) for warning in seen] == ["of somebody else"]
    assert capfd.readouterr() == ("", "")


def test_many_threads_get_what_one_gets():
    files = [
        bad_inputs.photo(fmt, colour)
        for fmt in ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF")
        for colour in (RED, GREEN, BLUE)
    ]
    alone = [open_image(data)[0].tobytes() for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: open_image(data)[0].tobytes(), files * 4))
    assert together == alone * 4

"""Camera RAW: known by its bytes, shown by its preview."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL.ExifTags import Base

from isa_cli.errors import ImageError
from isa_cli.images import open_image, sniff
from tests import bad_inputs
from tests.bad_inputs import SIZE, encoded
from tests.unit.images.seeing import NAMED, UPRIGHT, close, corners


def dng(orientation=6, more=None):
    """Return a negative of 128 x 96 whose preview is a JPEG of the four quarters."""
    writer, preview = bad_inputs.Tiff(), encoded(bad_inputs.quarters(), "JPEG", quality=95)
    mosaic = np.full((96, 128), 4000, "<u2").tobytes()
    tags = {
        254: (4, (0,)),
        256: (4, (128,)),
        257: (4, (96,)),
        258: (3, (16,)),
        259: (3, (1,)),
        262: (3, (32803,)),  # a colour filter's mosaic
        273: (4, (writer.blob(mosaic),)),
        277: (3, (1,)),
        278: (4, (96,)),
        279: (4, (len(mosaic),)),
        33421: (3, (2, 2)),
        33422: (1, (0, 1, 1, 2)),
    }
    first = {
        254: (4, (1,)),  # a small copy
        256: (4, (SIZE[0],)),
        257: (4, (SIZE[1],)),
        258: (3, (8, 8, 8)),
        259: (3, (7,)),
        262: (3, (6,)),
        271: (2, b"Acme\0"),
        272: (2, b"Acme One\0"),
        273: (4, (writer.blob(preview),)),
        274: (3, (orientation,)),
        277: (3, (3,)),
        278: (4, (SIZE[1],)),
        279: (4, (len(preview),)),
        306: (2, b"2024:05:01 12:30:00\0"),
        330: (4, (writer.ifd(tags),)),
        50706: (1, (1, 4, 0, 0)),
        50708: (2, b"Acme One\0"),
    }
    return writer.finish(writer.ifd(first | (more or {})))


@pytest.mark.parametrize(
    "start",
    [
        b"II*\0\x10\0\0\0CR\2\0",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        dng(),
    ],
    ids=["CR2", "ORF", "RW2", "RAF", "CR3", "DNG"],
)
def test_a_camera_raw_is_known_by_its_bytes_and_by_its_missing_part(start, monkeypatch):
    data = start + bytes(99)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    assert sniff(data) == "RAW"
    with pytest.raises(ImageError, match="camera RAW") as caught:
        open_image(data)
    assert 'pip install "isa-cli[raw]"' in caught.value.reason  # all that indexing keeps
    assert caught.value.hint == 'pip install "isa-cli[raw]"'


def test_a_scan_with_a_maker_is_no_raw():
    data = encoded(bad_inputs.quarters(), "TIFF", tiffinfo={Base.Make: "Canon"})
    assert sniff(data) == "TIFF"


def test_a_raw_shows_its_preview_upright_and_tells_its_own_size():
    pytest.importorskip("rawpy")
    image, info = open_image(dng())
    wanted = [NAMED[letter] for letter in UPRIGHT[6]]
    assert all(close(*pair, within=30) for pair in zip(corners(image), wanted, strict=True))
    assert image.size == SIZE[::-1]
    assert (info.format, info.width, info.height) == ("RAW", 96, 128)
    assert (info.camera, info.taken_at) == ("Acme One", "2024-05-01T12:30:00")

"""Camera RAW: the preview inside it, through LibRaw (the extra ``raw``)."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

from PIL import Image

from isa_cli.errors import ImageError
from isa_cli.images.decode import decode
from isa_cli.images.exif import describe, plain_text
from isa_cli.images.pixels import upright
from isa_cli.types import PhotoInfo


def open_raw(data: bytes, at_least: tuple[int, int] | None) -> tuple[Image.Image, PhotoInfo]:
    """Return the preview a camera put into its RAW file, with the RAW's own size and EXIF."""
    try:
        import rawpy  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise ImageError(
            'camera RAW, which needs: pip install "isa-cli[raw]"', 'pip install "isa-cli[raw]"'
        ) from error
    try:
        with rawpy.imread(BytesIO(data)) as raw:
            sizes, preview = raw.sizes, raw.extract_thumb()
    except rawpy.LibRawNoThumbnailError as error:
        raise ImageError("a camera RAW without a preview inside") from error
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        text = plain_text(error.args[0] if error.args else "")  # LibRaw's are bytes
        raise ImageError(f"a camera RAW that LibRaw can't read: {text}") from error
    turn = int("12435867"[sizes.flip & 7])  # LibRaw's flip as an EXIF orientation
    width, height = (sizes.height, sizes.width) if sizes.flip & 4 else (sizes.width, sizes.height)
    pixels: Any = preview.data  # a JPEG's bytes or a uint8 array (H, W, 3)
    if isinstance(pixels, bytes):
        image, info = decode(pixels, "JPEG", at_least, unsaid=turn)
    else:
        image = upright(Image.fromarray(pixels).convert("RGB"), turn)
        info = PhotoInfo("RAW", width, height, turn)
    own = describe(_exif_of_raw(data))
    return image, replace(info, format="RAW", width=width, height=height, **own)


def _exif_of_raw(data: bytes) -> Image.Exif:
    """The EXIF of the RAW file itself, which says more than its preview's."""
    exif = Image.Exif()
    try:
        exif.load(data)
    except Exception:  # noqa: BLE001 - not every RAW is a TIFF; then the preview's word stands
        return Image.Exif()
    return exif

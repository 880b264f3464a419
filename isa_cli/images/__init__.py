"""Pictures out of files: read, sniff, limit, decode, turn upright, describe.  The only opener.

    data = read_file(path)                                    # bytes, or ImageError
    image, info = open_image(data, at_least=(224, 224))       # RGB and upright, or ImageError
    info = with_sidecars(path, info)                          # and what lies beside the photo

What a caller may rely on:

- The content decides what a file is, never its suffix, also behind a few KB of something else; of
  an animation or a stack of pages the first picture counts that is no smaller copy of another, of a
  camera RAW the preview inside it.
- Every pixel that is there is shown: what is damaged or oversized beside the pixels (profiles,
  texts, checksums, a missing end) is left out.  Where pixels are missing, the file is refused.
- The image has mode RGB, stands upright, and carries no metadata that could turn it again.
  Transparency becomes white, an alpha of 0 everywhere is ignored, 16-bit and float pixels are
  scaled, not clipped (ours).
- Colour profiles are ignored: encoders were trained on pictures opened that way, and open_clip's
  own preprocessing ignores them too.  CMYK goes through Pillow's plain formula for the same reason.
- Whatever Pillow, libheif, LibRaw or tifffile raise about a file ends up as ``ImageError``, here.
  (libtiff alone also writes a line to stderr itself when a compressed TIFF is damaged.)
- Any number of threads may call.  Those with large pictures wait for each other, so that all
  together hold no more than one of ``MAX_PIXELS`` would.

``ISA_MAX_PIXELS`` sets the largest picture that is decoded, in pixels (``MAX_PIXELS`` by default),
``ISA_MAX_SECONDS`` how long one file may take, where ``limits.within`` is asked to see to that.
"""

from isa_cli.images.decode import DRAFT_MARGIN, MAX_PIXELS
from isa_cli.images.files import DIGEST_SIZE, MAX_BYTES, digest, looks_like_photo, read_file
from isa_cli.images.opening import open_file, open_image, thumbnail
from isa_cli.images.sidecars import with_sidecars
from isa_cli.images.sniff import sniff

__all__ = [
    "DIGEST_SIZE",
    "DRAFT_MARGIN",
    "MAX_BYTES",
    "MAX_PIXELS",
    "digest",
    "looks_like_photo",
    "open_file",
    "open_image",
    "read_file",
    "sniff",
    "thumbnail",
    "with_sidecars",
]

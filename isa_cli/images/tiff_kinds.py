"""What kind of TIFF a file is: how deep, of which colours, packed how; and who reads it right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL.ExifTags import Base

from isa_cli.images.tiff import Tiff

COLOURS: Final = {0: 1, 1: 1, 2: 3, 5: 4, 6: 3, 8: 3, 9: 3}
"""How many samples of a pixel are its colour, by the photometric interpretation."""

LAB: Final = frozenset({8, 9})

_NAMES: Final = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
    10: "Lab",
    32844: "LogL",
    32845: "LogLuv",
}
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_FORMATS: Final = {_UNSIGNED: "", _SIGNED: "signed ", _FLOAT: "float "}
_PLAIN, _JPEG, _WEBP = 1, 7, 50_001
_PACKED: Final = {
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    34676: "SGI Log",
    34677: "SGI Log",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    34926: "ZSTD",
    34933: "PNG",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_BOUNDED: Final = frozenset({1, 5, 7, 8, 32773, 32946, 34887, 34925, 34926, 50000, 50001})
"""Ways of packing out of which never much more comes than the directory declares."""

_SAMPLE_FORMAT: Final = 339
_IN_PLANES: Final = 2
_DEEP: Final = 16


@dataclass(frozen=True, slots=True)
class TiffKind:
    """What the directory of a TIFF's first page says about its samples.

    Attributes:
        photometric: which colours they are, as TIFF counts.
        bits: of each sample; 0 where they differ.
        sample_format: 1 unsigned, 2 signed, 3 float.
        samples: of a pixel.
        extras: what those are that are no colour; 1 an alpha that has been multiplied, 2 one that
            has not.
        in_planes: each sample on its own.
        compression: as TIFF counts.
        big_endian: whether the highest byte comes first.
    """

    photometric: int
    bits: int
    sample_format: int
    samples: int
    extras: tuple[int, ...]
    in_planes: bool
    compression: int
    big_endian: bool

    @classmethod
    def of(cls, data: bytes) -> TiffKind | None:
        """Return the kind of a file, ``None`` where it has no directory."""
        tiff = Tiff(data)
        page = next(tiff.pages(), None)
        if page is None:
            return None
        depths = set(tiff.numbers(page, Base.BitsPerSample)) or {1}
        formats = set(tiff.numbers(page, _SAMPLE_FORMAT)) or {_UNSIGNED}
        return cls(
            photometric=tiff.first(page, Base.PhotometricInterpretation),
            bits=depths.pop() if len(depths) == 1 else 0,
            sample_format=formats.pop() if len(formats) == 1 else 0,
            samples=tiff.first(page, Base.SamplesPerPixel, 1),
            extras=tiff.numbers(page, Base.ExtraSamples),
            in_planes=tiff.first(page, Base.PlanarConfiguration, 1) == _IN_PLANES,
            compression=tiff.first(page, Base.Compression, _PLAIN),
            big_endian=data[:2] == b"MM",
        )

    def __str__(self) -> str:
        """Return ``a TIFF of 32-bit float RGB with alpha in planes, packed with ZSTD``."""
        name = _NAMES.get(self.photometric, f"colours of kind {self.photometric}")
        depth = f"{self.bits}-bit " if self.bits else ""
        packed = _PACKED.get(self.compression, f"method {self.compression}")
        return (
            f"a TIFF of {depth}{_FORMATS.get(self.sample_format, 'complex ')}{name}"
            + (" with alpha" if self.alpha else "")
            + (" in planes" if self.in_planes else "")
            + (f", packed with {packed}" if self.compression != _PLAIN else "")
        )

    @property
    def alpha(self) -> int:
        """1 or 2 as in ``extras``, 0 without an alpha channel."""
        return next((kind for kind in self._extras if kind in {1, 2}), 0)

    @property
    def wanted(self) -> list[int]:
        """The numbers of the samples that make the picture: its colours, and its alpha."""
        colours = COLOURS[self.photometric]
        alpha = [colours + n for n, kind in enumerate(self._extras) if kind in {1, 2}]
        return [*range(colours), *alpha[:1]]

    @property
    def _extras(self) -> tuple[int, ...]:
        """What the samples beyond the colours are; a single one of which nothing is said: alpha."""
        beyond = self.samples - COLOURS.get(self.photometric, self.samples)
        return self.extras[:beyond] or ((2,) if beyond == 1 else ())

    @property
    def readable(self) -> bool:
        """Whether ``deep_tiff`` knows what the samples mean, and how they are unpacked."""
        return (
            self.photometric in COLOURS
            and self.samples >= COLOURS[self.photometric]
            and self.sample_format in _FORMATS
            and self.bits > 0
            and self.compression in _BOUNDED
        )

    @property
    def misread(self) -> bool:
        """Whether Pillow opens this kind, but takes its numbers for others, or can't unpack it.

        Of 16 bits in planes it reads every second byte; packed floats of the other byte order it
        does not turn; a JPEG of more than eight bits it takes for one of eight; and its libtiff
        comes without WebP.
        """
        plain = self.compression == _PLAIN
        halves = self.bits == _DEEP and self.in_planes and self.samples > 1 and plain
        turned = self.sample_format == _FLOAT and self.big_endian and not plain
        deep_jpeg = self.compression == _JPEG and self.bits > 8  # noqa: PLR2004
        return halves or turned or deep_jpeg or self.compression == _WEBP


def is_misread(data: bytes) -> bool:
    """Return whether Pillow would show this TIFF, but not as it is."""
    kind = TiffKind.of(data)
    return kind is not None and kind.misread

"""Metadata by hand, in the forms that programs write: XMP, IPTC, segments, chunks, profiles."""

from __future__ import annotations

import struct
import zlib

XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
MORE_HEAD = b"http://ns.adobe.com/xmp/extension/\0"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SPACES = (
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:xmpNote="http://ns.adobe.com/xmp/note/"'
)


def xmp(attributes="", elements="", before="", after=""):
    """Return a packet with properties as attributes and as elements."""
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{before}'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" {SPACES} {attributes}>{elements}</rdf:Description>'
        f'</rdf:RDF></x:xmpmeta>{after}<?xpacket end="w"?>'
    ).encode()


def taken(when):
    return xmp(f'exif:DateTimeOriginal="{when}"')


def data_sets(**said):
    """Return IPTC records of the second kind: ``d55="20240501"``."""
    return b"".join(
        struct.pack(">BBBH", 0x1C, 2, int(name[1:]), len(value)) + value.encode()
        for name, value in said.items()
    )


def resource(number, content, name=b""):
    """Return one of Photoshop's resource blocks."""
    named = bytes([len(name)]) + name
    named += bytes(len(named) % 2)
    return (
        b"8BIM"
        + struct.pack(">H", number)
        + named
        + struct.pack(">I", len(content))
        + content
        + bytes(len(content) % 2)
    )


def with_segments(jpeg, *segments):
    """Return a JPEG with (marker, content) right after its start."""
    parts = [
        bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
        for marker, content in segments
    ]
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


def with_chunks(png, *chunks, last=False):
    """Return a PNG with (name, content) before its pixels, or behind them."""
    at = png.rindex(b"IEND") - 4 if last else png.index(b"IDAT") - 4
    parts = [
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    ]
    return png[:at] + b"".join(parts) + png[at:]


def profile(name, content):
    """Return the text of a raw profile, as ImageMagick writes it."""
    digits = content.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    return "\n".join(["", name, f"{len(content):8}", *lines, ""]).encode()

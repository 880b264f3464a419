"""Files whose names say nothing: is there a photo inside?  And what to call those that hold none.

A file is judged by what is in it.  Where the suffix is a photo's, the decoder does that; where it
is one of ``NO_PHOTOS``, nobody expects a photo and the file is not opened; all others (``.jpg~``,
``.jpg_large``, no suffix at all) are looked at, 64 bytes of each.  That is done anew in every run,
for nothing is remembered of what is no photo: 15 microseconds a file where the disk is local and
its directory in memory, twice what the ``stat`` of a photo takes.
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH122

from __future__ import annotations

import os
import stat
from typing import Final

HEAD: Final = 64
"""Bytes that are read; every format that ``images.sniff`` knows shows itself in them."""

NO_FILE: Final = "/"
"""Stands for a suffix where there is no file: a pipe, a device, a link that leads nowhere."""

LONGEST_SUFFIX: Final = 16
"""Bytes; what follows a dot in a whole sentence is no suffix (ours)."""

_KINDS: Final = """
documents:
    .txt .md .rst .rtf .pdf .ps .djvu .epub .mobi .tex .doc .docx .odt .pages .xls .xlsx .ods
    .numbers .csv .tsv .ppt .pptx .odp .key .htm .html .xhtml .mht .url .webloc .log .nfo .srt .sub
    .vtt .gpx .kml .kmz .ics .vcf .eml .msg
beside photos:
    .xmp .aae .thm .dop .pp3 .pto .vrd .nksc .cos .comask .on1 .lrtemplate .xml .json .jsonl .yaml
    .yml .toml .ini .cfg .conf .properties .plist .lock .lnk .desktop .torrent
films:
    .mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .mts .m2ts .ts .wmv .asf .flv .f4v .3gp .3g2 .vob .ogv
    .divx .rm .rmvb .dv .mxf .braw .r3d .tod .insv .lrv .lrf .360
sound:
    .mp3 .m4a .aac .wav .flac .ogg .oga .opus .wma .ape .aif .aiff .mid .midi .amr .caf .m3u .m3u8
    .pls .cue
archives and programs:
    .zip .7z .rar .tar .gz .tgz .bz2 .xz .zst .lz4 .cab .iso .dmg .img .vhd .vmdk .jar .apk .ipa
    .exe .msi .dll .so .dylib .deb .rpm .pkg
sources:
    .py .pyc .pyi .ipynb .js .mjs .cjs .jsx .tsx .css .scss .less .vue .map .wasm .c .h .cc .cpp
    .hpp .cs .java .class .kt .swift .go .rs .rb .pl .php .sh .bash .zsh .bat .cmd .ps1 .sql .lua .r
    .m .mm .scala .asm .o .a .proto
databases, arrays, fonts:
    .db .db-wal .db-shm .db-journal .sqlite .sqlite3 .sqlite-wal .sqlite-shm .mdb .accdb .lrcat
    .lrcat-data .lrcat-wal .lrcat-shm .cocatalogdb .npy .npz .pkl .parquet .h5 .hdf5 .safetensors
    .pt .pth .ckpt .onnx .gguf .ttf .otf .woff .woff2 .eot
nothing but suffix:
    .isaignore .gitignore .gitattributes .ds_store .nomedia .localized
"""

NO_PHOTOS: Final = frozenset(word for word in _KINDS.split() if word.startswith("."))
"""Suffixes of what is no photo and common where photos are; such a file is never opened.

What might be a photo under a strange name is not among them: ``.bak``, ``.tmp``, ``.dat``, ``.1``.
"""

_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def suffix_of(name: bytes) -> str:
    """Return a name's suffix in lower case, ``.mp4``; of a name that is all suffix, the name."""
    stem, suffix = os.path.splitext(name.lower())
    suffix = suffix or (stem if stem.startswith(b".") else b"")
    is_one = 1 < len(suffix) <= LONGEST_SUFFIX and not suffix.split()[1:]
    return os.fsdecode(suffix) if is_one else ""


def holds_photo(path: bytes) -> bool:
    """Return whether a file's first bytes are those of a photo; waits for no pipe.

    Raises:
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return False
        head = os.read(file, HEAD)
    finally:
        os.close(file)
    # Only to tell camera RAW from other TIFFs would ``sniff`` need more bytes than there are here.
    return head.startswith(_TIFF) or _is_picture(head)


def _is_picture(head: bytes) -> bool:
    from isa_cli.images import sniff  # noqa: PLC0415 - Pillow, for folders with such files only

    return bool(sniff(head))

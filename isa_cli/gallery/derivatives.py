"""Folders that other programs made and that hold no photo of the user's own: a list, maintained.

Bins, snapshots, thumbnails and previews are pictures by their bytes, and nobody looks for them:
each would double a photo, or bring back one that was thrown away.  The originals that such a
program keeps (``*.photoslibrary/originals``) are not on the list.

Only names are looked at, upper and lower case alike, so a folder costs a few comparisons.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

COUNTED: Final = 1_000
"""Folders that ``count`` lists at most: a network disk takes a second for them (ours)."""

_LIST: Final = """
: recycle bins
#recycle                       Synology, TerraMaster, Asustor
@recycle                       QNAP
$recycle.bin                   Windows since Vista
recycler                       Windows NT to XP
.recycle                       Samba's vfs_recycle, as OpenMediaVault sets it up
.recycle.bin                   Samba's vfs_recycle, as unRAID sets it up
.trash                         freedesktop.org: of all users; macOS: of a user
.trash-*                       freedesktop.org: of one user on another disk
.local/share/trash             freedesktop.org: in the home folder
.trashbin                      Xiaomi
.trashes                       macOS: on another disk
network trash folder           macOS: on a file server
network recycle bin*           Asustor, on external disks
trashbox                       Buffalo
_nas_recycle_                  Thecus
files_trashbin                 Nextcloud, ownCloud
.dtrash                        digiKam
.dropbox.cache                 Dropbox: what was deleted or is on its way
.sync/archive                  Resilio

: snapshots and old versions
#snapshot                      Synology
@sharesnap                     Synology
@recently-snapshot             QNAP
.snapshot                      NetApp, Isilon
~snapshot                      NetApp, as Windows sees it
.snapshots                     snapper (Btrfs)
.snap                          CephFS, FreeBSD's UFS
.zfs                           ZFS
@gmt-*                         Samba, Windows: previous versions
timeshift/snapshots*           Timeshift
files_versions                 Nextcloud, ownCloud
.stversions                    Syncthing

: thumbnails
@eadir                         Synology
.@__thumb                      QNAP
@__thumb                       QNAP
.wdmc                          Western Digital My Cloud
.thumbnails                    freedesktop.org, Android, digiKam
.sh_thumbnails                 freedesktop.org: shared
.thumbs                        gallery programs by the dozen
.xvpics                        xv, GIMP
mipmaps-*.d                    darktable
thumbs +slides                 jAlbum
photodata +dcim                iPhone, iPad: beside the photos themselves
userdata/thumbnails            Kodi

: photo programs' copies
*.photoslibrary/resources      Apple Photos: derivatives, renders, faces
*.photoslibrary/private        Apple Photos: caches
*.photoslibrary/internal       Apple Photos: caches
*.photoslibrary/database       Apple Photos
*.photoslibrary/derivatives    Apple Photos
*.photoslibrary/thumbnails     Apple Photos before version 5
*.photoslibrary/previews       Apple Photos before version 5
*.photolibrary/thumbnails      iPhoto 9
*.photolibrary/previews        iPhoto 9
*.photolibrary/data*           iPhoto 9: Data, Data.noindex, Database
*.photolibrary/*photo cache    iPhoto 9: for an iPod or an Apple TV
iphoto library*/thumbnails     iPhoto before version 9
iphoto library*/previews       iPhoto before version 9
iphoto library*/data*          iPhoto before version 9
iphoto library*/*photo cache   iPhoto before version 9
*.aplibrary/thumbnails         Aperture
*.aplibrary/previews           Aperture
*.lrdata                       Lightroom Classic: previews, smart previews
*.lrlibrary/previews           Lightroom
*.lrlibrary/*/previews         Lightroom
captureone/cache               Capture One: of a session
capture one*/cache             Capture One
*.cocatalog/cache              Capture One: of a catalogue
.picasaoriginals               Picasa: what it kept beside what was edited
encoded-video                  Immich
thumbs +encoded-video          Immich
thumbs +upload                 Immich
upload/thumbs                  Immich
immich*/thumbs                 Immich
.photoprism                    PhotoPrism: sidecar files
photoprism*/storage            PhotoPrism: cache, sidecar files
photoprism*/cache              PhotoPrism
photoprism*/sidecar            PhotoPrism
storage/cache                  PhotoPrism
storage/sidecar                PhotoPrism
cache +sidecar                 PhotoPrism
sidecar +cache                 PhotoPrism
appdata_*/preview              Nextcloud, ownCloud
appdata_oc*                    Nextcloud, ownCloud: previews, avatars
protected_media                LibrePhotos
_data/i                        Piwigo
pwg_representative             Piwigo
generated images.bundle        Mylio
plex media server/*            Plex
jellyfin*/metadata             Jellyfin
jellyfin*/cache                Jellyfin

: caches
node_modules                   npm: what a web page is made with
bower_components               the same, earlier
site-packages                  Python: what packages bring along
dist-packages                  Python, as Debian has it
deriveddata                    Xcode
library/caches                 macOS: every program's
appdata/local                  Windows: every program's
cache2/entries                 Firefox
cache_data                     Chrome and its kin
gpucache                       Chrome and its kin
android/data/*/cache           Android: every program's
"""
"""One entry a line: a folder's name, after the names around it; ``+`` what it lies beside; whose.

A name may have one ``*``.  What stands behind a colon says what the entries below it are.
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the list; ``around``: the names of the folders around it, innermost first."""

    name: bytes
    around: tuple[bytes, ...]
    beside: bytes
    kind: str

    def lies_in(self, around: Sequence[bytes]) -> bool:
        """Return whether the folders around one, innermost first, are those of the entry."""
        return len(self.around) <= len(around) and all(map(_fits, around, self.around))


def _entries() -> Iterator[_Entry]:
    kind = ""
    for line in filter(None, _LIST.splitlines()):
        what = line.partition("  ")[0].encode()
        if what.startswith(b": "):
            kind = what[2:].decode()
            continue
        path, _, beside = what.partition(b" +")
        *around, name = path.split(b"/")
        yield _Entry(name, tuple(reversed(around)), beside, kind)


_BY_NAME: Final[dict[bytes, list[_Entry]]] = defaultdict(list)
_WILD: Final[list[_Entry]] = []
for _entry in _entries():
    (_WILD if b"*" in _entry.name else _BY_NAME[_entry.name]).append(_entry)


def kind_of(
    path: bytes, siblings: Callable[[], Collection[bytes]] = tuple, *, by_name: bool = False
) -> str:
    """The kind of things that other programs keep in a folder; '' where it is none of the list.

    Args:
        path: absolute.
        siblings: lists the names beside it, in lower case; asked where it matters.
        by_name: look at the folder's own name alone.
    """
    *around, name = path.lower().split(b"/")
    around.reverse()
    entries: list[_Entry] = [*_BY_NAME.get(name, ()), *(e for e in _WILD if _fits(name, e.name))]
    for entry in entries:
        if by_name and (entry.around or entry.beside):
            continue
        if entry.lies_in(around) and (not entry.beside or entry.beside in siblings()):
            return entry.kind
    return ""


def _fits(name: bytes, pattern: bytes) -> bool:
    head, star, tail = pattern.partition(b"*")
    if not star:
        return name == pattern
    return len(name) >= len(head) + len(tail) and name.startswith(head) and name.endswith(tail)


def count(folders: Iterable[bytes]) -> tuple[int, bool]:
    """Return how many files lie at or below these folders, and whether that is all of them.

    Links are not followed; no more than ``COUNTED`` folders are listed.
    """
    files = 0
    waiting = list(folders)
    for _ in range(COUNTED):
        if not waiting:
            break
        try:
            with os.scandir(waiting.pop()) as listing:
                for entry in listing:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        files += 1
        except OSError:  # it is left out anyway
            continue
    return files, not waiting

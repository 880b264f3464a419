"""One folder, many ways to write it: from a path as somebody gives it to the catalogue's own.

The catalogue keeps paths as the user wrote them, links not resolved.  A shell that stands in
``~/Pictures``, a link, says ``/data/pictures``; macOS has ``/var`` and ``/private/var``, and reads
an é in two ways.  So a path that the catalogue does not know as it is written is compared by what
it really is: two paths are the same where the system says so (``os.path.samefile``).
"""

# Paths are bytes, which pathlib does not take.
# ruff: noqa: PTH116, PTH118

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from isa_cli.filters import And, Not, Or, Under
from isa_cli.gallery.ignore import parents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from isa_cli.filters import Where
    from isa_cli.gallery.catalog import Catalog

    Identity: TypeAlias = tuple[int, int]


def known_spellings(catalog: Catalog, path: bytes) -> list[bytes]:
    """Return how the catalogue writes a folder or file: several ways where several roots reach it.

    Args:
        catalog: open.
        path: absolute.

    Returns:
        At least one, and all of them known or none: the path itself where the catalogue knows it
        as it is written, or does not know it at all.
    """
    if is_known(catalog, path):
        return [path]
    disk = _Disk()
    for places in (_by_roots, _by_folders):
        if found := _outermost(p for p in places(catalog, path, disk) if is_known(catalog, p)):
            return found
    return [path]


def is_known(catalog: Catalog, path: bytes) -> bool:
    """Return whether the catalogue has a file at or below a path, as it is written."""
    folder, name = os.path.split(path)
    return bool(catalog.folders_under(path)) or name in catalog.files_in(folder)


def known_root(catalog: Catalog, root: bytes) -> bytes:
    """The name that a folder to be indexed has below the roots that are known already.

    Without this, the photos of a folder that is written in another way would be catalogued twice.

    Args:
        catalog: open.
        root: absolute.
    """
    if is_known(catalog, root) or not {root, *parents(root)}.isdisjoint(catalog.metadata.roots()):
        return root
    disk = _Disk()
    this = disk.identity(root)
    same = (place for place in _by_roots(catalog, root, disk) if disk.identity(place) == this)
    return root if this is None else min(same, default=root)


def respelled(catalog: Catalog, where: Where) -> Where:
    """Return a filter whose folders are written as in the catalogue."""
    if isinstance(where, Under):
        parts = tuple(Under(path) for path in known_spellings(catalog, where.folder))
        return Or(parts) if len(parts) > 1 else parts[0]
    if isinstance(where, And | Or):
        return replace(where, parts=tuple(respelled(catalog, part) for part in where.parts))
    if isinstance(where, Not):
        return Not(respelled(catalog, where.part))
    return where


class _Disk:
    """What paths lead to; each is looked at once."""

    def __init__(self) -> None:
        self._seen: dict[bytes, Identity | None] = {}

    def identity(self, path: bytes) -> Identity | None:
        """The device and inode that tell a file or folder from all others; ``None`` for none."""
        if path not in self._seen:
            try:
                found = os.stat(path)
                self._seen[path] = (found.st_dev, found.st_ino)
            except (OSError, ValueError):
                self._seen[path] = None
        return self._seen[path]

    def heads(self, path: bytes) -> dict[Identity, set[bytes]]:
        """Return the path and the folders around it, and by which ways it goes on from each."""
        found: dict[Identity, set[bytes]] = {}
        for way in (path, os.path.realpath(path)):
            for head in (way, *parents(way)):
                identity = self.identity(head)
                if identity is not None:
                    found.setdefault(identity, set()).add(os.path.relpath(way, head))
        return found

    def is_around(self, folder: Identity | None, path: bytes) -> bool:
        """Return whether a folder is one of those around a path, or around what it leads to."""
        if folder is None:
            return False
        ways = (path, os.path.realpath(path))
        return any(self.identity(head) == folder for way in ways for head in parents(way))


def _by_roots(catalog: Catalog, path: bytes, disk: _Disk) -> Iterator[bytes]:
    """Yield what a path may be called, seen from the roots; few files are looked at."""
    heads = disk.heads(path)
    for root in catalog.metadata.roots():
        identity = disk.identity(root)
        for rest in heads.get(identity, ()) if identity else ():
            yield os.path.normpath(os.path.join(root, rest))
        if disk.is_around(disk.identity(path), root):
            yield root


def _by_folders(catalog: Catalog, path: bytes, disk: _Disk) -> Iterator[bytes]:
    """Yield what a path may be called, seen from every folder: links may lie inside a root, too."""
    if disk.identity(path) is None:  # nothing to compare, and a typing error need not wait
        return
    heads = disk.heads(path)
    done: set[bytes] = set()
    for folder in catalog.folders_under(os.fsencode(os.sep)):
        for head in (folder, *parents(folder)):
            if head in done:
                break
            done.add(head)
            identity = disk.identity(head)
            for rest in heads.get(identity, ()) if identity else ():
                yield os.path.normpath(os.path.join(head, rest))
        if disk.is_around(disk.identity(path), folder):
            yield folder


def _outermost(paths: Iterable[bytes]) -> list[bytes]:
    """Return paths, sorted, without those that lie below another."""
    found = set(paths)
    return sorted(path for path in found if found.isdisjoint(parents(path)))

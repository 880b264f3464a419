"""What a person sees of the catalogue: photos and where their files are."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from isa_cli.gallery.catalog.database import to_json
from isa_cli.gallery.catalog.local_time import to_iso
from isa_cli.gallery.catalog.paths import is_under, join, split
from isa_cli.gallery.catalog.where import compile_where, folders_of
from isa_cli.gallery.records import Cause, FailedFile, Stats
from isa_cli.types import Photo, PhotoInfo

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from isa_cli.filters import Where
    from isa_cli.gallery.catalog.database import Database
    from isa_cli.types import Keys

_CONTENTS = """
    SELECT c.vector_key, c.key, c.digest, c.bytes, formats.text, c.width, c.height, c.orientation,
           c.taken_at, cameras.text, c.latitude, c.longitude
    FROM contents AS c
    JOIN labels AS formats ON formats.id = c.format_id
    LEFT JOIN labels AS cameras ON cameras.id = c.camera_id
"""
_PATHS = """
    SELECT f.content_key, folders.path, f.name
    FROM files AS f JOIN folders ON folders.id = f.folder_id
    WHERE f.content_key IN (SELECT value FROM json_each(?))
"""
_STATS = """
    SELECT (SELECT count(*) FROM contents), (SELECT count(*) FROM files),
           (SELECT count(*) FROM failures), (SELECT count(*) FROM vectors),
           (SELECT coalesce(sum(size), 0) FROM files),
           (SELECT count(DISTINCT folder_id) FROM files),
           (SELECT min(taken_at) FROM contents), (SELECT max(taken_at) FROM contents),
           (SELECT count(*) FROM contents WHERE taken_at IS NULL),
           (SELECT count(*) FROM contents WHERE latitude IS NULL OR longitude IS NULL)
"""


class PhotoTable:
    """The photos of a catalogue; ``Catalog.photos``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, keys: Keys, where: Where | None = None) -> dict[int, list[Photo]]:
        """Return the photos of these vectors, by vector key; unknown keys are left out.

        Args:
            keys: (N,) uint64 vector keys.  Several contents may share a vector.
            where: leave out photos that it does not keep.  Paths under a folder that it names
                come first in ``Photo.paths``.
        """
        condition, params = compile_where(where) if where is not None else ("1", ())
        found = self._photos(
            f"c.vector_key IN (SELECT value FROM json_each(?)) AND {condition}",  # noqa: S608
            (to_json(keys.tolist()), *params),
            tuple(folders_of(where)) if where is not None else (),
        )
        photos: dict[int, list[Photo]] = defaultdict(list)
        for key, photo in found:
            photos[key].append(photo)
        return dict(photos)

    def at(self, path: bytes) -> Photo | None:
        """Return the photo that the file at ``path`` holds, if it is catalogued."""
        folder, name = split(path)
        key = (
            "(SELECT content_key FROM files WHERE name = ?"
            " AND folder_id = (SELECT id FROM folders WHERE path = ?))"
        )
        return next((photo for _, photo in self._photos(f"c.key = {key}", (name, folder))), None)

    def names_with(self, folder: bytes, part: str) -> list[bytes]:
        """Return the names directly in a folder that contain lower-case ASCII text, in any case."""
        rows = self._db.rows(
            "SELECT name FROM files WHERE folder_id = (SELECT id FROM folders WHERE path = ?)"
            " AND instr(lower(CAST(name AS TEXT)), ?) ORDER BY name",
            folder,
            part,
        )
        return [name for (name,) in rows]

    def by_digest(self, digest: bytes) -> Photo | None:
        """Return the photo with these bytes, if it is catalogued."""
        return next((photo for _, photo in self._photos("c.digest = ?", (digest,))), None)

    def failures(self) -> Iterator[tuple[bytes, str]]:
        """Yield (path, reason) of every file that could not be indexed, by path."""
        yield from ((file.path, file.reason) for file in self.failed_files())

    def failed_files(self) -> list[FailedFile]:
        """Return every file that could not be indexed the last time, and where that lies, by path.

        One that an earlier isa noted may be of any cause, and counts as damaged.
        """
        rows = self._db.rows(
            "SELECT folders.path, f.name, f.reason, f.passing, f.needs"
            " FROM failures AS f JOIN folders ON folders.id = f.folder_id"
        )
        found = [
            FailedFile(join(folder, name), reason, Cause.of(passing=bool(passing), needs=needs))
            for folder, name, reason, passing, needs in rows
        ]
        return sorted(found, key=lambda file: file.path)

    def stats(self) -> Stats:
        """Return the gallery in numbers."""
        with self._db.reading() as connection:
            roots = connection.execute("SELECT name FROM facts WHERE kind = 'root' ORDER BY name")
            known = tuple(root for (root,) in roots)
            row = connection.execute(_STATS).fetchone()
        photos, files, failed, vectors, size, folders, first, last, undated, unplaced = row
        return Stats(
            roots=known,
            photos=photos,
            files=files,
            failed=failed,
            vectors=vectors,
            bytes=size,
            folders=folders,
            first_taken=None if first is None else to_iso(first),
            last_taken=None if last is None else to_iso(last),
            undated=undated,
            unplaced=unplaced,
        )

    def _photos(
        self, condition: str, params: Sequence[Any], first: Sequence[bytes] = ()
    ) -> list[tuple[int, Photo]]:
        """Return (vector key, photo) by rising content key."""
        with self._db.reading() as connection:
            rows = connection.execute(f"{_CONTENTS} WHERE {condition} ORDER BY c.key", params)
            contents = rows.fetchall()
            paths = _paths(connection, [row[1] for row in contents], first)
        # A content between two files, which a running index has yet to re-point, has no path.
        return [(row[0], _photo(row, paths[row[1]])) for row in contents if row[1] in paths]


def _paths(
    connection: sqlite3.Connection, contents: Sequence[int], first: Sequence[bytes]
) -> dict[int, list[bytes]]:
    """Return the paths of each content, sorted, those under one of the folders ``first`` first."""
    paths: dict[int, list[bytes]] = {}
    for key, folder, name in connection.execute(_PATHS, (to_json(contents),)):
        paths.setdefault(key, []).append(join(folder, name))
    for found in paths.values():
        found.sort(key=lambda path: (not any(is_under(path, top) for top in first), path))
    return paths


def _photo(row: Sequence[Any], paths: Sequence[bytes]) -> Photo:
    _, key, digest, size, format_, width, height, orientation, taken, camera, lat, lon = row
    info = PhotoInfo(
        format=format_,
        width=width,
        height=height,
        orientation=orientation,
        taken_at=None if taken is None else to_iso(taken),
        camera=camera,
        latitude=lat,
        longitude=lon,
    )
    return Photo(key=key, digest=digest.hex(), paths=tuple(paths), bytes=size, info=info)

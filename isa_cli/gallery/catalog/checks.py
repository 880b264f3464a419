"""Whether a catalogue is sound: SQLite's own checks, then ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.errors import GalleryDamaged

if TYPE_CHECKING:
    from isa_cli.gallery.catalog.database import Database

# Each query counts offenders; the words follow the count.
_OURS = (
    (
        "files have no content",
        (
            "SELECT count(*) FROM files"
            " WHERE NOT EXISTS (SELECT 1 FROM contents WHERE key = files.content_key)"
        ),
    ),
    (
        "files are indexed and failed at once",
        (
            "SELECT count(*) FROM files JOIN failures USING (folder_id, name)"
            " WHERE NOT failures.passing AND failures.needs = ''"
        ),
    ),
    (
        "contents have no vector",
        (
            "SELECT count(*) FROM contents"
            " WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE key = contents.vector_key)"
        ),
    ),
    (
        # While moved files wait to be recorded, their contents may be without one; see has().
        "contents have no file",
        (
            "SELECT count(*) FROM contents"
            " WHERE NOT EXISTS (SELECT 1 FROM files WHERE content_key = contents.key)"
            " AND NOT EXISTS (SELECT 1 FROM facts WHERE kind = 'catalog' AND name = 'unswept')"
        ),
    ),
    (
        "vectors have no content",
        (
            "SELECT count(*) FROM vectors"
            " WHERE NOT EXISTS (SELECT 1 FROM contents WHERE vector_key = vectors.key)"
        ),
    ),
    (
        "vectors differ from what was written",
        ("SELECT count(*) FROM vectors WHERE checksum <> isa_checksum(vector)"),
    ),
    (
        "vectors have another dimension than the gallery's space",
        (
            "SELECT count(*) FROM vectors WHERE length(vector) IS NOT"
            " (SELECT 2 * json_extract(value, '$.dim') FROM facts"
            " WHERE kind = 'catalog' AND name = 'space')"
        ),
    ),
    (
        "vectors are there twice",
        (
            "SELECT count(*) FROM vectors AS a JOIN vectors AS b"
            " ON a.checksum = b.checksum AND a.key < b.key AND a.vector = b.vector"
        ),
    ),
    (
        "folders are empty",
        (
            "SELECT count(*) FROM folders"
            " WHERE NOT EXISTS (SELECT 1 FROM files WHERE folder_id = folders.id)"
            " AND NOT EXISTS (SELECT 1 FROM failures WHERE folder_id = folders.id)"
        ),
    ),
)


def problems(db: Database) -> list[str]:
    """Return one line per kind of problem; an empty list means the catalogue is sound."""
    found: list[str] = []
    try:
        with db.reading() as connection:
            found += [
                line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"
            ]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
            found += [f"{table} row {row} points nowhere" for table, row, *_ in broken]
            for words, query in _OURS:
                (count,) = connection.execute(query).fetchone()
                if count:
                    found.append(f"{count} {words}")
    except GalleryDamaged as error:
        found.append(error.message)
    return found

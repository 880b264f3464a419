"""``isa status``: what the gallery holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_cli import wording
from isa_cli.cli import console, options

if TYPE_CHECKING:
    from isa_cli.gallery.gallery import Gallery


def status(
    failed: Annotated[
        bool, typer.Option("--failed", help="List the files that failed, and why.")
    ] = False,
    as_json: options.JsonOption = False,
    gallery: options.GalleryOption = None,
) -> int:
    """Say what the gallery holds, from where, and how big it is."""
    from isa_cli.gallery.gallery import Gallery

    with Gallery.open(options.settings(gallery=gallery).gallery) as opened:
        if failed:
            _failures(opened, as_json=as_json)
        elif as_json:
            console.put(_json(_facts(opened)))
        else:
            for name, text in _lines(_facts(opened)):
                console.put(f"{name:8} {text}")
    return 0


def _facts(gallery: Gallery) -> dict[str, Any]:
    """What JSON says; people read a digest of it."""
    stats = gallery.catalog.photos.stats()
    space, stored = gallery.catalog.metadata.space, gallery.bytes_on_disk()
    return {
        "gallery": str(gallery.folder),
        "model": gallery.catalog.metadata.setting("model"),
        "space": {"name": space.name, "dim": space.dim, "digest": space.digest} if space else None,
        "photos": stats.photos,
        "files": stats.files,
        "failed": stats.failed,
        "vectors": stats.vectors,
        "bytes": stats.bytes,
        "folders": stats.folders,
        "first_taken": stats.first_taken,
        "last_taken": stats.last_taken,
        "undated": stats.undated,
        "unplaced": stats.unplaced,
        "roots": [os.fsdecode(root) for root in stats.roots],
        "bytes_on_disk": stored,
        "bytes_per_photo": round(stored / stats.photos) if stats.photos else None,
        "index": gallery.index_report(),
    }


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    space = facts["space"]
    files, folders = (wording.counted(facts[f"{one}s"], one) for one in ("file", "folder"))
    lines = [
        ("gallery", wording.printable(facts["gallery"])),
        (
            "model",
            f"{wording.printable(facts['model'] or space['name'])} "
            f"({space['dim']} dimensions, {space['digest'][:8]})"
            if space
            else "none yet",
        ),
        (
            "photos",
            f"{facts['photos']:,} in {files} and {folders}, {wording.size(facts['bytes'])}",
        ),
    ]
    if facts["first_taken"]:
        lines.append(("taken", f"{facts['first_taken'][:10]} to {facts['last_taken'][:10]}"))
    if facts["undated"] or facts["unplaced"]:
        undated = wording.counted(facts["undated"], "photo")
        lines.append(
            ("unknown", f"{undated} without a date, {facts['unplaced']:,} without a place")
        )
    for position, root in enumerate(facts["roots"]):
        gone = "" if Path(root).exists() else "  (not there now)"
        lines.append(("" if position else "from", wording.printable(root) + gone))
    stored = wording.size(facts["bytes_on_disk"])
    per_photo = facts["bytes_per_photo"]
    lines.append(("on disk", stored + (f", {per_photo:,} bytes a photo" if per_photo else "")))
    lines.append(("index", facts["index"]))
    if facts["failed"]:
        files = wording.counted(facts["failed"], "file")
        lines.append(("failed", f"{files}; isa status --failed lists them"))
    return lines


def _failures(gallery: Gallery, *, as_json: bool) -> None:
    """Print one failed file a line, on stdout: it is what was asked for."""
    from isa_cli.cli.summary import AGAIN

    for file in gallery.catalog.photos.failed_files():
        again = AGAIN.get(file.cause)
        if as_json:
            record = {"path": os.fsdecode(file.path), "reason": file.reason}
            console.put(_json(record | ({"cause": str(file.cause)} if again else {})))
        else:
            remark = f"\t{again}" if again else ""
            console.put(f"{wording.shortest(file.path)}\t{wording.printable(file.reason)}{remark}")


def _json(record: dict[str, Any]) -> str:
    import json  # `isa --help` reads this file and has no use for it

    return json.dumps(record)

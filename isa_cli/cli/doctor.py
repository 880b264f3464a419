"""``isa doctor``: is everything here that isa needs, and what to do where it is not."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import ExitCode, GalleryDamaged, GalleryMissing, IsaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isa_cli.config import Settings
    from isa_cli.gallery.gallery import Gallery

LOW_DISK = 1e9
"""Free bytes below which indexing may end early: about half a million photos' worth."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        ok: ``None`` where it is neither right nor wrong.
        text: what was found.
        step: what to do about it.
    """

    name: str
    ok: bool | None
    text: str
    step: str = ""


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Make the index again from the catalogue.")
    ] = False,
    gallery: options.GalleryOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
) -> int:
    """Check the installation, the model and the gallery.

    Reads the whole gallery, which takes a second or so per 100,000 photos.  Exits with 4 if
    something is wrong.
    """
    settings = options.settings(gallery=gallery, model=model, device=device, precision=precision)
    if fix:
        _fix(settings)
    wrong = 0
    for check in _checks(settings, model):
        mark = {True: "✓", False: "✗", None: "·"}[check.ok]
        console.put(f"{mark} {check.name}: {wording.printable(check.text)}")
        if check.step and not check.ok:
            console.put(f"  → {wording.printable(check.step)}")
        wrong += check.ok is False
    return ExitCode.WORLD if wrong else 0


def _fix(settings: Settings) -> None:
    from isa_cli.gallery.gallery import Gallery

    Gallery.open(settings.gallery).close()  # never create one
    reporter = console.ConsoleReporter()
    with Gallery.open(settings.gallery, writable=True, reporter=reporter) as gallery:
        gallery.rebuild()
    console.say("the index was made again from the catalogue")


def _checks(settings: Settings, model: str | None) -> Iterator[Finding]:
    yield from _installation()
    yield _place(settings)
    yield from _formats()
    yield from _gallery(settings, model)
    yield _disk(settings.gallery)


# --- the installation --------------------------------------------------------------------------


def _installation() -> Iterator[Finding]:
    import sqlite3
    from importlib import metadata

    from isa_cli import __version__

    versions = f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, isa {__version__}"
    yield Finding("Python", True, versions)
    here, missing = [], []
    for requirement in metadata.requires("isa-cli") or []:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            here.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    yield Finding("packages", True, ", ".join(here))
    if missing:
        step = f"{Path(sys.executable).name} -m pip install {' '.join(missing)}"
        yield Finding("packages", False, f"{', '.join(missing)} missing", step)


def _place(settings: Settings) -> Finding:
    from isa_cli.encoders.devices import choose_place

    try:
        return Finding("device", True, str(choose_place(settings.device, settings.precision)))
    except IsaError as error:
        return Finding("device", False, error.message, error.hint)


def _formats() -> Iterator[Finding]:
    from importlib.util import find_spec

    from PIL import features

    avif = bool(features.check("avif"))
    yield Finding("AVIF", avif, "readable" if avif else "not readable", "pip install -U pillow")
    heic = find_spec("pillow_heif") is not None
    yield Finding("HEIC", heic, "readable" if heic else "not readable", "pip install pillow-heif")
    if find_spec("rawpy"):
        yield Finding("camera RAW", True, "readable through the preview inside")
    else:
        yield Finding("camera RAW", None, "not readable", 'pip install "isa-cli[raw]"')


# --- the gallery and its model -----------------------------------------------------------------


def _gallery(settings: Settings, model: str | None) -> Iterator[Finding]:
    from isa_cli.config import DEFAULT_MODEL
    from isa_cli.gallery.gallery import Gallery

    try:
        with Gallery.open(settings.gallery) as gallery:
            yield _catalogue(gallery)
            yield from _roots(gallery)
            if gallery.catalog.metadata.space is not None:
                yield _index(gallery)
            yield _model(options.model_for(model, settings, gallery))
    except GalleryMissing as error:
        yield Finding("gallery", None, error.message, error.hint)
        yield _model(model or settings.model or DEFAULT_MODEL)
    except IsaError as error:
        yield Finding("gallery", False, f"{settings.gallery}: {error.message}", error.hint)


def _catalogue(gallery: Gallery) -> Finding:
    where = f"{gallery.folder}, {wording.counted(gallery.catalog.photos.stats().photos, 'photo')}"
    try:
        problems = gallery.catalog.check()
    except GalleryDamaged as error:
        problems = [error.message]
    if not problems:
        return Finding("catalogue", True, where)
    step = "restore catalog.db from a backup, or move the gallery away and index again"
    return Finding("catalogue", False, f"{where}: {'; '.join(problems)}", step)


def _roots(gallery: Gallery) -> Iterator[Finding]:
    for root in gallery.catalog.metadata.roots():
        reachable = Path(os.fsdecode(root)).exists()
        text = wording.printable(root) + ("" if reachable else " is not there now")
        step = "attach the disk; or forget its photos: isa index --prune"
        yield Finding("photos", True if reachable else None, text, step)


def _index(gallery: Gallery) -> Finding:
    status = gallery.index_status()
    if status.reason and gallery.catalog.metadata.index_file() is not None:
        step = "the next search makes it again, or: isa doctor --fix"
        return Finding("index", False, status.reason, step)
    return Finding("index", True, gallery.index_report())


def _model(name: str) -> Finding:
    from isa_cli.cli.models import is_cached
    from isa_cli.encoders import resolve

    try:
        source = resolve(name)
    except IsaError as error:
        return Finding("model", False, error.message, error.hint)
    if source.short is None or is_cached(source.short):
        return Finding("model", True, f"{name} ({source.weights or source.name})")
    text = f"{name} ({source.name}) is not downloaded yet, {source.short.megabytes:,} MB"
    return Finding("model", None, text, "the first isa index downloads it")


def _disk(folder: Path) -> Finding:
    import shutil

    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    step = "free some space, or choose another place with --gallery DIR"
    return Finding("disk", free >= LOW_DISK, f"{wording.size(free)} free at {folder}", step)

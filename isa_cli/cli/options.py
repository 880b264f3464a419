"""Options that several commands share: the same words and help everywhere.

Paths stay text until they are used: an empty one (``--gallery "$UNSET"``) is a mistake to be
told, and ``Path("")`` would be the working directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import regular, wording
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.config import Settings
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.library.library import Library

GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        metavar="DIR",
        help="Where the gallery lives (or $ISA_GALLERY; default: isa/gallery in the data "
        "directory).",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="small, base, large, isa-mini, open_clip's ARCH/TAG, a model's folder ($ISA_MODEL).",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1 or mps (or $ISA_DEVICE; default: auto).",
    ),
]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="TYPE",
        help="auto, fp32, bf16 or fp16 (or $ISA_PRECISION; default: auto).",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings(
    *,
    gallery: str | None = None,
    model: str | None = None,
    device: str | None = None,
    precision: str | None = None,
) -> Settings:
    """Return the settings in force, from those of a command's options that are settings.

    ``model`` is only checked: a gallery may have its own, see ``model_for``.

    Raises:
        UsageError: an option is empty, as ``--gallery "$UNSET"`` is.
    """
    from isa_cli.config import load_settings

    flags = {"gallery": gallery, "device": device, "precision": precision}
    for key, value in (flags | {"model": model}).items():
        if value == "":
            raise UsageError(f"--{key} is empty", "give it a value, or leave it out")
    return load_settings(**flags)


def library(
    gallery: str | None,
    model: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    *,
    quiet: bool = False,
) -> Library:
    """The library that a command works on, which says on stderr what it has to say.

    Raises:
        UsageError: an option is empty, as ``--gallery "$UNSET"`` is.
    """
    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.library.library import Library

    found = settings(gallery=gallery, model=model, device=device, precision=precision)
    return Library(found, model, ConsoleReporter(quiet=quiet))


def existing_file(option: str, name: str) -> Path:
    """The path of a file that is there.

    Raises:
        UsageError: it is not.
    """
    path = absolute(name)
    shown = wording.printable(name)
    if not name or not regular.is_there(path):
        raise UsageError(f"there is no file {shown!r}", f"check {option}")
    try:
        regular.check(path)
    except OSError as error:
        raise UsageError(
            f"{shown!r} can't be read: {regular.reason(error)}", f"check {option}"
        ) from error
    return path


def absolute_model(name: str) -> str:
    """A model's name as it can be kept, see ``encoders.names.absolute_name``."""
    from isa_cli.encoders.names import absolute_name

    return absolute_name(name)


def model_for(flag: str | None, settings: Settings, gallery: Gallery | None = None) -> str:
    """Return the model to use: the flag's, else the gallery's own, else the settings'.

    The environment and the settings file say what a *new* gallery gets; only a flag is taken as
    a demand that an existing gallery may have to refuse.
    """
    from isa_cli.config import DEFAULT_MODEL

    own = gallery.catalog.metadata.setting("model") if gallery is not None else None
    return absolute_model(flag or own or settings.model or DEFAULT_MODEL)

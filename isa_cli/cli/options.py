"""Options that several commands share, as decorators: the same words and help everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isa_cli.cli.paths import absolute
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isa_cli.config import Settings
    from isa_cli.gallery.gallery import Gallery

gallery = click.option(
    "--gallery",
    metavar="DIR",
    help="Where the gallery lives (or $ISA_GALLERY; default: isa/gallery in the data directory).",
)
model = click.option(
    "--model",
    metavar="NAME",
    help="small, base, large, ARCH/TAG of open_clip, or a folder with a model (or $ISA_MODEL).",
)
device = click.option(
    "--device",
    metavar="DEVICE",
    help="auto, cpu, cuda, cuda:1 or mps (or $ISA_DEVICE; default: auto).",
)
precision = click.option(
    "--precision",
    metavar="TYPE",
    help="auto, fp32, bf16 or fp16 (or $ISA_PRECISION; default: auto).",
)
quiet = click.option("--quiet", "-q", is_flag=True, help="Say only what went wrong.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings(given: Mapping[str, Any]) -> Settings:
    """Return the settings in force, from those of a command's options that are settings.

    ``model`` is left out where a gallery may have its own: see ``model_for``.

    Raises:
        UsageError: an option is empty, as ``--gallery "$UNSET"`` is.
    """
    from isa_cli.config import load_settings

    flags = {key: given[key] for key in ("gallery", "device", "precision") if key in given}
    for key, value in (flags | {"model": given.get("model")}).items():
        if value == "":
            raise UsageError(f"--{key} is empty", "give it a value, or leave it out")
    return load_settings(**flags)


def absolute_model(name: str) -> str:
    """Return a model's name as it can be kept: a path that exists becomes absolute.

    A relative folder would mean something else in the next working directory.
    """
    path = absolute(name)
    return str(path) if path.exists() else name


def model_for(flag: str | None, settings: Settings, gallery: Gallery) -> str:
    """Return the model to use: the flag's, else the gallery's own, else the settings'.

    The environment and the settings file say what a *new* gallery gets; only a flag is taken as
    a demand that an existing gallery may have to refuse.
    """
    from isa_cli.config import DEFAULT_MODEL

    own = gallery.catalog.setting("model")
    return absolute_model(flag or own or settings.model or DEFAULT_MODEL)

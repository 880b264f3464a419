"""The front door: one object that indexes, searches, trains, explains and forgets.

The command line, the demo, a server and a notebook all enter here, by ``isa_cli.open``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.library.library import Library
    from isa_cli.reporting import Reporter


def open_library(
    folder: str | Path | None = None,
    model: str | None = None,
    *,
    device: str | None = None,
    precision: str | None = None,
    reporter: Reporter | None = None,
) -> Library:
    """A photo library; there need not be anything in its folder yet.

    What is not given is taken from the environment (``ISA_GALLERY``, ...), else from the settings
    file, else its default.

    Args:
        folder: of the gallery.
        model: what the gallery must have been indexed with, or a new one will be: a short name,
            ``ARCH/TAG``, a folder.  ``None``: the gallery's own, or the usual one.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        reporter: hears what there is to say; ``None``: nobody does.

    Raises:
        UsageError: the settings file can't be read.

    Examples:
        >>> import isa_cli
        >>> library = isa_cli.open("~/Pictures.isa", model="isa-mini")
        >>> library.folder.name
        'Pictures.isa'
        >>> library.search(modifier="a dog")
        Traceback (most recent call last):
        ...
        isa_cli.errors.GalleryMissing: ...
    """
    from isa_cli.config import load_settings  # noqa: PLC0415 - a package's name costs nothing
    from isa_cli.library.library import Library  # noqa: PLC0415
    from isa_cli.reporting import Silent  # noqa: PLC0415

    flags = {"gallery": folder, "device": device, "precision": precision}
    return Library(load_settings(**flags), model, reporter or Silent())

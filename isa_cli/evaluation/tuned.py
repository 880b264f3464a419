"""Where a choice of a validation split goes: no torch until a file is rewritten."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from isa_cli.errors import ModelError
from isa_cli.query.header import METADATA_KEY, read_header
from isa_cli.query.tuned import TUNED, kept

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.query.prompt import Template
    from isa_cli.query.tuned import Choice


def keep_in_gallery(catalog: Catalog, choice: Choice) -> None:
    """Write a choice into a gallery's settings; the catalogue is open for writing."""
    catalog.set_setting(TUNED, choice.to_json())


def keep_in_query_model(
    path: Path, choice: Choice, template: Template | None, source: Path | None = None
) -> None:
    """Write a choice into a query model's header; its weights stay, bit for bit.

    Args:
        path: of the query model, replaced in one step.
        choice: goes into the training record.
        template: what it reads from now on; ``None``: what it read before.
        source: the query model as it was, where that is another file, which stays as it is.

    Raises:
        ModelError: the file can't be read or written.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - torch
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    source = source or path
    header = read_header(source)
    new = replace(
        header,
        template=header.template if template is None else template.as_dict(),
        training=kept(header.training, choice),
    )
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        save_file(load_file(source), unfinished, metadata={METADATA_KEY: new.to_json()})
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"the query model can't be written to {path}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)

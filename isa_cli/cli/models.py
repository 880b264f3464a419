"""``isa models``: what may be said after ``--model``, and what its query side may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.cli.models_import import import_network
from isa_cli.errors import ExitCode

if TYPE_CHECKING:
    from isa_cli.encoders import ShortName


models = typer.Typer(rich_markup_mode=None)
"""The commands below ``isa models``; without one of them it lists."""


@models.callback()
def _models() -> None:
    """List the models that may follow --model, or bring in a published network.

    isa models [PART] is short for isa models list [PART].

    \b
      isa models
      isa models siglip2
      isa models import searle.pt --for ViT-L-14/openai
    """  # noqa: D301 - typer's mark for lines to keep


@models.command("list")
def list_models(
    pattern: Annotated[str | None, typer.Argument(metavar="PART", hidden=True)] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every ARCH/TAG, with PART in its name.")
    ] = False,
    as_json: options.JsonOption = False,
) -> int:
    """List the models with a short name, or all there are.

    Any of them, and any folder with an open_clip_config.json and its weights, may follow --model.
    """
    if everything or pattern:
        return _list_all(pattern or "", as_json=as_json)
    from isa_cli.encoders import SHORT_NAMES

    records = [_record(name, model) for name, model in SHORT_NAMES.items()] + [_bundled()]
    if as_json:
        _put_json(records)
        return 0
    rows = [("NAME", "MODEL", "VECTOR", "DOWNLOAD", "LICENCE", "HERE")]
    rows += [
        (
            record["name"],
            record["model"],
            str(record["dim"]),
            wording.size(record["megabytes"] * 1e6),
            record["licence"],
            "yes" if record["cached"] else "no",
        )
        for record in records
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    notes = ["", *(record["note"] for record in records)]
    for row, note in zip(rows, notes, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.put("  ".join(cells).rstrip())
        if note:
            console.put(f"{'':{widths[0]}}  {note}")
    return 0


models.command("import")(import_network)


def is_cached(model: ShortName) -> bool:
    """Return whether a model's weights lie in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    from isa_cli.encoders.names import WEIGHTS_NAMES

    found = (try_to_load_from_cache(model.repo, name) for name in WEIGHTS_NAMES)
    return any(isinstance(path, str) for path in found)


def _record(name: str, model: ShortName) -> dict[str, Any]:
    return {
        "name": name,
        "model": model.name,
        "dim": model.dim,
        "megabytes": model.megabytes,
        "licence": model.licence,
        "needs": model.needs,
        "note": model.note + (f" (needs the package {model.needs})" if model.needs else ""),
        "cached": is_cached(model),
    }


def _bundled() -> dict[str, Any]:
    """Return the record of the model that comes with isa."""
    from isa_cli.encoders import locate
    from isa_cli.encoders.names import BUNDLED

    return {
        "name": BUNDLED,
        "model": BUNDLED,
        "dim": locate(BUNDLED).config["embed_dim"],
        "megabytes": 0,
        "licence": "Apache-2.0",
        "needs": "",
        "note": "comes with isa, knows the demo's drawn garments and nothing else",
        "cached": True,
    }


def _list_all(pattern: str, *, as_json: bool) -> int:
    from isa_cli.encoders import all_models

    found = [name for name in all_models() if pattern.lower() in name.lower()]
    if not found:
        console.complain(
            f"open_clip knows no model with {pattern!r} in its name", "isa models --all"
        )
        return ExitCode.NOTHING_FOUND
    if as_json:
        _put_json([{"model": name} for name in found])
    else:
        for name in found:
            console.put(name)
    return 0


def _put_json(records: list[dict[str, Any]]) -> None:
    import json

    for record in records:
        console.put(json.dumps(record))

"""Where things live on disk, how many cores there are, and the settings.

A setting is the flag, else the environment, else the file, else its default.  The file is
``$XDG_CONFIG_HOME/isa/config.toml`` (``~/.config`` by default), with flat keys::

    gallery = "~/photos/.isa"
    model   = "base"

Each key has one environment variable, ``ISA_`` plus its name in capitals.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from isa_cli.errors import UsageError, brief
from isa_cli.regular import read_text, reason

DEFAULT_MODEL = "large"
"""``ViT-L-14/datacomp_xl_s13b_b90k``, see ``encoders.names``."""

MOST_BYTES = 1 << 14
"""A settings file of more is none (ours): four values, and a path has at most 4 KB."""

_SHOWN = 80
"""Characters of a value in a message."""


def _xdg(variable: str, fallback: str) -> Path:
    """Return an XDG base directory with our own folder in it; relative values are ignored (XDG)."""
    value = os.environ.get(variable, "")
    base = Path(value) if os.path.isabs(value) else Path.home() / fallback
    return base / "isa"


def data_dir() -> Path:
    """Return where galleries live by default."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def cache_dir() -> Path:
    """Return where things live that may be deleted at any time."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def config_file() -> Path:
    """Return the settings file, which need not exist."""
    return _xdg("XDG_CONFIG_HOME", ".config") / "config.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command runs with.

    Attributes:
        gallery: the gallery's folder.
        model: ``ARCH/TAG``, a short name, a folder or a file; ``None``: the gallery's own model,
            or ``DEFAULT_MODEL`` for a new gallery.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
    """

    gallery: Path
    model: str | None = None
    device: str = "auto"
    precision: str = "auto"


def load_settings(**flags: Any) -> Settings:
    """Return the settings in force.

    Args:
        flags: values from the command line by field name; ``None`` means 'not given'.

    Raises:
        UsageError: the settings file cannot be read or has an unknown key.
    """
    known = {f.name for f in fields(Settings)}
    values: dict[str, Any] = {"gallery": data_dir() / "gallery"}
    values |= _from_file(config_file(), known)
    values |= {
        name: os.environ[variable]
        for name in known
        if os.environ.get(variable := f"ISA_{name.upper()}")
    }
    values |= {name: value for name, value in flags.items() if value is not None}
    settings = Settings(**values)
    home = os.path.expanduser(settings.gallery)  # noqa: PTH111 - an unknown ~user stays
    return replace(settings, gallery=Path(home).absolute())


def _from_file(path: Path, known: set[str]) -> dict[str, Any]:
    hint = f"it takes {', '.join(sorted(known))}, each a string"
    try:
        values = tomllib.loads(read_text(path, at_most=MOST_BYTES))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise UsageError(f"the settings file {path} is no text in UTF-8", hint) from error
    except (OSError, ValueError, RecursionError) as error:
        why = reason(error) if isinstance(error, OSError) else brief(error)
        raise UsageError(f"the settings file {path} can't be read: {why}", hint) from error
    for key, value in values.items():
        if key not in known or not isinstance(value, str):
            name = key[:_SHOWN] if key.isprintable() else _shown(key)
            raise UsageError(
                f"the settings file {path} has {name} = {_shown(value)}, which means "
                "nothing to isa",
                hint,
            )
        if not value or "\0" in value:
            raise UsageError(
                f"the settings file {path} has {key} = {_shown(value)}, which names nothing",
                "give it a value, or leave the line out",
            )
    return values


def _shown(value: object) -> str:
    """A value of the file, short enough for a message."""
    if isinstance(value, str | bool | float):
        text = repr(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return _CALLED.get(type(value), "a date or a time")


_CALLED = {int: "a number", list: "a list", dict: "a table"}


def usable_cores() -> int:
    """Return how many cores this process may run on, which can be fewer than there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1

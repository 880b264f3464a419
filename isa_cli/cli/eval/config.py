"""From the flags of ``isa eval`` to the config: which model, which query model, which methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli.cli import options
from isa_cli.errors import ModelError, UsageError
from isa_cli.evaluation.config import EvalConfig
from isa_cli.evaluation.names import CAPTIONS
from isa_cli.query.methods import LEARNED, TRAINING_FREE

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval.flags import AskFlags
    from isa_cli.config import Settings


def config_for(
    benchmark: str, flags: AskFlags, usual: str, alpha: float | None = None
) -> EvalConfig:
    """Return the config of a command line, checked: a typing error need not wait for torch.

    The model is the flag's, else the query model's, the settings' or the usual one.  Where no
    query model is named, the one that comes with isa is taken if it is for this model.

    Args:
        benchmark: its name.
        flags: what was asked for.
        usual: the model where nobody names one.
        alpha: the weight of the words; ``None``: each method's default.

    Raises:
        UsageError: it asks for something impossible.
        ModelError: there is no such model.
    """
    settings = settings_of(flags)
    learned = named_query_model(flags)
    name = flags.model or _model_of(learned) or settings.model or usual
    model = options.absolute_model(name)
    if benchmark != CAPTIONS:
        learned = learned or _bundled_for(model)
    return checked(benchmark, flags, settings, model, learned, alpha)


def checked(
    benchmark: str,
    flags: AskFlags,
    settings: Settings,
    model: str,
    learned: Path | None,
    alpha: float | None = None,
) -> EvalConfig:
    """Return the config, checked, where model and query model are known.

    Raises:
        UsageError: it asks for something impossible.
    """
    methods = _methods(benchmark, flags.method, learned)
    config = EvalConfig(model, settings.device, settings.precision, methods, alpha, learned)
    config.check()
    return config


def settings_of(flags: AskFlags, gallery: str | None = None) -> Settings:
    """Return the settings in force."""
    return options.settings(
        gallery=gallery, model=flags.model, device=flags.device, precision=flags.precision
    )


def named_query_model(flags: AskFlags) -> Path | None:
    """Return the query model that was named, if one was.

    Raises:
        UsageError: there is no such file.
    """
    name = flags.query_model
    return None if name is None else options.existing_file("--query-model", name)


def served_by(learned: Path | None) -> tuple[str, ...]:
    """Return the methods that a query model serves, as the help orders them; none without one."""
    if learned is None:
        return ()
    from isa_cli.query.header import read_header

    served = read_header(learned).methods
    return tuple(method for method in LEARNED if method in served)


def _bundled_for(model: str) -> Path | None:
    """Return the query model that comes with isa, where the model asked is the one it is for."""
    from isa_cli.encoders import resolve
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.query.lookup import BUNDLED_QUERY, bundled

    if not BUNDLED_QUERY.is_file():
        return None
    if not resolve(model).weights:  # what would have to be fetched is another model
        return None
    file = bundled(Foundation(model).space)
    return file.path if file else None


def _model_of(learned: Path | None) -> str | None:
    """Return the name of the model that a query model was made for, if it says where that is."""
    if learned is None:
        return None
    from isa_cli.encoders import resolve
    from isa_cli.query.header import read_header

    name = read_header(learned).space.name
    try:
        resolve(name)
    except ModelError:  # a folder's name, which says nothing about its place
        return None
    return name


def _methods(benchmark: str, asked: str | None, learned: Path | None) -> tuple[str, ...]:
    """Return the methods by name: those asked for, else all that the benchmark can be asked by."""
    if asked is None:
        return ("text",) if benchmark == CAPTIONS else TRAINING_FREE + served_by(learned)
    methods = tuple(name.strip() for name in asked.split(",") if name.strip())
    if benchmark == CAPTIONS and methods != ("text",):
        raise UsageError(f"{CAPTIONS} asks with words alone", "use --method text, or leave it out")
    return methods

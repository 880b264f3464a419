"""``isa train``: a query model from photos without labels, in one stage or in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import typer

from isa_cli.cli import console, options
from isa_cli.cli.spread import spread
from isa_cli.cli.train.options import ComposeFlags, MapFlags, TrainFlags
from isa_cli.cli.train.reading import (
    compose_options,
    map_options,
    query_model_of,
    train_options,
    triplets_file,
)
from isa_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from isa_cli.cli.train.options import RunFlags
    from isa_cli.library.library import Library
    from isa_cli.training.options import TrainOptions
    from isa_cli.training.runs import Composed, Trained

Made = TypeVar("Made", "Trained", "Composed")

FAREWELL = "isa: stopping; what is under way is finished and saved (again to stop at once)"
STOPPED = "isa: stopped; the same command goes on from here"

trainings = typer.Typer(rich_markup_mode=None)
"""``isa train`` itself, and the two stages below it."""


@trainings.callback(invoke_without_command=True)
@spread(TrainFlags)
def train(ctx: typer.Context, flags: TrainFlags) -> int:
    """Learn to write a photo as words, from photos alone: no labels are needed.

    \b
      isa train
      isa train --images ~/Pictures --epochs 20 --out query.safetensors

    Afterwards isa search answers with what was learned, and only the light encoder looks at the
    reference.  It may be stopped and run again at any time, and goes on where it was.

    isa train map and isa train compose do it in two stages; the second learns from triplets.
    """  # noqa: D301 - typer's mark for lines to keep
    if ctx.invoked_subcommand is None:
        return _learned(flags, train_options(flags))
    _check_nothing_is_lost(ctx)
    return 0


@trainings.command("map", short_help="Stage I: the same, closer to real words.")
@spread(MapFlags)
def map_(flags: MapFlags) -> int:
    """Learn as isa train does, and that a photo's words should be like real ones: stage I of two.

    \b
      isa train map
      isa train map --vsi 4,8,12 --soft-text captions.txt
      isa train map --vsi 4,8,12 --from query.safetensors

    Soft text alignment compares what the words say with many phrases; with --vsi they look at the
    photo again within the text tower.  With --from, a query model of isa train learns to look
    again and else stays as it is: --method isa still answers from it.  Stage II is isa train
    compose.
    """  # noqa: D301 - typer's mark for lines to keep
    return _learned(flags, map_options(flags))


@trainings.command(short_help="Stage II: from triplets, to read both together.")
@spread(ComposeFlags)
def compose(flags: ComposeFlags) -> int:
    """Learn to read a photo together with words that change it, from triplets: stage II of two.

    \b
      isa train compose --triplets triplets.jsonl
      isa train compose --triplets triplets.jsonl --from query.safetensors --out better.safetensors

    Small adapters in the text tower learn, and all else stays as it is: nothing is indexed again.
    """  # noqa: D301 - typer's mark for lines to keep
    asked, triplets, out = compose_options(flags), triplets_file(flags), query_model_of(flags)
    library = _library(flags)

    from isa_cli.cli.train.report import report_composed

    made = library.compose(triplets, asked, out=out, stop=console.stop_on_signals(FAREWELL))
    return _ended(made, report_composed, library, flags)


def _learned(flags: TrainFlags, asked: TrainOptions) -> int:
    """Do what is asked for, and say what became of it."""
    out, library = query_model_of(flags), _library(flags)

    from isa_cli.cli.train.report import report

    stop = console.stop_on_signals(FAREWELL)
    made = library.train(asked, images=flags.images or (), out=out, stop=stop)
    return _ended(made, report, library, flags)


def _ended(
    made: Made | None, report: Callable[[Made, Path, str], None], library: Library, flags: RunFlags
) -> int:
    """Say what became of a run; the exit code."""
    if made is None:
        console.say(STOPPED)
        return ExitCode.INTERRUPTED
    if not flags.quiet:
        report(made, library.folder, library.foundation().name)
    return ExitCode.DONE


def _library(flags: RunFlags) -> Library:
    return options.library(
        flags.gallery, flags.model, flags.device, flags.precision, quiet=flags.quiet
    )


def _check_nothing_is_lost(ctx: Any) -> None:
    """Refuse options of ``isa train`` before the name of a stage, which has its own.

    Raises:
        UsageError: there is one.
    """
    stage = ctx.invoked_subcommand
    for option in ctx.command.params:
        if getattr(ctx.get_parameter_source(option.name), "name", "") == "COMMANDLINE":
            raise UsageError(
                f"{option.opts[0]} stands before {stage!r}, which would not get it",
                f"put it behind: isa train {stage} {option.opts[0]} ...",
            )

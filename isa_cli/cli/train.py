"""``isa train``: a query model from photos without labels, in one stage or in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from isa_cli.cli import console
from isa_cli.cli.spread import spread
from isa_cli.cli.train_compose import compose
from isa_cli.cli.train_job import FAREWELL, STOPPED, Request
from isa_cli.cli.train_options import MapFlags, TrainFlags
from isa_cli.cli.train_stage_one import StageOne
from isa_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from typing import Any

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
        return _learned(Request.of(flags))
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
    return _learned(Request.of(flags, StageOne.of(flags)))


trainings.command(short_help="Stage II: from triplets, to read both together.")(compose)


def _learned(request: Request) -> int:
    """Do what is asked for, and say what became of it."""
    from isa_cli.cli import train_photos
    from isa_cli.cli.train_report import report

    flags, settings = request.flags, request.settings
    folders = [train_photos.folder(name) for name in flags.images or []]

    from isa_cli.training.run import train as run

    reporter = console.ConsoleReporter(quiet=flags.quiet)
    with console.stop_on_signals(FAREWELL) as stop:
        if folders:
            source = train_photos.indexed(
                folders, settings, flags.model, request.out, reporter, stop
            )
        else:
            source = train_photos.own(settings, flags.model, request.out)
        job = request.job(source)
        trained = None if stop.is_set() else run(job, reporter, stop)
    if trained is None:
        console.say(STOPPED)
        return ExitCode.INTERRUPTED
    if not flags.quiet:
        report(trained, settings.gallery, source.model)
    return 0


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

"""``isa train``: a query model from photos without labels, in one stage or in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from isa_cli.cli import console, options
from isa_cli.cli.spread import spread
from isa_cli.cli.train.options import ComposeFlags, MapFlags, TrainFlags
from isa_cli.cli.train.reading import (
    compose_options,
    map_options,
    query_model_of,
    settings_of,
    train_options,
    triplets_file,
)
from isa_cli.errors import ExitCode, GalleryMissing, UsageError

if TYPE_CHECKING:
    from typing import Any

    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.config import Settings
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.training.options import TrainOptions

FAREWELL = "isa: stopping; what is under way is finished and saved (again to stop at once)"
STOPPED = "isa: stopped; the same command goes on from here"
NO_PHOTOS = "make one with: isa index FOLDER; or name photos to learn from: isa train --images DIR"

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
    settings, asked = settings_of(flags), compose_options(flags)
    triplets, out = triplets_file(flags), query_model_of(flags)

    from isa_cli.cli.train.report import report_composed
    from isa_cli.query.lookup import QUERY_MODEL
    from isa_cli.training.compose import compose as learn
    from isa_cli.training.runs import ComposeRun

    reporter = console.ConsoleReporter(quiet=flags.quiet)
    foundation = _foundation(settings, flags.model, reporter)
    home = settings.gallery
    run = ComposeRun.of(asked, triplets, home, foundation, out or home / QUERY_MODEL)
    with console.stop_on_signals(FAREWELL) as stop:
        composed = learn(run, reporter, stop)
    if composed is None:
        console.say(STOPPED)
        return ExitCode.INTERRUPTED
    if not flags.quiet:
        report_composed(composed, home, foundation.name)
    return 0


def _learned(flags: TrainFlags, asked: TrainOptions) -> int:
    """Do what is asked for, and say what became of it."""
    settings, out = settings_of(flags), query_model_of(flags)

    from isa_cli.cli.train.report import report
    from isa_cli.query.lookup import QUERY_MODEL
    from isa_cli.training import folders
    from isa_cli.training.runs import IsaRun
    from isa_cli.training.train import train as learn

    named = [folders.folder_of(name) for name in flags.images or []]
    reporter = console.ConsoleReporter(quiet=flags.quiet)
    with console.stop_on_signals(FAREWELL) as stop:
        home = gallery = settings.gallery
        foundation = _foundation(settings, flags.model, reporter, needed=not named, hint=NO_PHOTOS)
        if named:
            gallery = folders.gallery_for(named, foundation.space)
            out = out or folders.query_model_in(home, foundation.space)
        run = IsaRun.of(asked, gallery, foundation, out or home / QUERY_MODEL)
        if named:
            folders.index_apart(gallery, named, foundation, reporter, stop)
        trained = None if stop.is_set() else learn(run, reporter, stop)
    if trained is None:
        console.say(STOPPED)
        return ExitCode.INTERRUPTED
    if not flags.quiet:
        report(trained, home, foundation.name)
    return 0


def _foundation(
    settings: Settings,
    flag: str | None,
    reporter: ConsoleReporter,
    *,
    needed: bool = True,
    hint: str = "",
) -> Foundation:
    """Return the model of the user's gallery, or of one that is still to be made.

    Args:
        settings: in force.
        flag: the model's name, if one was given.
        reporter: told what the model does.
        needed: there must be a gallery.
        hint: what to do where there is none.

    Raises:
        GalleryMissing: there is none.
    """
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.gallery.gallery import Gallery

    try:
        with Gallery.open(settings.gallery) as gallery:
            name = options.model_for(flag, settings, gallery)
    except GalleryMissing as error:
        if needed:
            raise GalleryMissing(error.message, hint or error.hint) from error
        name = options.model_for(flag, settings)
    return Foundation(name, settings.device, settings.precision, reporter)


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

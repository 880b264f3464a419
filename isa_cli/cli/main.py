"""The entry point, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import IO, TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

import typer
from typer.core import TyperGroup
from typer.main import get_command

import isa_cli
from isa_cli import wording
from isa_cli.cli import console
from isa_cli.cli.bench import bench
from isa_cli.cli.demo import demo
from isa_cli.cli.doctor import doctor
from isa_cli.cli.eval.commands import completed, evaluations
from isa_cli.cli.explain import explain
from isa_cli.cli.forget import forget
from isa_cli.cli.index import index
from isa_cli.cli.models import models
from isa_cli.cli.search import search
from isa_cli.cli.status import status
from isa_cli.cli.train.app import trainings
from isa_cli.cli.triplets import triplets
from isa_cli.cli.wardrobe import wardrobe
from isa_cli.errors import ExitCode, IsaError, next_step

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLETING = "_ISA_COMPLETE"
"""The environment variable by which a shell asks for completions."""


@runtime_checkable
class _Misread(Protocol):
    """What typer raises for a command line it cannot read; its own names for it are private."""

    exit_code: int

    def show(self, file: IO[str]) -> None:
        """Write the usage and what is wrong with it."""


class _Commands(TyperGroup):
    """The commands; running one gives its exit code."""

    def get_params(self, ctx: Any) -> Any:
        """Return the group's own options, each flag with a default.

        Typer gives --help and those for completion none, and to find out that None is no bool it
        would load pydantic, even for a command's --help.
        """
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False):
                param.default = param.default or False
        return params

    def invoke(self, ctx: Any) -> Any:
        """Run a command and return its exit code; a reader that has gone away is no error."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes stdout once more on its way out; let that go nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.CLOSED_PIPE
        except KeyboardInterrupt as error:
            raise typer.Abort from error  # which typer passes on: this one it would swallow
        return code


class _Listing(_Commands):
    """Commands of which ``list`` is meant where none is named: ``isa models siglip2 --json``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``list`` before what names no command."""
        named = args[:1] and args[0] in {*self.commands, *ctx.help_option_names}
        completing = ctx.resilient_parsing and not args  # the commands themselves
        return super().parse_args(ctx, args if named or completing else ["list", *args])


class _Evaluations(_Commands):
    """Commands of which a CSV file's name is one: ``isa eval my.csv``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command first."""
        asked = bool(args) and args[0] in ctx.help_option_names
        if not (asked or ctx.resilient_parsing):
            args = completed(args, self.commands)
        return super().parse_args(ctx, args)


class _Trainings(_Commands):
    """Commands of which none need be named, with options of its own: ``isa train --epochs 3``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether a command comes first, so that there are no options to read."""
        ctx.meta[_Trainings] = args[:1] and args[0] in self.commands
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> Any:
        """Return the group's options, less those that can't be there.

        Typer would load pydantic for their defaults, even for a command's --help.
        """
        params = super().get_params(ctx)
        if not ctx.meta.get(_Trainings):
            return params
        return [param for param in params if {*param.opts} & {*ctx.help_option_names}]


app = typer.Typer(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 nothing found, 2 the request cannot be read, 3 done but some "
    "files failed, 4 the gallery, the model or the machine is in the way, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(ctx: typer.Context, wanted: bool) -> None:
    """Print the version and exit, but not while a shell asks for completions."""
    if wanted and not ctx.resilient_parsing:
        console.put(f"isa {isa_cli.__version__}")
        raise typer.Exit


@app.callback()
def isa(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Find photos by a reference picture plus words that change it.

    \b
      isa index ~/Pictures
      isa search ref.jpg "same dress but sleeveless"
      isa search --text "a dog on the beach"
    """  # noqa: D301 - typer's mark for lines to keep


for _command in (demo, index, search, explain, status, forget, doctor, bench):
    app.command()(_command)
app.add_typer(trainings, name="train", cls=_Trainings)
app.add_typer(evaluations, name="eval", cls=_Evaluations)
app.add_typer(wardrobe, name="wardrobe", cls=_Commands)
app.add_typer(triplets, name="triplets", cls=_Commands)
app.add_typer(models, name="models", cls=_Listing)


def main() -> None:
    """Run the command line and exit."""
    code = run()
    if "torch" in sys.modules:
        # Taking torch down in good order takes over a second, and everything is saved by now.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of one command line; ``None``: the process's own arguments."""
    with console.guarded():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    if COMPLETING in os.environ:
        # Typer loads both for what it then throws away, and a shell's Tab should not wait: rich
        # to take markup out of the help's words, pydantic to read values that nobody asks for.
        for name in ("rich", "pydantic"):
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # 'cannot be imported'
    try:
        code = get_command(app).main(arguments, prog_name="isa", standalone_mode=False)
    except SystemExit as done:  # so typer ends a completion
        return done.code if isinstance(done.code, int) else ExitCode.BUG
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one except
        return _explained(error)
    return code if isinstance(code, int) else 0


def _explained(error: BaseException) -> int:
    """Say what went wrong, on stderr, and return the exit code."""
    code = IsaError.exit_code
    match error:
        case IsaError():
            console.complain(error.message, error.hint)
            code = error.exit_code
        case _Misread():
            usage = io.StringIO()
            error.show(usage)
            console.say_lines(usage.getvalue())
            code = error.exit_code
        case typer.Abort() | KeyboardInterrupt():
            console.say("isa: interrupted")
            code = ExitCode.INTERRUPTED
        case _ if told := _told(error):
            console.complain(*told)
        case _:
            _confess(error)
            code = ExitCode.BUG
    return code


def _confess(error: BaseException) -> None:
    """Show the traceback of an error that nobody foresaw."""
    import traceback

    console.say_lines("".join(traceback.format_exception(error)))
    console.complain(
        "that is a bug in isa", "please report it with the lines above and what `isa doctor` says"
    )


_ADVICE = {
    errno.EROFS: "the disk is mounted read-only; choose another place with --gallery DIR",
    errno.EACCES: "ask for the permission, or choose another place with --gallery DIR",
    errno.EPERM: "ask for the permission, or choose another place with --gallery DIR",
}


def _told(error: BaseException) -> tuple[str, str] | None:
    """Return words for what the world may do to any program; ``None``: a bug of ours."""
    if isinstance(error, OSError) and error.errno is not None:
        name = f": {wording.printable(error.filename)}" if error.filename else ""
        return f"{error.strerror or error}{name}", next_step(error, _ADVICE.get(error.errno, ""))
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory", "try a smaller --batch-size, or a smaller --model"
    if type(error).__module__ == "sqlite3":
        return f"the catalogue can't be used: {error}", "`isa doctor` looks at it more closely"
    return None

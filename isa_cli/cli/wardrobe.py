"""``isa wardrobe``: the built-in world of garments, as pictures on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from isa_cli.cli import console, options
from isa_cli.cli.paths import absolute
from isa_cli.errors import UsageError

LARGEST = 1024
"""Pixels on a side: beyond, the drawing shows what it is."""

wardrobe = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@wardrobe.callback()
def _wardrobe() -> None:
    """Render pictures of garments of which everything is known.

    \b
      isa wardrobe render DIR --count 2000 --seed 7
    """  # noqa: D301 - typer's mark for lines to keep


@wardrobe.command()
def render(
    folder: Annotated[str, typer.Argument(metavar="DIR", hidden=True)],
    count: Annotated[
        int, typer.Option("--count", min=1, max=1_000_000, metavar="N", help="How many pictures.")
    ] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Decides them all.")] = 7,
    size: Annotated[
        int, typer.Option("--size", min=32, max=LARGEST, metavar="PX", help="Pixels on a side.")
    ] = 128,
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out/--no-held-out",
            help="Also draw the pairs of attributes that training must not see.",
        ),
    ] = True,
    quiet: options.QuietOption = False,
) -> int:
    """Render garments into the folder DIR, with the truth about each in wardrobe.jsonl.

    The same seed gives the same pictures.  An interrupted run goes on with the same command.
    """
    if not folder:
        raise UsageError("the folder's name is empty", "isa wardrobe render wardrobe")
    where = absolute(folder)

    import time
    from random import Random

    from isa_cli.wardrobe.folder import TRUTH, write
    from isa_cli.wardrobe.garments import draw
    from isa_cli.wardrobe.scenes import place

    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    scenes = [place(draw(rng, held_out=None if held_out else False), rng) for _ in range(count)]
    started = time.monotonic()
    write(where, scenes, console.ConsoleReporter(quiet=quiet), size=size)
    if not quiet:
        seconds = time.monotonic() - started
        console.say(
            f"{console.counted(count, 'picture')} in {console.printable(str(where))}, the truth "
            f"in {TRUTH} ({seconds:.1f} s)"
        )
    return 0

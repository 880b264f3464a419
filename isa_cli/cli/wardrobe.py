"""``isa wardrobe``: the built-in world of garments, as pictures on disk."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1024
"""Pixels on a side: beyond, the drawing shows what it is."""

TRIPLETS = "triplets.jsonl"
"""The file of triplets in a folder of them."""

SizeOption = Annotated[
    int, typer.Option("--size", min=32, max=LARGEST, metavar="PX", help="Pixels on a side.")
]

wardrobe = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@wardrobe.callback()
def _wardrobe() -> None:
    """Render pictures of garments of which everything is known.

    \b
      isa wardrobe render DIR --count 2000 --seed 7
      isa wardrobe triplets DIR --count 2000
    """  # noqa: D301 - typer's mark for lines to keep


@wardrobe.command()
def render(
    folder: Annotated[str, typer.Argument(metavar="DIR", hidden=True)],
    count: Annotated[
        int, typer.Option("--count", min=1, max=1_000_000, metavar="N", help="How many pictures.")
    ] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Decides them all.")] = 7,
    size: SizeOption = 128,
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
    where = _folder(folder, "isa wardrobe render wardrobe")

    import time
    from random import Random

    from isa_cli.wardrobe.folder import TRUTH, write
    from isa_cli.wardrobe.garments import draw
    from isa_cli.wardrobe.scenes import place

    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    scenes = [place(draw(rng, held_out=None if held_out else False), rng) for _ in range(count)]
    started = time.monotonic()
    _forget_triplets(where)
    write(where, scenes, console.ConsoleReporter(quiet=quiet), size=size)
    if not quiet:
        seconds = time.monotonic() - started
        console.say(
            f"{wording.counted(count, 'picture')} in {wording.printable(str(where))}, the truth "
            f"in {TRUTH} ({seconds:.1f} s)"
        )
    return 0


@wardrobe.command()
def triplets(
    folder: Annotated[str, typer.Argument(metavar="DIR", hidden=True)],
    count: Annotated[
        int,
        typer.Option(
            "--count", min=1, max=500_000, metavar="N", help="How many, of two pictures each."
        ),
    ] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Decides them all.")] = 0,
    size: SizeOption = 128,
    quiet: options.QuietOption = False,
) -> int:
    """Render triplets to learn from into the folder DIR: pictures, and triplets.jsonl.

    None shows a pair of attributes that training must not see.  The same seed gives the same.  An
    interrupted run goes on with the same command.
    """
    where = _folder(folder, "isa wardrobe triplets wardrobe")

    from isa_cli.cli.triplets import next_steps
    from isa_cli.triplets import Triplet, write_triplets
    from isa_cli.wardrobe.folder import write
    from isa_cli.wardrobe.pairs import pairs

    made = pairs(seed, count)
    _forget_triplets(where)
    paths = write(where, made.scenes, console.ConsoleReporter(quiet=quiet), size=size)
    found = (
        Triplet(line, paths[one.reference], one.change.modifier, paths[one.target])
        for line, one in enumerate(made.pairs, 1)
    )
    write_triplets(where / TRIPLETS, found)
    if not quiet:
        pictures = wording.counted(len(paths), "picture")
        console.say(
            f"{wording.counted(count, 'triplet')} of {pictures} in "
            f"{wording.printable(str(where / TRIPLETS))}"
        )
        next_steps(where, where / TRIPLETS)
    return 0


def _folder(name: str, hint: str) -> Path:
    if not name:
        raise UsageError("the folder's name is empty", hint)
    return absolute(name)


def _forget_triplets(folder: Path) -> None:
    """Remove triplets of pictures that are about to change, if it is a folder of isa's."""
    from isa_cli.wardrobe.folder import TRUTH

    if (folder / TRUTH).is_file():
        with suppress(OSError):  # whoever writes there next is told why they can't
            (folder / TRIPLETS).unlink()

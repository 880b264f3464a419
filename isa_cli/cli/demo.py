"""``isa demo``: the whole of isa on pictures of which the truth is known, without a network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import ExitCode, UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.demo import Told, World
    from isa_cli.library.library import Library

FAREWELL = "isa: stopping; what is done is saved, and the same command goes on from here"


def demo(
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder", metavar="DIR", help="Where everything goes (default: demo in the cache)."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Another seed, another wardrobe.")
    ] = 7,
    open_it: Annotated[bool, typer.Option("--open", help="Open the contact sheet.")] = False,
    quiet: options.QuietOption = False,
) -> int:
    """Render a wardrobe, index it, ask for the same dress without sleeves, and judge the answers.

    Nothing is downloaded: the model comes with isa.  Delete the folder, and the demo is gone.
    """
    where = _folder(folder, seed)

    from isa_cli.demo import make_world
    from isa_cli.encoders.names import BUNDLED

    reporter = console.ConsoleReporter(quiet=quiet)
    if not quiet:
        console.say(f"everything goes into {wording.printable(str(where))}")
    world = make_world(where, seed, reporter)
    library = options.library(str(where / "gallery"), BUNDLED, quiet=quiet)
    summary = library.index([world.photos], stop=console.stop_on_signals(FAREWELL))
    if summary.interrupted:
        return ExitCode.INTERRUPTED
    if not quiet:
        console.say(f"{wording.counted(summary.embedded, 'picture')} embedded")
    told = _ask(world, library, reporter)
    sheet = _sheet(where / "sheet.html", world, told)
    console.put(f"contact sheet: {wording.printable(str(sheet))}")
    _next_steps()
    if open_it and typer.launch(str(sheet)) != 0:
        console.say("isa: can't open it: no program is set for it")
    return 0


def _folder(folder: str | None, seed: int) -> Path:
    from isa_cli.config import cache_dir

    if folder == "":
        raise UsageError("--folder is empty", "give it a value, or leave it out")
    return absolute(folder) if folder else cache_dir() / "demo" / f"seed-{seed}"


def _ask(world: World, library: Library, reporter: ConsoleReporter) -> Told:
    """Ask the question that is shown and those that are counted, and print what came of it."""
    from isa_cli.demo import Judge

    judge = Judge(library)
    told = judge.ask(world.main)
    console.put()
    console.put(f'  {world.main.reference.name} + "{world.main.modifier}"')
    console.put()
    for hit, right in zip(told.answer.hits, told.right, strict=True):
        name = os.path.basename(os.fsdecode(hit.photo.paths[0]))  # noqa: PTH119 - bytes
        console.put(
            f"  {hit.rank:>2}  {hit.score:.3f}  {name}  {'right' if right else ''}".rstrip()
        )
    console.put()
    console.put(_share(told, world))
    console.put()
    console.put(f"{len(world.others)} more questions, a right answer among the first 1, 5 and 10:")
    for method, means in _compared(told.answer.method).items():
        shares = judge.shares(world.others, method, reporter)
        found = "  ".join(f"R@{k} {share:>4.0%}" for k, share in shares.items())
        console.put(f"  {method:<10}  {found}  {means}")
    console.put("isa eval wardrobe measures them properly")
    return told


LEARNED_FROM = {
    "isa": "learned from pictures without labels",
    "two-stage": "learned from pictures without labels, and from 10,000 triplets",
}


def _compared(method: str) -> dict[str, str]:
    """Return the methods to compare, and what they do."""
    from isa_cli.query.methods import DEFAULT_METHOD, LEARNED

    if method not in LEARNED:
        return {method: "picture and words, added"}
    return {
        DEFAULT_METHOD: "picture and words, added",
        method: LEARNED_FROM.get(method, "learned"),
    }


def _share(told: Told, world: World) -> str:
    return (
        f"{sum(told.right)} of the first {len(told.right)} are right; "
        f"of {told.answer.considered:,} pictures {len(world.main.targets)} are"
    )


def _sheet(path: Path, world: World, told: Told) -> Path:
    from isa_cli.pages.contact_sheet import contact_sheet
    from isa_cli.pages.page import put
    from isa_cli.pages.question import AskedPicture

    sheet = contact_sheet(
        title="isa demo",
        asked=[AskedPicture(os.fsencode(world.main.reference))],
        modifier=world.main.modifier,
        hits=told.answer.hits,
        right=told.right,
        facts={
            "right": f"{sum(told.right)} of {len(told.right)}",
            "there are": f"{len(world.main.targets)} right ones",
            "method": told.answer.method,
            "compared with": wording.counted(told.answer.considered, "picture"),
        },
    )
    put(path, sheet)
    return path


def _next_steps() -> None:
    console.put()
    console.put("Now your own photos (the first command fetches a model that knows the world):")
    console.put()
    console.put("  isa index ~/Pictures --model small")
    console.put('  isa search photo.jpg "the same at night" --html sheet.html --open')

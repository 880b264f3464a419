"""``isa triplets``: questions with answers, for ``isa train compose``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.console import ConsoleReporter
    from isa_cli.triplets import Triplet

PER_REFERENCE = 3

triplets = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@triplets.callback()
def _triplets() -> None:
    """Make or check a file of triplets: a reference, words that change it, a target.

    \b
      isa triplets make --captions captions.csv --out triplets.jsonl
      isa triplets check triplets.jsonl

    isa wardrobe triplets makes some of which everything is known.
    """  # noqa: D301 - typer's mark for lines to keep


@triplets.command()
def make(
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where the triplets go.")],
    captions: Annotated[
        str | None,
        typer.Option("--captions", metavar="CSV", help="Of photos: columns image and caption(s)."),
    ] = None,
    photos: Annotated[
        str | None,
        typer.Option(
            "--photos", metavar="DIR", help="Where the photos' names start (default: beside CSV)."
        ),
    ] = None,
    listed: Annotated[
        str | None,
        typer.Option("--list", metavar="FILE", help="Only the photos named in it, one a line."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="Only rows with it in the column split."),
    ] = None,
    per_reference: Annotated[
        int | None,
        typer.Option(
            "--per-reference",
            min=1,
            metavar="N",
            help=f"At most so many of one photo (default: {PER_REFERENCE}).",
        ),
    ] = None,
    cirr: Annotated[
        str | None,
        typer.Option("--cirr", metavar="DIR", help="Instead: CIRR's own, for training."),
    ] = None,
    fashioniq: Annotated[
        str | None,
        typer.Option("--fashioniq", metavar="DIR", help="Instead: FashionIQ's own, for training."),
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, metavar="N", help="At most so many.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of all chance.")] = 0,
    quiet: options.QuietOption = False,
) -> int:
    """Write triplets into a file: mined from captions, or those of a published training set.

    \b
      isa triplets make --captions captions.csv --photos DIR --out triplets.jsonl
      isa triplets make --cirr DIR --out cirr.jsonl

    Two photos of which people say nearly the same make a triplet; the difference becomes its words.
    """  # noqa: D301 - typer's mark for lines to keep
    sources = {"captions": captions, "cirr": cirr, "fashioniq": fashioniq}
    source, where = _chosen(sources)
    of_captions = {
        "photos": photos, "list": listed, "split": split, "per-reference": per_reference
    }  # fmt: skip
    for name, value in of_captions.items():
        if value is not None and source != "captions":
            raise UsageError(f"--{name} goes with --captions, not with --{source}")
        if value == "":
            raise UsageError(f"--{name} is empty", "give it a value, or leave it out")
    if not out:
        raise UsageError("--out is empty", "--out triplets.jsonl")
    file, reporter = absolute(out), console.ConsoleReporter(quiet=quiet)
    if file in {where, listed and absolute(listed)}:
        raise UsageError(f"--out would overwrite {file}", "--out triplets.jsonl")
    if source == "captions":
        home = absolute(photos) if photos else where.parent
        named = absolute(listed) if listed else None
        found = _mined(
            where, home, named, split, count, per_reference or PER_REFERENCE, seed, reporter
        )
    else:
        home, found = where, _by_people(source, where, count, seed, reporter)
    _write(file, found, home, quiet=quiet)
    return 0


@triplets.command()
def check(file: Annotated[str, typer.Argument(metavar="FILE", hidden=True)]) -> int:
    """Count what FILE holds, and name each line that is of no use.

    Each line is {"reference": PATH, "modifier": WORDS, "target": PATH}; paths start at FILE's
    folder.
    """
    if not file:
        raise UsageError("the file's name is empty", "isa triplets check triplets.jsonl")

    from isa_cli.triplets import examine
    from isa_cli.triplets.records import FORMAT

    where = absolute(file)
    found, problems = examine(where)
    for problem in problems:
        console.put(wording.printable(str(problem)))
    if found:
        words = sum(len(each.modifier.split()) for each in found) / len(found)
        console.put(f"{_counts(found)}, {words:.1f} words on average")
    if problems:
        raise UsageError(
            f"{len(problems):,} of the {len(found) + len(problems):,} triplets in {where} can't "
            "be used",
            FORMAT,
        )
    return 0


def _chosen(sources: dict[str, str | None]) -> tuple[str, Path]:
    """Return which source is asked for, and where it is."""
    given = [(name, value) for name, value in sources.items() if value is not None]
    if len(given) != 1:
        names = [f"--{name}" for name, _ in given]
        raise UsageError(
            f"{' and '.join(names)} are two sources" if names else "no source is named",
            "name one: --captions CSV, --cirr DIR or --fashioniq DIR",
        )
    name, value = given[0]
    if not value:
        raise UsageError(f"--{name} is empty", "give it a value")
    return name, absolute(value)


def _mined(
    table: Path,
    home: Path,
    listed: Path | None,
    split: str | None,
    count: int | None,
    per_reference: int,
    seed: int,
    reporter: ConsoleReporter,
) -> list[Triplet]:
    from isa_cli.triplets.captions import mine
    from isa_cli.triplets.table import captioned, read_captions, read_list

    names = read_list(listed) if listed else None
    photos = captioned(read_captions(table, split=split, names=names), home, reporter)
    found = mine(photos, count=count, per_reference=per_reference, seed=seed)
    if not found:
        raise UsageError(
            f"no two of the {wording.counted(len(photos), 'photo')} have captions that differ in "
            "a small way",
            "it takes some hundred photos of similar things, best with several captions each",
        )
    reporter.note(
        f"mined from captions of {wording.counted(len(photos), 'photo')}: some of them will be "
        "wrong"
    )
    return found


def _by_people(
    source: str, root: Path, count: int | None, seed: int, reporter: ConsoleReporter
) -> list[Triplet]:
    from random import Random

    from isa_cli.triplets.datasets import TRAINING_SETS

    title = TRAINING_SETS[source].title
    found = TRAINING_SETS[source].read(root, reporter)
    reporter.note(
        f"{title}'s training triplets are by people: to learn from them is supervised, and a "
        f"result on {title} has to say so"
    )
    if count is None or count >= len(found):
        return found
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    return sorted(rng.sample(found, count), key=lambda one: one.line)


def _write(file: Path, found: list[Triplet], home: Path, *, quiet: bool) -> None:
    from isa_cli.triplets import write_triplets

    write_triplets(file, found)
    if not quiet:
        shown = wording.printable(str(file))
        console.say(f"{_counts(found)} in {shown}")
        next_steps(home, file)


def next_steps(photos: Path, file: Path) -> None:
    """Say what triplets are good for."""
    folder, name = wording.printable(str(photos)), wording.printable(str(file))
    console.say(f"next: isa index '{folder}', then isa train compose --triplets '{name}'")


def _counts(found: list[Triplet]) -> str:
    references = {one.reference for one in found}
    targets = {one.target for one in found}
    return (
        f"{wording.counted(len(found), 'triplet')} of "
        f"{wording.counted(len(references), 'reference')} and "
        f"{wording.counted(len(targets), 'target')}"
    )

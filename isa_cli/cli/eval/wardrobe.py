"""``isa eval wardrobe`` and ``wardrobe-captions``: pictures that are drawn, answers all known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer  # noqa: TC002 - the signature is read at run time

from isa_cli.cli.eval.flags import WardrobeFlags
from isa_cli.cli.eval.outputs import outputs
from isa_cli.cli.spread import spread
from isa_cli.errors import UsageError
from isa_cli.evaluation.names import (
    CAPTIONED,
    CAPTIONS,
    CASES,
    GALLERY,
    PICTURES_PER_CASE,
    WARDROBE_MODEL,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.reporting import Reporter


@spread(WardrobeFlags)
def wardrobe(ctx: typer.Context, flags: WardrobeFlags) -> int:
    """Ask the bundled model, or the one that you name.  Pictures are kept in the cache."""
    name = str(ctx.info_name)
    wanted = outputs(flags)
    make = rendered(name, flags.seed, flags.count, flags.gallery_size)

    from isa_cli.cli.eval.config import config_for
    from isa_cli.cli.eval.run import run

    return run(make, config_for(name, flags, WARDROBE_MODEL, flags.alpha), wanted)


def rendered(
    name: str, seed: int, count: int | None, gallery_size: int | None
) -> Callable[[Reporter], Benchmark]:
    """Return a function that makes a wardrobe, once that is known to be possible.

    Raises:
        UsageError: the gallery would be too small, or the counts contradict each other.
    """
    if name == CAPTIONS:
        return _captions(seed, count, gallery_size)
    cases = count or CASES
    gallery = gallery_size or max(GALLERY, PICTURES_PER_CASE * cases)
    least = PICTURES_PER_CASE * cases
    if gallery < least:
        raise UsageError(
            f"--gallery-size {gallery} is too small for {cases:,} questions",
            f"each brings a reference and an answer: at least {least}, or a smaller --count",
        )

    def make(reporter: Reporter) -> Benchmark:
        from isa_cli.evaluation.wardrobe import wardrobe as render

        return render(reporter, seed=seed, cases=cases, gallery=gallery)

    return make


def _captions(
    seed: int, count: int | None, gallery_size: int | None
) -> Callable[[Reporter], Benchmark]:
    if count and gallery_size and count != gallery_size:
        raise UsageError(
            f"{CAPTIONS} asks for each picture once, but --count is {count} and --gallery-size "
            f"{gallery_size}",
            "give one of them",
        )

    def make(reporter: Reporter) -> Benchmark:
        from isa_cli.evaluation.wardrobe import captions

        return captions(reporter, seed=seed, count=count or gallery_size or CAPTIONED)

    return make

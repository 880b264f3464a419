"""The built-in benchmark: rendered garments, of which every right answer is known."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from isa_cli import __version__
from isa_cli.config import cache_dir
from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.metrics import average_precision_at, recall_at
from isa_cli.evaluation.names import CAPTIONED, CAPTIONS, CASES, GALLERY, SEED, WARDROBE
from isa_cli.wardrobe.captions import caption
from isa_cli.wardrobe.cases import collection
from isa_cli.wardrobe.changes import KINDS
from isa_cli.wardrobe.folder import write
from isa_cli.wardrobe.garments import draw, is_held_out
from isa_cli.wardrobe.scenes import place

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.reporting import Reporter
    from isa_cli.wardrobe.cases import WardrobeCase
    from isa_cli.wardrobe.garments import Garment

SEEN, UNSEEN = "seen pairs", "unseen pairs"
"""Whether the right answers show a pair of attributes that training never did."""

METRICS = {
    "R@1": at(recall_at, 1),
    "R@5": at(recall_at, 5),
    "R@10": at(recall_at, 10),
    "mAP@10": at(average_precision_at, 10),
}


def wardrobe(
    reporter: Reporter,
    *,
    seed: int = SEED,
    cases: int = CASES,
    gallery: int = GALLERY,
    folder: Path | None = None,
) -> Benchmark:
    """Return the wardrobe benchmark, its pictures rendered.

    The reference is removed from the ranking, as ``isa search`` does (ours).

    Args:
        reporter: shows progress.
        seed: decides garments, pictures and questions.
        cases: how many questions.
        gallery: how many pictures.
        folder: for the pictures; ``None``: one in the cache, where the next run finds them.

    Raises:
        UsageError: the folder holds other things, or can't be written to.
        ValueError: the gallery is too small for its questions.
    """
    made = collection(seed, cases=cases, gallery=gallery)
    images = write(folder or _folder(f"{seed}-{gallery}-{cases}"), made.scenes, reporter)
    return Benchmark(
        name=WARDROBE,
        split="test",
        images=images,
        cases=[_case(number, one) for number, one in enumerate(made.cases)],
        metrics=METRICS,
        depth=10,
        keep_reference=False,
        groups=(*KINDS, SEEN, UNSEEN),
        protocol={"seed": seed},
    )


def captions(
    reporter: Reporter, *, seed: int = SEED, count: int = CAPTIONED, folder: Path | None = None
) -> Benchmark:
    """Return text-to-image search over unseen pictures: captions that name every attribute.

    Every picture of such a garment is a right answer.  Half of the garments show a pair of
    attributes that training never did.

    Args:
        reporter: shows progress.
        seed: decides garments, pictures and captions.
        count: how many pictures, each asked for once.
        folder: for the pictures; ``None``: one in the cache, where the next run finds them.

    Raises:
        UsageError: the folder holds other things, or can't be written to.
    """
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    scenes = [place(draw(rng, held_out=number % 2 == 1), rng) for number in range(count)]
    alike: dict[Garment, list[int]] = {}
    for position, scene in enumerate(scenes):
        alike.setdefault(scene.garment, []).append(position)
    return Benchmark(
        name=CAPTIONS,
        split="test",
        images=write(folder or _folder(f"captions-{seed}-{count}"), scenes, reporter),
        cases=[
            Case(
                id=f"{number:05}",
                reference=None,
                modifier=caption(scene, rng, full=True),
                targets=tuple(alike[scene.garment]),
                groups=(_novelty(is_held_out(scene.garment)),),
            )
            for number, scene in enumerate(scenes)
        ],
        metrics=METRICS,
        depth=10,
        keep_reference=True,
        groups=(SEEN, UNSEEN),
        protocol={"seed": seed},
    )


def _folder(name: str) -> Path:
    """Return a folder for these pictures alone; another release may draw others."""
    return cache_dir() / "wardrobe" / f"{__version__}-{name}"


def _novelty(held_out: bool) -> str:  # noqa: FBT001 - a fact, not a switch
    return UNSEEN if held_out else SEEN


def _case(number: int, asked: WardrobeCase) -> Case:
    return Case(
        id=f"{number:05}",
        reference=asked.reference,
        modifier=asked.change.modifier,
        targets=asked.targets,
        groups=(asked.change.kind, _novelty(asked.held_out)),
    )

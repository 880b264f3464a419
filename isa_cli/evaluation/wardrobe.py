"""The built-in benchmark: rendered garments, of which every right answer is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_cli import __version__
from isa_cli.config import cache_dir
from isa_cli.evaluation.benchmark import Benchmark, Case, at
from isa_cli.evaluation.metrics import average_precision_at, recall_at
from isa_cli.evaluation.names import CASES, GALLERY, SEED
from isa_cli.wardrobe.cases import collection
from isa_cli.wardrobe.changes import KINDS
from isa_cli.wardrobe.folder import write

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.types import Reporter
    from isa_cli.wardrobe.cases import Triplet

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
    triplets: int = CASES,
    gallery: int = GALLERY,
    folder: Path | None = None,
) -> Benchmark:
    """Return the wardrobe benchmark, its pictures rendered.

    The reference is removed from the ranking, as ``isa search`` does (ours).

    Args:
        reporter: shows progress.
        seed: decides garments, pictures and questions.
        triplets: how many questions.
        gallery: how many pictures.
        folder: for the pictures; ``None``: one in the cache, where the next run finds them.

    Raises:
        UsageError: the folder holds other things, or can't be written to.
        ValueError: the gallery is too small for its questions.
    """
    made = collection(seed, triplets=triplets, gallery=gallery)
    images = write(folder or _folder(seed, triplets, gallery), made.scenes, reporter)
    return Benchmark(
        name="wardrobe",
        split="test",
        images=images,
        cases=[_case(number, triplet) for number, triplet in enumerate(made.triplets)],
        metrics=METRICS,
        depth=10,
        keep_reference=False,
        groups=(*KINDS, SEEN, UNSEEN),
        protocol={"seed": seed},
    )


def _folder(seed: int, triplets: int, gallery: int) -> Path:
    """Return a folder for these pictures alone; another release may draw others."""
    return cache_dir() / "wardrobe" / f"{__version__}-seed-{seed}-{gallery}-{triplets}"


def _case(number: int, triplet: Triplet) -> Case:
    return Case(
        id=f"{number:05}",
        reference=triplet.reference,
        modifier=triplet.change.modifier,
        targets=triplet.targets,
        groups=(triplet.change.kind, UNSEEN if triplet.held_out else SEEN),
    )

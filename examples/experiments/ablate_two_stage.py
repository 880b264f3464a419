"""What each part of the two-stage framework is worth, over the wardrobe, beside ISA alone.

    isa wardrobe render W/photos --count 24000 --no-held-out --seed 1000
    isa wardrobe triplets W/triplets --count 10000 --seed 2000
    isa index W/photos W/triplets --model isa-mini --gallery W/gallery
    python examples/experiments/ablate_two_stage.py --gallery W/gallery --work W/two \
      --triplets W/triplets/triplets.jsonl

Every mapper is learned anew, on the light encoder of the bundled query model, which stays as it
is; every stage II begins with the mapper of its own seed, or with a query model named by ``--isa``,
one for each seed, to which an injection is added where a variant has one.  What is trained already
is not trained again.  A table, and a plot over the number of triplets.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation import UNSEEN, Scores, asked, percent, table

from isa_cli.charts import Line, Panel, save_chart
from isa_cli.cli.console import ConsoleReporter
from isa_cli.encoders.foundation import Foundation
from isa_cli.encoders.names import BUNDLED, BUNDLED_QUERY
from isa_cli.training.compose import compose
from isa_cli.training.config import ComposeConfig, IsaConfig
from isa_cli.training.defaults import DRAWINGS
from isa_cli.training.engine.schedule import Schedule
from isa_cli.training.runs import COMPOSING, ComposeRun, IsaRun
from isa_cli.training.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COUNTS = (100, 1_000, 10_000)
WRONG = 0.3
"""Share of the triplets whose words are another one's, where they are not clean."""

WIDE = 192
"""The adapters' bottleneck: isa-mini's states are no wider, and its query model has it too."""

ISA = "ISA"
SOFT, LOOKS = {"soft_weight": 0.1}, {"injection": (2, 3)}


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Attributes:
        name: of the row.
        mapping: what differs from ISA in stage I, in ``IsaConfig``'s names.
        triplets: of stage II; 0: without it.
        wrong: share of them with wrong words.
        composing: what differs in stage II, in ``ComposeConfig``'s names.
    """

    name: str
    mapping: Mapping[str, Any] = field(default_factory=dict)
    triplets: int = 0
    wrong: float = 0.0
    composing: Mapping[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant(ISA),
    Variant("stage I: + soft text", SOFT),
    Variant("stage I: + VSI", LOOKS),
    Variant("stage I: + both", LOOKS | SOFT),
    *(Variant(f"stage II on ISA, {count:,} triplets", triplets=count) for count in COUNTS),
    *(
        Variant(f"the same, {count:,}, 30 % wrong words", triplets=count, wrong=WRONG)
        for count in COUNTS
    ),
    Variant(
        "the same, 10,000, no hard negatives",
        triplets=COUNTS[-1],
        composing={"hard_negatives": 0},
    ),
    Variant("both stages, 10,000 triplets", LOOKS | SOFT, COUNTS[-1]),
)


CURVES = {
    "clean": "stage II on ISA, {:,} triplets",
    "30 % wrong words": "the same, {:,}, 30 % wrong words",
}
"""Lines of the plot, and the variants that they go through."""


def mapped(variant: Variant, seed: int, arguments: argparse.Namespace) -> Path:
    """Return the query model of a variant's stage I, trained if it is not there yet."""
    given: Path | None = arguments.isa[seed] if arguments.isa else None
    if given and not variant.mapping:
        return given
    start = given if "injection" in variant.mapping else None
    kind = "added" if start else "map" if variant.mapping else "isa"
    name = "-".join([*variant.mapping, kind, str(seed)])
    out: Path = arguments.work / f"{name}.safetensors"
    if out.is_file():
        return out
    config = IsaConfig(
        light=DRAWINGS.light,
        light_size=DRAWINGS.light_size,
        template=DRAWINGS.template,
        light_rate=0.0,
        seed=seed,
    )
    run = IsaRun(
        gallery=arguments.gallery,
        foundation=Foundation(BUNDLED),
        out=out,
        config=replace(config, **variant.mapping),
        schedule=Schedule(epochs=DRAWINGS.epochs, patience=0),
        start=start,
        light_weights=BUNDLED_QUERY,
        augmentation=DRAWINGS.augmentation,
        at_most=None if start else arguments.limit,
    )
    if train(run, ConsoleReporter(), threading.Event()) is None:
        raise SystemExit(130)
    return out


def composed(variant: Variant, seed: int, arguments: argparse.Namespace) -> Path:
    """Return the query model of a variant's last stage, trained if it is not there yet."""
    start = mapped(variant, seed, arguments)
    if not variant.triplets:
        return start
    kind = "".join(f"-{name}-{value}" for name, value in variant.composing.items())
    name = f"{start.stem}-{seed}-{variant.triplets}-{variant.wrong:g}{kind}"
    out: Path = arguments.work / f"{name}.safetensors"
    if out.is_file():
        return out
    triplets = arguments.triplets
    if variant.wrong:
        triplets = with_wrong_words(triplets, arguments.work, variant.wrong)
    run = ComposeRun(
        gallery=arguments.gallery,
        foundation=Foundation(BUNDLED),
        triplets=triplets,
        out=out,
        start=start,
        config=replace(ComposeConfig(bottleneck=WIDE, seed=seed), **variant.composing),
        schedule=replace(COMPOSING, epochs=arguments.epochs),
        at_most=variant.triplets,
    )
    if compose(run, ConsoleReporter(), threading.Event()) is None:
        raise SystemExit(130)
    return out


def with_wrong_words(file: Path, work: Path, share: float) -> Path:
    """Return a copy of the triplets in which a share of them has the words of another one."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    chance = random.Random(0)  # noqa: S311
    for line in lines:
        for place in ("reference", "target"):
            line[place] = str((file.parent / line[place]).absolute())
    wrong = chance.sample(range(len(lines)), round(share * len(lines)))
    words = [lines[number]["modifier"] for number in wrong]
    for number, other in zip(wrong, words[1:] + words[:1], strict=True):
        lines[number]["modifier"] = other
    out = work / f"wrong-{share:g}.jsonl"
    out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return out


def chart(path: Path, rows: Mapping[str, Sequence[Scores]]) -> None:
    """Draw recall over the number of triplets, clean and not, as far as it was measured."""
    panels = []
    for metric in ("R@1", UNSEEN):
        lines = []
        for label, name in CURVES.items():
            names = [ISA, *(name.format(count) for count in COUNTS)]
            there = {at: percent(rows, one, metric) for at, one in enumerate(names) if one in rows}
            if len(there) > 1:
                lines.append(Line(label, list(there), list(there.values()), marked=True))
        panels.append(Panel(metric, "triplets: 0 (ISA), 100, 1,000, 10,000", "percent", lines))
    if panels[0].lines:  # a line has two points
        save_chart(path, panels, "composing, by number of triplets")


def main() -> None:
    """Train, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gallery", type=Path, required=True)
    parser.add_argument("--triplets", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=5_000, help="pictures of stage I")
    parser.add_argument("--isa", type=Path, nargs="*", help="query models to begin stage II with")
    parser.add_argument("--only", nargs="*", default=[""], help="parts of the variants' names")
    parser.add_argument("--epochs", type=int, default=COMPOSING.epochs, help="passes of stage II")
    parser.add_argument("--test", type=int, default=7, help="seed of the wardrobe that asks")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    rows = {}
    wanted = [one for one in VARIANTS if any(part in one.name for part in arguments.only)]
    for variant in wanted:
        models = [composed(variant, seed, arguments) for seed in range(arguments.seeds)]
        rows[variant.name] = [asked(model, method(variant), arguments.test) for model in models]
        print(table(rows), flush=True)
    (arguments.work / "two-stage.json").write_text(json.dumps(rows, indent=1))
    chart(arguments.work / "two-stage.png", rows)


def method(variant: Variant) -> str:
    """Return what ``--method`` calls a variant: soft text alone leaves ISA as it is."""
    return "two-stage" if variant.triplets or "injection" in variant.mapping else "isa"


if __name__ == "__main__":
    main()

"""What each part of ISA is worth, over the wardrobe: train variants, ask them all, print a table.

    isa wardrobe render W/photos --count 24000 --no-held-out --seed 1000
    isa index W/photos --model isa-mini --gallery W/gallery
    python examples/experiments/ablate_isa.py --gallery W/gallery --work W/ablation

Variants of the mapper are learned anew, each on the light encoder of the bundled query model,
which stays as it is: minutes instead of hours, and they differ in one thing alone.  ``--only
light`` trains whole query sides from nothing.  What is trained already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation import METRICS, asked, percent, table

from isa_cli.charts import Line, Panel, save_chart
from isa_cli.cli.console import ConsoleReporter
from isa_cli.encoders.foundation import Foundation
from isa_cli.encoders.names import BUNDLED, BUNDLED_QUERY
from isa_cli.training.config import IsaConfig
from isa_cli.training.defaults import DRAWINGS
from isa_cli.training.engine.schedule import Schedule
from isa_cli.training.options import DISTIL_EPOCHS
from isa_cli.training.runs import IsaRun
from isa_cli.training.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Variant:
    """One way to train; ``change`` is what differs from the reference, in ``IsaConfig``'s names."""

    group: str
    name: str
    change: Mapping[str, Any]
    from_nothing: bool = False


VARIANTS = (
    *(Variant("tokens", f"L = {count}", {"tokens": count}) for count in (1, 2, 4, 6, 8, 12)),
    Variant("losses", "without LAR", {"local_weight": 0.0}),
    Variant("losses", "LAR, lambda 0.5", {"local_weight": 0.5}),
    Variant("mapper", "MLP, L = 6", {"mapper": "mlp"}),
    Variant("mapper", "MLP, one pseudo-word", {"mapper": "mlp", "tokens": 1}),
    Variant("mapper", "words of free length", {"fixed_length": False}),
    Variant("symmetric", "symmetric", {"symmetric": True}),
    *(
        Variant("light", f"{name} from nothing", {"light": name}, from_nothing=True)
        for name in ("mobilenetv3_small_050", "mobilenetv3_small_100", "mobilenetv2_100")
    ),
)


def query_model(variant: Variant, seed: int, arguments: argparse.Namespace) -> Path:
    """Return a variant's query model, trained if it is not there yet."""
    name = f"{variant.group}-{variant.name}-{seed}".replace(" ", "_").replace(",", "")
    out: Path = arguments.work / f"{name}.safetensors"
    if out.is_file():
        return out
    config = replace(
        IsaConfig(
            light=DRAWINGS.light,
            light_size=DRAWINGS.light_size,
            template=DRAWINGS.template,
            light_rate=0.0,
            distil_epochs=DISTIL_EPOCHS if variant.from_nothing else 0,
            seed=seed,
        ),
        **variant.change,
    )
    run = IsaRun(
        gallery=arguments.gallery,
        foundation=Foundation(BUNDLED),
        out=out,
        config=config,
        schedule=Schedule(epochs=arguments.epochs, patience=0),
        light_weights=None if variant.from_nothing else BUNDLED_QUERY,
        pretrained=False,
        augmentation=DRAWINGS.augmentation,
        at_most=arguments.light_limit if variant.from_nothing else arguments.limit,
    )
    if train(run, ConsoleReporter(), threading.Event()) is None:
        raise SystemExit(130)
    return out


def chart(path: Path, rows: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Draw recall over the number of tokens."""
    counts = [int(name.removeprefix("L = ")) for name in rows if name.startswith("L = ")]
    if len(counts) < 2:  # noqa: PLR2004 - a line has two points
        return
    lines = [
        Line(
            metric,
            counts,
            [percent(rows, f"L = {count}", metric) for count in counts],
            marked=True,
        )
        for metric in METRICS
    ]
    save_chart(path, [Panel("words in a sentence", "L", "percent", lines)], "isa on the wardrobe")


def main() -> None:
    """Train, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gallery", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--only", default="tokens,losses,mapper,symmetric", help="groups, with commas"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=8_000, help="pictures to learn from")
    parser.add_argument("--epochs", type=int, default=DRAWINGS.epochs)
    parser.add_argument("--light-limit", type=int, default=16_000, help="the same from nothing")
    parser.add_argument("--test", type=int, default=7, help="seed of the wardrobe that asks")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    groups = arguments.only.split(",")
    rows = {
        variant.name: [
            asked(query_model(variant, seed, arguments), "isa", arguments.test)
            for seed in range(arguments.seeds)
        ]
        for variant in VARIANTS
        if variant.group in groups
    }
    (arguments.work / "ablation.json").write_text(json.dumps(rows, indent=1))
    chart(arguments.work / "ablation.png", rows)
    print(table(rows))


if __name__ == "__main__":
    main()

"""The options of the commands that train; see ``spread``.

No ``from __future__ import annotations`` here: typer reads the fields' types.
"""

from dataclasses import dataclass
from typing import Annotated

import typer

from isa_cli import wording
from isa_cli.cli import options
from isa_cli.errors import UsageError
from isa_cli.training.engine.schedule import COMPOSING


@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """What every training run has."""

    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="The highest learning rate.")
    ] = 1e-3
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Decides all chance.")] = 0
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The query model (default: query.safetensors in the gallery).",
        ),
    ] = None
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin again where part of a run is done.")
    ] = False
    gallery: options.GalleryOption = None
    model: options.ModelOption = None
    device: options.DeviceOption = None
    precision: options.PrecisionOption = None
    quiet: options.QuietOption = False


@dataclass(frozen=True, kw_only=True)
class TrainFlags(RunFlags):
    """Learning to write a photo as words."""

    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images", metavar="DIR", help="Learn from the photos below DIR, not the gallery's."
        ),
    ] = None
    light: Annotated[
        str | None,
        typer.Option("--light", metavar="NAME", help="The light encoder: any timm model."),
    ] = None
    light_weights: Annotated[
        str | None,
        typer.Option(
            "--light-weights", metavar="FILE", help="Its weights: timm's, or a query model's."
        ),
    ] = None
    light_options: Annotated[
        str | None,
        typer.Option(
            "--light-options",
            metavar="JSON",
            help='For timm: {"pad_type": "same", "mean": [0.5, 0.5, 0.5]}.',
        ),
    ] = None
    light_size: Annotated[
        int | None,
        typer.Option("--light-size", min=16, metavar="PX", help="Side of the pictures it reads."),
    ] = None
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Begin with random weights of the light encoder.")
    ] = False
    symmetric: Annotated[
        bool,
        typer.Option("--symmetric", help="The large encoder in the light one's place, to compare."),
    ] = False
    mapper: Annotated[
        str,
        typer.Option("--mapper", metavar="KIND", help="token-learner, or mlp to compare."),
    ] = "token-learner"
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT", help='Default: "a photo of {sentence}".'),
    ] = None
    query_prompt: Annotated[
        str | None,
        typer.Option(
            "--query-prompt",
            metavar="TEXT",
            help='Default: "a photo of {sentence}, {modifier}".',
        ),
    ] = None
    tokens: Annotated[
        int, typer.Option("--tokens", min=1, metavar="L", help="Words in a picture's sentence.")
    ] = 6
    distil_epochs: Annotated[
        int | None,
        typer.Option(
            "--distil-epochs",
            min=0,
            metavar="N",
            help="Passes before, in which it learns what the large one sees (with --scratch: 6).",
        ),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, metavar="N", help="Passes over the photos (default: 10)."),
    ] = None
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=2, metavar="N", help="Photos per step.")
    ] = 64
    accumulate: Annotated[
        int, typer.Option("--accumulate", min=1, metavar="N", help="Batches per optimiser step.")
    ] = 1
    light_rate: Annotated[
        float | None,
        typer.Option(
            "--light-rate",
            min=0.0,
            metavar="SHARE",
            help="Share of --lr for the light encoder; 0: it stays as it is (default: 0.3).",
        ),
    ] = None
    local_weight: Annotated[
        float, typer.Option("--lambda", min=0.0, metavar="W", help="Weight of LAR; 0: without.")
    ] = 0.1
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most N photos.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class MapFlags(TrainFlags):
    """The same as stage I of two."""

    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A query model of isa train to add --vsi to; the rest of it stays as it is.",
        ),
    ] = None
    vsi: Annotated[
        str | None,
        typer.Option(
            "--vsi",
            metavar="N,N,...",
            help="Layers of the text tower in which the words look at the photo again.",
        ),
    ] = None
    soft_text: Annotated[
        str | None,
        typer.Option(
            "--soft-text",
            metavar="FILE",
            help="Phrases to align with, one a line (default: 3,000 that come with isa).",
        ),
    ] = None
    soft_weight: Annotated[
        float | None,
        typer.Option(
            "--soft-weight",
            min=0.0,
            metavar="W",
            help="Weight of soft text alignment; 0: without (default: 0.1).",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ComposeFlags(RunFlags):
    """Stage II: learning to read those words together with others."""

    triplets: Annotated[
        str,
        typer.Option(
            "--triplets",
            metavar="FILE",
            help="A line for each: reference, modifier and target, as isa triplets writes them.",
        ),
    ]
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="The query model to build on (default: the gallery's, or the bundled one).",
        ),
    ] = None
    adapters: Annotated[
        str | None,
        typer.Option(
            "--adapters",
            metavar="N,N,...",
            help="Layers of the text tower with an adapter; 0: before the first (default: all).",
        ),
    ] = None
    bottleneck: Annotated[
        int, typer.Option("--bottleneck", min=1, metavar="N", help="Width of an adapter's middle.")
    ] = 128
    hard_negatives: Annotated[
        int,
        typer.Option(
            "--hard-negatives",
            min=0,
            metavar="K",
            help="Most similar wrong photos told apart per triplet; 0: without.",
        ),
    ] = 8
    memory: Annotated[
        int,
        typer.Option(
            "--memory", min=0, metavar="N", help="Photos by chance told apart per step; 0: without."
        ),
    ] = 8192
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, metavar="N", help="Passes over the triplets.")
    ] = COMPOSING.epochs
    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="The highest learning rate.")
    ] = COMPOSING.lr
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=2, metavar="N", help="Triplets per step.")
    ] = 128
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most N triplets.")
    ] = None


def layers(option: str, text: str | None, first: int = 1) -> tuple[int, ...]:
    """Return layers by number, rising; (): none were named.

    Args:
        option: whose they are.
        text: what it was given.
        first: the lowest number there can be.

    Raises:
        UsageError: the text holds something else.
    """
    if text is None:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) >= first for word in words):
        raise UsageError(
            f"{option} {wording.printable(text) or chr(39) * 2} names no layers of a text tower",
            f"count them from 1, with commas between: {option} 4,8,12",
        )
    return tuple(sorted({int(word) for word in words}))

"""The flags of the commands that train; see ``spread``, and ``reading`` for what they mean.

No ``from __future__ import annotations`` here: typer reads the fields' types.
"""

from dataclasses import dataclass
from typing import Annotated

import typer

from isa_cli.cli import options
from isa_cli.training.options import (
    DISTIL_EPOCHS,
    EPOCHS,
    LEAST,
    LIGHT_RATE,
    PHRASES,
    SOFT_WEIGHT,
    ComposeOptions,
    MapOptions,
    TrainOptions,
)


@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """What every training run has."""

    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="The highest learning rate.")
    ] = TrainOptions.lr
    seed: Annotated[
        int, typer.Option("--seed", min=LEAST["seed"], metavar="N", help="Decides all chance.")
    ] = TrainOptions.seed
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
    ] = TrainOptions.fresh
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
    ] = TrainOptions.light
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
        typer.Option(
            "--light-size",
            min=LEAST["light_size"],
            metavar="PX",
            help="Side of the pictures it reads.",
        ),
    ] = TrainOptions.light_size
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Begin with random weights of the light encoder.")
    ] = TrainOptions.scratch
    symmetric: Annotated[
        bool,
        typer.Option("--symmetric", help="The large encoder in the light one's place, to compare."),
    ] = TrainOptions.symmetric
    mapper: Annotated[
        str,
        typer.Option("--mapper", metavar="KIND", help="token-learner, or mlp to compare."),
    ] = TrainOptions.mapper
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT", help='Default: "a photo of {sentence}".'),
    ] = TrainOptions.prompt
    query_prompt: Annotated[
        str | None,
        typer.Option(
            "--query-prompt",
            metavar="TEXT",
            help='Default: "a photo of {sentence}, {modifier}".',
        ),
    ] = TrainOptions.query_prompt
    tokens: Annotated[
        int,
        typer.Option(
            "--tokens", min=LEAST["tokens"], metavar="L", help="Words in a picture's sentence."
        ),
    ] = TrainOptions.tokens
    distil_epochs: Annotated[
        int | None,
        typer.Option(
            "--distil-epochs",
            min=LEAST["distil_epochs"],
            metavar="N",
            help="Passes before, in which it learns what the large one sees (with --scratch: "
            f"{DISTIL_EPOCHS}).",
        ),
    ] = TrainOptions.distil_epochs
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=LEAST["epochs"],
            metavar="N",
            help=f"Passes over the photos (default: {EPOCHS}).",
        ),
    ] = TrainOptions.epochs
    batch_size: Annotated[
        int,
        typer.Option("--batch-size", min=LEAST["batch_size"], metavar="N", help="Photos per step."),
    ] = TrainOptions.batch_size
    accumulate: Annotated[
        int,
        typer.Option(
            "--accumulate", min=LEAST["accumulate"], metavar="N", help="Batches per optimiser step."
        ),
    ] = TrainOptions.accumulate
    light_rate: Annotated[
        float | None,
        typer.Option(
            "--light-rate",
            min=LEAST["light_rate"],
            metavar="SHARE",
            help="Share of --lr for the light encoder; 0: it stays as it is (default: "
            f"{LIGHT_RATE}).",
        ),
    ] = TrainOptions.light_rate
    local_weight: Annotated[
        float,
        typer.Option(
            "--lambda", min=LEAST["local_weight"], metavar="W", help="Weight of LAR; 0: without."
        ),
    ] = TrainOptions.local_weight
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=LEAST["limit"], metavar="N", help="At most N photos."),
    ] = TrainOptions.limit


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
            help=f"Phrases to align with, one a line (default: {PHRASES:,} that come with isa).",
        ),
    ] = None
    soft_weight: Annotated[
        float | None,
        typer.Option(
            "--soft-weight",
            min=LEAST["soft_weight"],
            metavar="W",
            help=f"Weight of soft text alignment; 0: without (default: {SOFT_WEIGHT}).",
        ),
    ] = MapOptions.soft_weight


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
        int,
        typer.Option(
            "--bottleneck",
            min=LEAST["bottleneck"],
            metavar="N",
            help="Width of an adapter's middle.",
        ),
    ] = ComposeOptions.bottleneck
    hard_negatives: Annotated[
        int,
        typer.Option(
            "--hard-negatives",
            min=LEAST["hard_negatives"],
            metavar="K",
            help="Most similar wrong photos told apart per triplet; 0: without.",
        ),
    ] = ComposeOptions.hard_negatives
    memory: Annotated[
        int,
        typer.Option(
            "--memory",
            min=LEAST["memory"],
            metavar="N",
            help="Photos by chance told apart per step; 0: without.",
        ),
    ] = ComposeOptions.memory
    epochs: Annotated[
        int,
        typer.Option(
            "--epochs", min=LEAST["epochs"], metavar="N", help="Passes over the triplets."
        ),
    ] = ComposeOptions.epochs
    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="The highest learning rate.")
    ] = ComposeOptions.lr
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size", min=LEAST["batch_size"], metavar="N", help="Triplets per step."
        ),
    ] = ComposeOptions.batch_size
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=LEAST["limit"], metavar="N", help="At most N triplets."),
    ] = ComposeOptions.limit

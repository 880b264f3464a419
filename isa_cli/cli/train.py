"""``isa train``: a query model from photos without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from isa_cli.cli import console, options
from isa_cli.cli.paths import absolute
from isa_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.config import Settings

FAREWELL = "isa: stopping; what is under way is finished and saved (again to stop at once)"
INTERRUPTED = 130
PREPROCESSING = {"mean", "std", "interpolation", "crop_pct", "crop_mode"}


def train(
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images", metavar="DIR", help="Learn from the photos below DIR, not the gallery's."
        ),
    ] = None,
    light: Annotated[
        str | None,
        typer.Option("--light", metavar="NAME", help="The light encoder: any timm model."),
    ] = None,
    light_weights: Annotated[
        str | None,
        typer.Option(
            "--light-weights", metavar="FILE", help="Its weights: timm's, or a query model's."
        ),
    ] = None,
    light_options: Annotated[
        str | None,
        typer.Option(
            "--light-options",
            metavar="JSON",
            help='For timm: {"pad_type": "same", "mean": [0.5, 0.5, 0.5]}.',
        ),
    ] = None,
    light_size: Annotated[
        int | None,
        typer.Option("--light-size", min=16, metavar="PX", help="Side of the pictures it reads."),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Begin with random weights of the light encoder.")
    ] = False,
    symmetric: Annotated[
        bool,
        typer.Option("--symmetric", help="The large encoder in the light one's place, to compare."),
    ] = False,
    mapper: Annotated[
        str,
        typer.Option("--mapper", metavar="KIND", help="token-learner, or mlp to compare."),
    ] = "token-learner",
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT", help='Default: "a photo of {sentence}".'),
    ] = None,
    query_prompt: Annotated[
        str | None,
        typer.Option(
            "--query-prompt",
            metavar="TEXT",
            help='Default: "a photo of {sentence}, {modifier}".',
        ),
    ] = None,
    tokens: Annotated[
        int, typer.Option("--tokens", min=1, metavar="L", help="Words in a picture's sentence.")
    ] = 6,
    distil_epochs: Annotated[
        int | None,
        typer.Option(
            "--distil-epochs",
            min=0,
            metavar="N",
            help="Passes before, in which it learns what the large one sees (with --scratch: 6).",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, metavar="N", help="Passes over the photos (default: 10)."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=2, metavar="N", help="Photos per step.")
    ] = 64,
    accumulate: Annotated[
        int, typer.Option("--accumulate", min=1, metavar="N", help="Batches per optimiser step.")
    ] = 1,
    lr: Annotated[
        float, typer.Option("--lr", metavar="RATE", help="The highest learning rate.")
    ] = 1e-3,
    light_rate: Annotated[
        float | None,
        typer.Option(
            "--light-rate",
            min=0.0,
            metavar="SHARE",
            help="Of that rate, for the light encoder; 0: it stays as it is (default: 0.3).",
        ),
    ] = None,
    local_weight: Annotated[
        float, typer.Option("--lambda", min=0.0, metavar="W", help="Weight of LAR; 0: without.")
    ] = 0.1,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most N photos.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Decides all chance.")
    ] = 0,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The query model (default: query.safetensors in the gallery).",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin again where part of a run is done.")
    ] = False,
    gallery: options.GalleryOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    precision: options.PrecisionOption = None,
    quiet: options.QuietOption = False,
) -> int:
    """Learn to write a photo as words, from photos alone: no labels are needed.

    \b
      isa train
      isa train --images ~/Pictures --epochs 20 --out query.safetensors

    Afterwards isa search answers with what was learned, and only the light encoder looks at the
    reference.  It may be stopped and run again at any time, and goes on where it was.
    """  # noqa: D301 - typer's mark for lines to keep
    from isa_cli.cli import train_photos

    settings = options.settings(gallery=gallery, model=model, device=device, precision=precision)
    weights, target = _file(light_weights), _target(out)
    preprocessing, extra = _options(light_options)
    folders = [train_photos.folder(name) for name in images or []]

    from isa_cli.cli.train_report import report
    from isa_cli.query.prompt import Template
    from isa_cli.training.defaults import DISTIL_EPOCHS, defaults_for
    from isa_cli.training.run import Job
    from isa_cli.training.run import train as run
    from isa_cli.training.schedule import Schedule
    from isa_cli.training.settings import Settings as How

    reporter = console.ConsoleReporter(quiet=quiet)
    with console.stop_on_signals(FAREWELL) as stop:
        if folders:
            source = train_photos.indexed(folders, settings, model, target, reporter, stop)
        else:
            source = train_photos.own(settings, model, target)
        usual = defaults_for(source.model)
        own = light is None and weights is None and not scratch
        how = How(
            light=light or usual.light,
            light_size=light_size if light or light_size else usual.light_size,
            symmetric=symmetric,
            light_options=extra,
            mapper=mapper,
            tokens=tokens,
            template=Template(
                prompt or usual.template.plain, query_prompt or usual.template.modified
            ),
            batch=batch_size,
            local_weight=local_weight,
            light_rate=(0.0 if scratch else usual.light_rate) if light_rate is None else light_rate,
            distil_epochs=(DISTIL_EPOCHS if scratch else 0)
            if distil_epochs is None
            else distil_epochs,
            seed=seed,
        )
        job = Job(
            gallery=source.gallery,
            model=source.model,
            out=source.out,
            settings=how,
            schedule=Schedule(
                epochs=epochs or usual.epochs,
                lr=lr,
                accumulate=accumulate,
                precision=_precision(settings),
            ),
            device=settings.device,
            light_weights=usual.light_weights if own else weights,
            pretrained=not scratch,
            light_preprocessing=preprocessing,
            augmentation=usual.augmentation,
            at_most=limit,
            fresh=fresh,
        )
        trained = None if stop.is_set() else run(job, reporter, stop)
    if trained is None:
        console.say("isa: stopped; the same command goes on from here")
        return INTERRUPTED
    if not quiet:
        report(trained, settings.gallery)
    return 0


def _file(name: str | None) -> Path | None:
    if name is None:
        return None
    path = absolute(name)
    if not name or not path.is_file():
        raise UsageError(f"there is no file {console.printable(name)!r}", "check --light-weights")
    return path


def _options(text: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs in the preprocessing, and what goes to timm besides."""
    if text is None:
        return {}, {}
    import json

    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise UsageError(
            f"--light-options is no JSON object: {console.printable(text)}",
            'write for example \'{"pad_type": "same"}\'',
        )
    preprocessing = {name: values.pop(name) for name in PREPROCESSING & values.keys()}
    return preprocessing, values


def _target(name: str | None) -> Path | None:
    """Return where the query model goes; beside it, run folder and plot have its name."""
    if name is None:
        return None
    path = absolute(name)
    if path.suffix != ".safetensors" or path.is_dir():
        raise UsageError(
            f"--out {console.printable(name) or chr(39) * 2} is no name for a query model",
            "choose one that ends in .safetensors",
        )
    return path


def _precision(settings: Settings) -> str:
    """Return the precision to train in."""
    from isa_cli.backbones.devices import choose_place

    precision = choose_place(settings.device, settings.precision).precision
    if precision == "fp16":
        raise UsageError("fp16 is too coarse for gradients", "train with --precision bf16, or fp32")
    return precision

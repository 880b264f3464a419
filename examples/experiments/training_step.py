"""Where the time of a training step goes, with and without the text tower's padding.

    python examples/experiments/random_model.py ViT-B-32 /tmp/vit-b-32
    python examples/experiments/training_step.py /tmp/vit-b-32 --photos ~/Pictures

Steps of ``isa train`` with both losses: ``training.tasks.isa.IsaTask`` itself with a clock around
its parts.  The vectors and patch features that it learns from are random, as the weights are:
speed does not depend on what they say.  Photos are decoded anew in every step, as in a first
epoch, and when they are asked for, not ahead, so that every stage has the machine to itself.  On
the CPU in float32; both ways take turns, times and the ratio are medians over rounds.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isa_cli.bench.material import choose, photos_in
from isa_cli.config import usable_cores
from isa_cli.encoders import load_backbone
from isa_cli.encoders.light import DEFAULT_LIGHT, load_light
from isa_cli.query.image2sentence import QueryNetwork
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader
from isa_cli.query.token_learner import TokenLearner
from isa_cli.training.config import IsaConfig
from isa_cli.training.data.augment import Augmentation
from isa_cli.training.data.photos import TrainingPhotos
from isa_cli.training.data.pictures import TrainingPictures
from isa_cli.training.tasks.isa import IsaTask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from isa_cli.encoders import Backbone

STAGES = (
    "photos: decode, augment, crop",
    "light encoder",
    "token learner",
    "text tower",
    "losses",
    "backward: losses, text tower",
    "backward: learner, light encoder",
    "optimiser",
)


class Unhurried(TrainingPictures):
    """Pictures that are made when they are asked for, not before."""

    def prefetch(self, step: int) -> None:
        """Do nothing."""


class RandomPatches:
    """Stands in for the large encoder's patch features."""

    def __init__(self, cells: int, dim: int) -> None:
        self._shape = cells, dim

    def rows(self, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Return (B, P, D) random numbers."""
        return np.random.default_rng(0).standard_normal((len(keys), *self._shape), np.float32)


class Run:
    """Training, with a clock around the parts of a step.

    Args:
        photos: to learn from.
        backbone: whose text tower reads.
        config: of the run.
        trim: read the sentences without the padding.
    """

    def __init__(
        self, photos: TrainingPhotos, backbone: Backbone, config: IsaConfig, *, trim: bool
    ) -> None:
        light = load_light(config.light, pretrained=False, image_size=config.light_size)
        reader = SentenceReader(backbone, Template(), config.tokens, trim=trim)
        mapper = TokenLearner(light.channels, config.width, config.tokens, reader.width)
        network = QueryNetwork(light, mapper.scale_(reader.mean_norm)).train()
        sizes: Any = {"size": light.config.size, "batch_size": config.batch, "cache_bytes": 0}
        self.pictures = Unhurried(photos, light.prepare, Augmentation(), **sizes)
        patches: Any = RandomPatches(config.grid**2, backbone.space.dim)
        cpu = backbone.place.device
        self._task = IsaTask(photos, self.pictures, network, reader, patches, config, cpu)
        self._optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
        self._seconds: dict[str, float] = defaultdict(float)
        self._at_the_words = 0.0
        self._watch(self.pictures, "batch", STAGES[0])
        self._watch(light, "normalised", STAGES[1])
        self._watch(light, "forward", STAGES[1])
        self._watch(mapper, "forward", STAGES[2])
        self._watch(reader, "read_tokens", STAGES[3])

    def _watch(self, owner: Any, method: str, stage: str) -> None:
        """Add a method's time to a stage."""
        act = getattr(owner, method)

        def watched(*args: Any) -> Any:
            started = time.perf_counter()
            result = act(*args)
            self._seconds[stage] += time.perf_counter() - started
            if isinstance(owner, TokenLearner):
                result.tokens.register_hook(self._note)
            return result

        setattr(owner, method, watched)

    def _note(self, _gradient: Tensor) -> None:
        """Note when the gradient has come back to the words."""
        self._at_the_words = time.perf_counter()

    def step(self, number: int) -> list[float]:
        """Take a step; return its stages' milliseconds, in the order of ``STAGES``."""
        self._seconds.clear()
        started = time.perf_counter()
        loss = self._task.losses(number)["loss"]
        computed = time.perf_counter()
        loss.backward()  # type: ignore[no-untyped-call]
        learned = time.perf_counter()
        self._optimiser.step()
        self._optimiser.zero_grad()
        marks = (started, computed, self._at_the_words, learned, time.perf_counter())
        forward, *later = np.diff(marks).tolist()
        parts = [self._seconds[stage] for stage in STAGES[:4]]
        return [1000 * part for part in (*parts, forward - sum(parts), *later)]


def photos_of(folder: Path, dim: int) -> TrainingPhotos:
    """Return a folder's photos with random vectors of ``dim`` numbers, all to learn from."""
    paths = [bytes(path) for path in choose(photos_in(folder), 1_000)]
    rows = np.arange(len(paths))
    vectors = np.random.default_rng(0).standard_normal((len(paths), dim), np.float32)
    keys = rows.astype(np.uint64)
    return TrainingPhotos(keys, keys, paths, vectors, train=rows, held_out=rows[:0])


def table(rounds: list[tuple[list[float], list[float]]], batch: int) -> Iterator[str]:
    """Yield the lines of a table from each round's stages, trimmed and whole."""
    taken = np.array(rounds)  # (rounds, ways, stages)
    short, long = np.median(taken, axis=0)
    steps = taken.sum(axis=2).T  # (ways, rounds)
    yield "| stage | trimmed (ms) | share | whole (ms) | share |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for stage, a, b in zip(STAGES, short, long, strict=True):
        yield f"| {stage} | {a:.0f} | {a / short.sum():.0%} | {b:.0f} | {b / long.sum():.0%} |"
    a, b = np.median(steps, axis=1)
    yield f"| step | {a:.0f} | | {b:.0f} | |"
    yield f"| images/s | {1000 * batch / a:.1f} | | {1000 * batch / b:.1f} | |"
    low, middle, high = np.quantile(steps[1] / steps[0], (0, 0.5, 1))
    yield f"\nWhole takes {middle:.2f} times as long as trimmed ({low:.2f} to {high:.2f})."


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="whose text tower reads: a name or a folder")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--light", default=DEFAULT_LIGHT, help=f"timm's name ({DEFAULT_LIGHT})")
    parser.add_argument("--size", type=int, help="side of the light encoder's input (its own)")
    parser.add_argument("--batch", type=int, default=32, help="photos per step (32)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(usable_cores())
    backbone = load_backbone(arguments.model, device="cpu", precision="fp32", parts={"text"})
    config = IsaConfig(light=arguments.light, light_size=arguments.size, batch=arguments.batch)
    photos = photos_of(arguments.photos, backbone.space.dim)
    if len(photos) < config.batch or arguments.rounds < 1:
        parser.error(f"no round, or no batch: {arguments.photos} has {len(photos)} photos")
    runs = [Run(photos, backbone, config, trim=trim) for trim in (True, False)]
    rounds = [(runs[0].step(i), runs[1].step(i)) for i in range(arguments.rounds + 1)]
    for run in runs:
        run.pictures.close()
    print(
        f"{config.light} and the text tower of {backbone.space.name}, {config.batch} photos "
        f"a step, {arguments.rounds} rounds, fp32, cores: {usable_cores()}.\n"
    )
    print(*table(rounds[1:], config.batch), sep="\n")  # the first round warms up


if __name__ == "__main__":
    main()

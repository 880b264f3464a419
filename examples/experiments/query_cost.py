"""What a query's picture costs: light encoders with the token learner, against the large encoder.

    python examples/experiments/random_model.py ViT-L-14 /tmp/vit-l-14
    python examples/experiments/query_cost.py --large /tmp/vit-l-14
    python examples/experiments/query_cost.py --large isa-mini mobilenetv3_small_100@112

Cost does not depend on what the weights say, so the light side's are random and nothing is fetched.

GFLOPs: torch's FlopCounterMode on one picture, both sides alike and as ``LightEncoder.flops`` does
it: convolutions, matrix products and attention, a multiply-add counted as two.  Norms, activations
and pooling are not counted on either side.

Milliseconds: one prepared picture from uint8 pixels to what the text tower reads (light) or to the
unit vector (large), float32, on the CPU with all usable cores.  Every round runs every network,
once without a clock and once with.  Times are medians over rounds, a ratio is the median of the
ratios within a round, with the middle half of them: what disturbs the machine disturbs both sides.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from isa_cli.config import usable_cores
from isa_cli.encoders import load_backbone, locate
from isa_cli.encoders.light import load_light
from isa_cli.query.image2sentence import QueryNetwork
from isa_cli.query.token_learner import TokenLearner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from isa_cli.types import Pixels

LIGHT = (
    "efficientnet_b0",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "mobilenetv3_small_100",
    "resnet18",
)
TOKENS, WIDTH, BLOCKS = 6, 256, 1


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        name, pixels, parameters: as the table shows them.
        flops: for one picture, a multiply-add counted as two.
        run: encodes one picture.
    """

    name: str
    pixels: int
    parameters: int
    flops: int
    run: Callable[[], object]


def large(model: str) -> Subject:
    """Return a model's image tower."""
    backbone = load_backbone(model, device="cpu", precision="fp32", parts={"image"})
    picture = noise(backbone.input_size)
    pixels = backbone.normalised([picture])
    visual = backbone.network.visual
    return Subject(
        backbone.space.name,
        backbone.input_size[0],
        parameters(visual),
        flops(lambda: visual(pixels)),
        lambda: backbone.encode_images([picture]),
    )


def light(name: str, out: int) -> Subject:
    """Return a light encoder with a token learner for words of ``out`` numbers.

    Args:
        name: timm's name; ``NAME@SIZE`` for another side of the picture than its own.
        out: E, the width of the large model's text tower.
    """
    base, _, size = name.partition("@")
    encoder = load_light(base, pretrained=False, image_size=int(size) if size else None)
    learner = TokenLearner(encoder.channels, WIDTH, TOKENS, out, BLOCKS)
    network = QueryNetwork(encoder, learner).eval()
    picture = noise(encoder.config.size)
    pixels = encoder.normalised([picture])
    return Subject(
        base,
        encoder.config.size[0],
        parameters(network),
        flops(lambda: network(pixels)),
        lambda: network.sentences([picture]),
    )


def noise(size: tuple[int, int]) -> Pixels:
    """Return a picture of noise, as ``prepare`` would give one."""
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def parameters(module: nn.Module) -> int:
    """Return how many numbers a module has learned."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def flops(forward: Callable[[], object]) -> int:
    """Return the floating-point operations of a forward pass."""
    with _visible_attention(), FlopCounterMode(display=False) as counter:
        forward()
    return int(counter.get_total_flops())


@contextmanager
def _visible_attention() -> Iterator[None]:
    """Run attention step by step: fused for inference it does the same where no counter looks."""
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):  # not every torch counts the fused one on a CPU
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_enabled)


@torch.inference_mode()
def milliseconds(subjects: list[Subject], rounds: int) -> list[list[float]]:
    """Return each round's times, one per subject; rounds take them in turns from both ends."""
    times = []
    for number in range(rounds):
        taken = [0.0] * len(subjects)
        order = range(len(subjects))
        for position in reversed(order) if number % 2 else order:
            subjects[position].run()  # its weights are in the caches again
            started = time.perf_counter()
            subjects[position].run()
            taken[position] = 1000 * (time.perf_counter() - started)
        times.append(taken)
    return times


def rows(subjects: list[Subject], times: list[list[float]]) -> Iterator[str]:
    """Yield the table's lines; the first subject is the one that the others are set against."""
    yield "| encoder | pixels | parameters (M) | GFLOPs | fewer | ms (p50) | faster (middle half) |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for position, subject in enumerate(subjects):
        fewer, faster = "", ""
        if position:
            ratios = [taken[0] / taken[position] for taken in times]
            fewer = f"{subjects[0].flops / subject.flops:.1f}x"
            low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
            faster = f"{middle:.1f}x ({low:.1f} to {high:.1f})"
        p50 = statistics.median(taken[position] for taken in times)
        yield (
            f"| {subject.name} | {subject.pixels} | {subject.parameters / 1e6:.2f} "
            f"| {subject.flops / 1e9:.3g} | {fewer} | {p50:.1f} | {faster} |"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "light", nargs="*", help=f"timm names, NAME@SIZE for another size ({', '.join(LIGHT)})"
    )
    parser.add_argument("--large", required=True, help="the model whose image tower is replaced")
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")

    torch.manual_seed(0)
    torch.set_num_threads(usable_cores())
    out = locate(arguments.large).config["text_cfg"]["width"]
    subjects = [large(arguments.large), *(light(name, out) for name in arguments.light or LIGHT)]
    times = milliseconds(subjects, arguments.rounds)
    print(
        f"Each light encoder with its token learner ({TOKENS} tokens of {out}, width {WIDTH}, "
        f"{BLOCKS} block); {arguments.rounds} rounds, batch 1, fp32, cores: {usable_cores()}.\n"
    )
    print(*rows(subjects, times), sep="\n")


if __name__ == "__main__":
    main()

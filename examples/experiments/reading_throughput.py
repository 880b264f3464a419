"""What cutting the padding brings: the frozen text tower's part of a training step, both ways.

    python examples/experiments/random_model.py ViT-L-14 /tmp/vit-l-14
    python examples/experiments/random_model.py ViT-B-32 /tmp/vit-b-32
    python examples/experiments/reading_throughput.py /tmp/vit-l-14 /tmp/vit-b-32 isa-mini

B sentences through the text tower and their gradients back, as a step of ``isa train`` reads them,
against the same with the padding that the tower was built for; and how far the two differ, which
must be no more than rounding.  Speed does not depend on what the weights say.

On the CPU in float32.  In every round both ways run one after the other; times are medians over
rounds, a ratio is the median of the ratios within a round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import torch

from isa_cli.config import usable_cores
from isa_cli.encoders import load_backbone
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader

if TYPE_CHECKING:
    from torch import Tensor

    from isa_cli.encoders import Backbone


def read(reader: SentenceReader, sentences: Tensor) -> tuple[float, list[Tensor]]:
    """Return a reading's milliseconds to the gradient, and its features, slots and gradient."""
    sentences = sentences.clone().requires_grad_()
    started = time.perf_counter()
    features, slots = reader.read_tokens(sentences, [""] * len(sentences))
    # a feature's direction is all that the losses look at
    loss = sum((part / part.norm(dim=-1, keepdim=True)).sum() for part in (features, slots))
    (gradient,) = torch.autograd.grad(torch.as_tensor(loss), sentences)
    taken = 1000 * (time.perf_counter() - started)
    return taken, [features.detach(), slots.detach(), gradient]


def row(backbone: Backbone, tokens: int, batch: int, rounds: int) -> str:
    """Return a model's line of the table."""
    readers = [SentenceReader(backbone, Template(), tokens, trim=trim) for trim in (True, False)]
    sentences = torch.randn(batch, tokens, readers[0].width)
    sentences *= readers[0].mean_norm / sentences.norm(dim=-1, keepdim=True)
    lengths: list[int] = []
    tower = getattr(backbone.network, "text", backbone.network)
    watch = tower.transformer.register_forward_pre_hook(
        lambda _, args: lengths.append(args[0].shape[1])
    )
    trimmed, whole = (read(reader, sentences)[1] for reader in readers)  # warms up, too
    watch.remove()
    # as shares: a gradient has no scale of its own
    off = [float((a - b).abs().max() / b.abs().max()) for a, b in zip(trimmed, whole, strict=True)]
    times = [[read(reader, sentences)[0] for reader in readers] for _ in range(rounds)]
    short, long = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = [second / first for first, second in times]
    return (
        f"| {backbone.space.name} | {lengths[1]} to {lengths[0]} | {long:.1f} | {short:.1f} "
        f"| {statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f}) "
        f"| {max(off[:2]):.1e} | {off[2]:.1e} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="names or folders")
    parser.add_argument("--tokens", type=int, default=6, help="length of a sentence (6)")
    parser.add_argument("--batch", type=int, default=64, help="sentences per step (64)")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    if min(arguments.tokens, arguments.batch, arguments.rounds) < 1:
        parser.error("--tokens, --batch and --rounds must be at least 1")

    torch.manual_seed(0)
    torch.set_num_threads(usable_cores())
    print(
        f"Forward and backward of {arguments.batch} sentences of {arguments.tokens} tokens; "
        f"{arguments.rounds} rounds, fp32, cores: {usable_cores()}.\n\n"
        "| text tower of | positions | whole (ms) | trimmed (ms) | faster (range) "
        "| largest difference | of the gradient |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for model in arguments.models:
        backbone = load_backbone(model, device="cpu", precision="fp32", parts={"text"})
        print(row(backbone, arguments.tokens, arguments.batch, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()

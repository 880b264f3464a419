"""Train isa-mini, the bundled model, from nothing: rendered garments and captions, no other data.

    python examples/experiments/train_isa_mini.py --work DIR --out isa_cli/encoders/isa_mini

One command, seeded, within two hours on two cores; stopped, it goes on from its last checkpoint
in ``--work``.  It writes ``open_clip_config.json`` and ``open_clip_model.safetensors`` (fp16) into
``--out``, as a model hub would serve them, and ``training.json``, what became of it.

Pictures come in families: a garment and three changed versions of it, always in one batch.
Against strangers a picture is told by category and colour alone; only its own family teaches
buttons and collars.  No picture shows a pair of ``wardrobe.garments.HELD_OUT``.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional
from tqdm import tqdm

from isa_cli.cli.console import ConsoleReporter
from isa_cli.encoders.names import CONFIG_NAME, WEIGHTS_NAMES
from isa_cli.encoders.text_encoder import text_features
from isa_cli.evaluation import EvalConfig, evaluate
from isa_cli.evaluation.wardrobe import captions
from isa_cli.wardrobe import folder
from isa_cli.wardrobe.captions import caption, corrected
from isa_cli.wardrobe.changes import KINDS, Change, complete, propose
from isa_cli.wardrobe.garments import draw, is_held_out
from isa_cli.wardrobe.scenes import Scene, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    Pictures = NDArray[np.uint8]  # (N, H, W, 3)

FAMILY = 4
SIDE = 112
CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 192,
        "vision_cfg": {
            "timm_model_name": "regnetx_002",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": SIDE,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 192,
            "heads": 3,
            "layers": 4,
        },
    },
    "preprocess_cfg": {
        "size": [SIDE, SIDE],
        "mode": "RGB",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}

CORRECTED = 0.2
"""Share of changed garments whose caption corrects itself: "a red dress, but sleeveless"."""

FULL = 0.65
"""Share of the other captions that name every attribute; the rest name some."""


@dataclass(frozen=True)
class Member:
    """One picture of a family: its scene, and how it came from the first member, if it did."""

    scene: Scene
    change: Change | None
    before: Scene


def families(count: int, rng: Random) -> list[Member]:
    """Return ``count`` families, one after the other, none of which shows a held-out pair."""
    members = []
    for _ in range(count):
        first = place(draw(rng, held_out=False), rng)
        members.append(Member(first, None, first))
        while len(members) % FAMILY:
            change = propose(first.garment, rng.choice(KINDS), rng)
            if change is None:
                continue
            garment = complete(change.wanted, rng)
            if not is_held_out(garment):
                members.append(Member(place(garment, rng), change, first))
    return members


def said(member: Member, rng: Random) -> str:
    """Return a caption of one picture."""
    share = rng.random()
    if share < CORRECTED and member.change is not None:
        return corrected(member.before.garment, member.change, member.scene, rng)
    return caption(member.scene, rng, full=rng.random() < FULL)


def pictures(where: Path, scenes: list[Scene]) -> Pictures:
    """Return the rendered scenes, resized for the model; kept in ``where`` for the next time."""
    paths = folder.write(where, scenes, ConsoleReporter())
    out = np.empty((len(paths), SIDE, SIDE, 3), np.uint8)
    for row, path in zip(out, tqdm(paths, "reading", leave=False), strict=True):
        with Image.open(path) as image:
            row[...] = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return out


def normalised(batch: Pictures) -> Tensor:
    """Return pictures as the image tower wants them, (B, 3, H, W)."""
    pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
    return pixels.div_(255).sub_(0.5).div_(0.25).contiguous(memory_format=torch.channels_last)


def batches(count: int, size: int, seed: int, skip: int) -> Iterator[NDArray[np.int64]]:
    """Yield the positions of each batch's pictures for ever: whole families, newly shuffled."""
    epoch, done = 0, 0
    while True:
        order = np.random.default_rng((seed, epoch)).permutation(count // FAMILY)
        for start in range(0, len(order) - size // FAMILY + 1, size // FAMILY):
            if done >= skip:
                first = order[start : start + size // FAMILY] * FAMILY
                yield (first[:, None] + np.arange(FAMILY)).ravel()
            done += 1
        epoch += 1


def contrast(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """Return CLIP's symmetric InfoNCE of (B, D) features that belong together row by row."""
    images, texts = functional.normalize(images, dim=-1), functional.normalize(texts, dim=-1)
    logits = scale * images @ texts.T  # (B, B)
    truth = torch.arange(len(logits))
    return (functional.cross_entropy(logits, truth) + functional.cross_entropy(logits.T, truth)) / 2


class Training:
    """The model, its optimiser, and where they stand."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        torch.manual_seed(arguments.seed)
        self.arguments = arguments
        self.network = open_clip.CLIP(**CONFIG["model_cfg"])
        self.network.visual.to(memory_format=torch.channels_last)
        text = CONFIG["model_cfg"]["text_cfg"]
        self.tokenizer = SimpleTokenizer(context_length=text["context_length"])
        parameters = dict(self.network.named_parameters())
        heavy = [p for n, p in parameters.items() if p.ndim > 1 and "embedding" not in n]
        light = [p for n, p in parameters.items() if p.ndim <= 1 or "embedding" in n]
        self.optimiser = torch.optim.AdamW(
            [{"params": heavy, "weight_decay": 0.05}, {"params": light, "weight_decay": 0.0}],
            lr=arguments.lr,
            betas=(0.9, 0.98),
        )
        self.step = 0
        self.seconds = 0.0
        self.used = torch.zeros(text["vocab_size"], dtype=torch.bool)

    @property
    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "used": self.used,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` was."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.used = state["step"], state["seconds"], state["used"]

    def learn(self, batch: Pictures, texts: list[str]) -> float:
        """Take one step; return the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.arguments.lr * self._pace()
        ids = self.tokenizer(texts)
        self.used[ids.unique()] = True
        images = self.network.visual(normalised(batch))
        scale = self.network.logit_scale.exp().clamp(max=100)
        loss = contrast(images, self._read(ids), scale)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def _read(self, ids: Tensor) -> Tensor:
        """Return text features (B, D), short texts apart from long ones: each is cut to its own."""
        order = ids.argmax(dim=-1).argsort()  # end-of-text has the highest id
        read = torch.cat([text_features(self.network, ids[rows]) for rows in order.chunk(3)])
        return read[order.argsort()]

    def _pace(self) -> float:
        """Return the share of the full learning rate: a short rise, then half a cosine."""
        rise: float = min(1.0, (self.step + 1) / self.arguments.warm_up)
        done: float = self.step / self.arguments.steps
        return rise * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-3


def export(training: Training, out: Path) -> None:
    """Write the model as a hub would serve it; words that no caption used become zero."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.half() if value.is_floating_point() else value
        for name, value in training.network.state_dict().items()
    }
    weights["token_embedding.weight"][~training.used] = 0
    weights = {name: value.contiguous() for name, value in weights.items()}
    file = out / WEIGHTS_NAMES[0]
    save_file(weights, file, metadata={"format": "pt"})
    file.chmod(0o644)
    (out / CONFIG_NAME).write_text(json.dumps(CONFIG, indent=2) + "\n")


def measured(training: Training, pictures: int, out: Path) -> dict[str, Any]:
    """Return what was trained and how good the exported model is, and write it beside it.

    The pictures are not those that ``isa eval wardrobe-captions`` reports about: its seed differs.
    """
    reporter = ConsoleReporter(quiet=True)
    seed = training.arguments.seed + 1
    config = EvalConfig(str(out), precision="fp32", methods=("text",))
    count = training.arguments.asked
    document = evaluate(
        lambda: captions(reporter, seed=seed, count=count), config, reporter
    ).document
    groups = document["results"][0]["groups"]
    record = {
        "steps": training.step,
        "batch": training.arguments.batch,
        "pictures": pictures,
        "seed": training.arguments.seed,
        "training seconds": round(training.seconds),
        "captions R@1": {name: group["metrics"]["R@1"] for name, group in groups.items()},
    }
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    return record


def main() -> None:
    """Render, train, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="pictures and checkpoints")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", type=int, default=18_000)
    parser.add_argument("--steps", type=int, default=4_600)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--every", type=int, default=400, help="steps between measurements")
    parser.add_argument("--asked", type=int, default=1000, help="captions of a measurement")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    chance = Random(arguments.seed)  # noqa: S311 - reproducible, not secret
    members = families(arguments.families, chance)
    seen = pictures(arguments.work / "train", [member.scene for member in members])
    training = Training(arguments)
    checkpoint = arguments.work / "checkpoint.pt"
    if checkpoint.is_file():
        training.restore(torch.load(checkpoint, weights_only=True))
    order = batches(len(seen), arguments.batch, arguments.seed, training.step)
    bar = tqdm(total=arguments.steps, initial=training.step, unit="step")
    while training.step < arguments.steps:
        started = time.monotonic()
        rows = next(order)
        rng = Random(f"{arguments.seed} {training.step}")  # noqa: S311
        batch = seen[rows]
        flipped = np.array([rng.random() < 0.5 for _ in rows])  # noqa: PLR2004 - a coin
        batch[flipped] = batch[flipped, :, ::-1]
        loss = training.learn(batch, [said(members[row], rng) for row in rows])
        training.seconds += time.monotonic() - started
        bar.update()
        bar.set_postfix(loss=f"{loss:.3f}")
        if training.step % arguments.every == 0:
            torch.save(training.state, checkpoint)
            export(training, arguments.out)
            record = measured(training, len(seen), arguments.out)
            bar.write(json.dumps(record | {"loss": round(loss, 3)}))
    export(training, arguments.out)
    print(json.dumps(measured(training, len(seen), arguments.out)))


if __name__ == "__main__":
    main()

"""What one step minimises, worked out again by hand, on pictures of a few numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from isa_cli.query.header import MapperConfig
from isa_cli.query.mappers import build_mapper
from isa_cli.query.network import QueryNetwork
from isa_cli.query.reading import Read
from isa_cli.training.distil import CONTRAST, DistilTask, Seer
from isa_cli.training.losses import gcd, lar
from isa_cli.training.settings import Settings
from isa_cli.training.task import IsaTask

COUNT, DIM, WIDTH, GRID, TOKENS = 40, 6, 5, 2, 3
CPU = torch.device("cpu")


class TinyLight(nn.Module):
    """A light encoder for pictures of 3 x 8 x 8 numbers."""

    channels = 7

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, self.channels, 2, 2), nn.BatchNorm2d(self.channels)

    def normalised(self, batch):
        return torch.stack(list(batch))

    def forward(self, pixels):
        return self.norm(self.conv(pixels))


class Pictures:
    """Pixels by row, none of them changed."""

    def __init__(self, pixels):
        self.pixels = pixels

    def prefetch(self, step):
        pass

    def batch(self, _, rows):
        return rows, [self.pixels[row] for row in rows]

    def plain(self, rows):
        return self.batch(0, rows)


class Reader:
    """A text tower that adds words up."""

    def __init__(self):
        self.matrix = torch.randn(WIDTH, DIM)

    def read_tokens(self, tokens, modifiers):
        assert set(modifiers) == {""}
        slots = tokens @ self.matrix
        return Read(slots.sum(dim=1), slots)

    def read(self, tokens, modifiers):
        return self.read_tokens(tokens, modifiers).features


@pytest.fixture
def world():
    """Photos whose vectors are a linear function of what they show."""
    torch.manual_seed(0)
    pixels = torch.randn(COUNT, 3, 8, 8)
    vectors = functional.normalize(pixels.mean(dim=(2, 3)) @ torch.randn(3, DIM), dim=-1)
    cells = torch.randn(COUNT, GRID**2, DIM)
    rows = np.arange(COUNT)
    photos = SimpleNamespace(
        keys=rows.astype(np.uint64) * 10,
        vectors=vectors.numpy(),
        train=rows[: COUNT - 8],
        held_out=rows[COUNT - 8 :],
        steps_per_epoch=lambda batch: (COUNT - 8) // batch,
        batch_rows=lambda step, batch, seed: np.roll(rows[: COUNT - 8], -3 * step - seed)[:batch],
    )
    local = SimpleNamespace(rows=lambda keys: cells.numpy()[(keys // 10).astype(int)])
    return SimpleNamespace(
        photos=photos, pictures=Pictures(pixels), local=local, cells=cells, vectors=vectors
    )


def settings(**changes):
    return Settings(batch=8, grid=GRID, memory=16, tokens=TOKENS, **changes)


def network():
    config = MapperConfig("token-learner", TinyLight.channels, WIDTH, TOKENS, 8, 1, 2)
    return QueryNetwork(TinyLight(), build_mapper(config))


def isa(world, how, **parts):
    made = network()
    task = IsaTask(
        world.photos, world.pictures, made, Reader(), parts.get("local", world.local), how, CPU
    )
    return task, made


def test_a_light_encoder_is_drawn_to_the_whole_and_to_every_cell(world):
    seer = Seer(TinyLight(), DIM)
    task = DistilTask(world.photos, world.pictures, seer, world.local, settings(), CPU)
    losses = task.losses(1)
    rows = world.photos.batch_rows(1, 8, 0)
    features = seer.light(world.pictures.pixels[rows])
    whole = features.mean(dim=(2, 3)) @ seer.head.weight.T + seer.head.bias
    wholes = 1 - functional.cosine_similarity(whole, world.vectors[rows]).mean()
    apart = []
    for number, (top, left) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
        cell = features[:, :, top : top + 2, left : left + 2].mean(dim=(2, 3))
        seen = cell @ seer.head.weight.T + seer.head.bias
        apart.append(1 - functional.cosine_similarity(seen, world.cells[rows, number]))
    cells = torch.stack(apart).mean()
    contrast = gcd(whole, world.vectors[rows], settings().temperature)
    torch.testing.assert_close(losses["whole"], wholes)
    torch.testing.assert_close(losses["cells"], cells)
    torch.testing.assert_close(losses["loss"], wholes + cells + CONTRAST * contrast)


def test_it_learns_to_see(world):
    seer = Seer(TinyLight(), DIM)
    task = DistilTask(world.photos, world.pictures, seer, world.local, settings(), CPU)
    optimiser = torch.optim.AdamW(task.groups()[0]["params"], lr=0.02)
    first = float(task.losses(0)["whole"].detach())
    seer.eval()
    blind = task.measure()["R@1"]
    seer.train()
    for step in range(60):
        optimiser.zero_grad()
        task.losses(step)["loss"].backward()
        optimiser.step()
    seer.eval()
    assert float(task.losses(0)["whole"].detach()) < first / 3
    assert task.measure()["R@1"] > blind
    assert list(task.measure()) == ["R@1", "R@10"]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_isas_loss_is_both_of_its_losses(world, weight):
    task, made = isa(world, settings(local_weight=weight, temperature=1.0))
    made.eval()  # or running statistics would differ between the two passes
    losses = task.losses(2)
    rows = world.photos.batch_rows(2, 8, 0)
    read = task._reader.read_tokens(made(world.pictures.pixels[rows]).tokens, [""] * 8)
    drawn = np.random.default_rng((0, 2)).choice(world.photos.train, 16, replace=False)
    own = torch.from_numpy(rows[:, None] == drawn[None])
    assert own.any()  # a picture that is in the bank is no negative of its own
    memory = world.vectors[drawn]
    expected = gcd(read.features, world.vectors[rows], 1.0, memory, own)
    torch.testing.assert_close(losses["gcd"], expected)
    assert not torch.allclose(expected, gcd(read.features, world.vectors[rows], 1.0, memory))
    if weight:
        expected = expected + weight * lar(read.slots, world.cells[rows], 0.1)
    assert ("lar" in losses) == bool(weight)
    torch.testing.assert_close(losses["loss"], expected)


def test_a_frozen_light_encoder_stays_as_it_is(world):
    task, made = isa(world, settings(light_rate=0.0))
    before = {name: value.clone() for name, value in made.state_dict().items()}
    optimiser = torch.optim.AdamW(task.groups()[0]["params"], lr=0.1)
    assert len(task.groups()) == 1
    made.train()
    task.losses(0)["loss"].backward()
    optimiser.step()
    changed = {n for n, value in made.state_dict().items() if not torch.equal(value, before[n])}
    assert changed
    assert all(name.startswith("mapper.") for name in changed)


def test_another_light_encoder_learns_more_slowly(world):
    task, made = isa(world, settings(light_rate=0.3))
    fast, slow = task.groups()
    assert (fast["lr"], slow["lr"]) == (1.0, 0.3)
    assert slow["params"] == list(made.light.parameters())
    made.train()
    task.losses(0)["loss"].backward()
    assert all(parameter.grad is not None for parameter in made.light.parameters())

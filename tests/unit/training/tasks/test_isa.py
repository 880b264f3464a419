"""What one step minimises, worked out again by hand, on pictures of a few numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from isa_cli.query.header import InjectionConfig, MapperConfig
from isa_cli.query.image2sentence import QueryNetwork
from isa_cli.query.injection import Injection
from isa_cli.query.mappers import build_mapper
from isa_cli.query.reading import Read
from isa_cli.training.config import IsaConfig
from isa_cli.training.data.phrases import PhraseFeatures
from isa_cli.training.losses import gcd, lar, soft_alignment
from isa_cli.training.tasks.distil import CONTRAST, DistilTask, Seer
from isa_cli.training.tasks.isa import IsaTask

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
    """A text tower that adds words up, of one layer for an injection."""

    def __init__(self, injection=None):
        self.matrix = torch.randn(WIDTH, DIM)
        self.injection = injection

    def read_tokens(self, tokens, modifiers, features=None):
        assert set(modifiers) == {""}
        if self.injection is not None:
            places = torch.arange(TOKENS).expand(len(tokens), -1)
            tokens = self.injection(1, tokens, places, features)
        slots = tokens @ self.matrix
        return Read(slots.sum(dim=1), slots)

    def read(self, tokens, modifiers, features=None):
        return self.read_tokens(tokens, modifiers, features).features


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
    patches = SimpleNamespace(rows=lambda keys: cells.numpy()[(keys // 10).astype(int)])
    return SimpleNamespace(
        photos=photos, pictures=Pictures(pixels), patches=patches, cells=cells, vectors=vectors
    )


def config_of(**changes):
    return IsaConfig(batch=8, grid=GRID, memory=16, tokens=TOKENS, **changes)


def isa(world, config, injection=None, phrases=None):
    shape = MapperConfig("token-learner", TinyLight.channels, WIDTH, TOKENS, 8, 1, 2)
    made = QueryNetwork(TinyLight(), build_mapper(shape), injection)
    reader = Reader(injection)
    task = IsaTask(world.photos, world.pictures, made, reader, world.patches, config, CPU, phrases)
    return task, made


@pytest.fixture
def injection():
    return Injection(InjectionConfig((1,), TinyLight.channels, WIDTH, heads=1))


def test_a_light_encoder_is_drawn_to_the_whole_and_to_every_cell(world):
    seer = Seer(TinyLight(), DIM)
    task = DistilTask(world.photos, world.pictures, seer, world.patches, config_of(), CPU)
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
    contrast = gcd(whole, world.vectors[rows], config_of().temperature)
    torch.testing.assert_close(losses["whole"], wholes)
    torch.testing.assert_close(losses["cells"], cells)
    torch.testing.assert_close(losses["loss"], wholes + cells + CONTRAST * contrast)


def test_it_learns_to_see(world):
    seer = Seer(TinyLight(), DIM)
    task = DistilTask(world.photos, world.pictures, seer, world.patches, config_of(), CPU)
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
    task, made = isa(world, config_of(local_weight=weight, temperature=1.0))
    made.eval()  # or running statistics would differ between the two passes
    losses = task.losses(2)
    rows = world.photos.batch_rows(2, 8, 0)
    read = task._reader.read_tokens(made(world.pictures.pixels[rows]).tokens, [""] * 8)
    drawn = np.random.default_rng((0, 2)).choice(world.photos.train, 16, replace=False)
    own = torch.from_numpy(rows[:, None] == drawn[None])
    assert own.any()  # a picture that is in the memory bank is no negative of its own
    memory = world.vectors[drawn]
    expected = gcd(read.features, world.vectors[rows], 1.0, memory, own)
    torch.testing.assert_close(losses["gcd"], expected)
    assert not torch.allclose(expected, gcd(read.features, world.vectors[rows], 1.0, memory))
    if weight:
        expected = expected + weight * lar(read.slots, world.cells[rows], 0.1)
    assert ("lar" in losses) == bool(weight)
    torch.testing.assert_close(losses["loss"], expected)


def test_a_frozen_light_encoder_stays_as_it_is(world):
    task, made = isa(world, config_of(light_rate=0.0))
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
    task, made = isa(world, config_of(light_rate=0.3))
    fast, slow = task.groups()
    assert (fast["lr"], slow["lr"]) == (1.0, 0.3)
    assert slow["params"] == list(made.light.parameters())
    made.train()
    task.losses(0)["loss"].backward()
    assert all(parameter.grad is not None for parameter in made.light.parameters())


# --- stage I of two ------------------------------------------------------------------------------


def test_soft_alignment_is_added_with_its_weight(world):
    phrases = PhraseFeatures(torch.randn(12, DIM), 0.5)
    config = config_of(soft_weight=0.25)
    task, made = isa(world, config, phrases=phrases)
    made.eval()  # or running statistics would differ between the two passes
    losses = task.losses(2)
    rows = world.photos.batch_rows(2, 8, 0)
    read = task._reader.read(made(world.pictures.pixels[rows]).tokens, [""] * 8)
    torch.testing.assert_close(
        losses["soft"], soft_alignment(read, world.vectors[rows], phrases.features, 0.5)
    )
    expected = losses["gcd"] + config.local_weight * losses["lar"] + 0.25 * losses["soft"]
    torch.testing.assert_close(losses["loss"], expected)


def test_without_its_weight_phrases_cost_nothing(world):
    task, _ = isa(world, config_of(), phrases=PhraseFeatures(torch.randn(12, DIM), 0.5))
    assert "soft" not in task.losses(0)
    with pytest.raises(ValueError, match="phrases"):
        isa(world, config_of(soft_weight=0.1))


def test_an_injection_learns_with_the_mapper(world, injection):
    task, made = isa(world, config_of(), injection)
    fast, _ = task.groups()
    assert fast["params"] == [*made.mapper.parameters(), *injection.parameters()]
    optimiser = torch.optim.AdamW(fast["params"], lr=0.01)
    made.train()
    for step in range(2):  # its gate opens first
        optimiser.zero_grad()
        task.losses(step)["loss"].backward()
        optimiser.step()
    assert all(parameter.grad.any() for parameter in injection.layers["1"].project.parameters())


def test_what_is_measured_is_read_with_the_injection(world, injection):
    task, made = isa(world, config_of(), injection)
    made.eval()
    closed = task._read(world.pictures.pixels[:4])
    assert list(task.measure()) == ["R@1", "R@10"]
    with torch.no_grad():
        injection.layers["1"].gate.fill_(1.0)
    assert not torch.allclose(task._read(world.pictures.pixels[:4]), closed)


def test_what_is_frozen_stays_and_the_injection_learns_alone(world, injection):
    task, made = isa(world, config_of(light_rate=0.0), injection)
    made.freeze(made.mapper)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    (group,) = task.groups()
    assert group["params"] == [*injection.parameters()]
    optimiser = torch.optim.AdamW(group["params"], lr=0.01)
    made.train()
    assert not made.mapper.training
    assert injection.training
    for step in range(3):
        optimiser.zero_grad()
        task.losses(step)["loss"].backward()
        optimiser.step()
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name]) == (not name.startswith("injection")), name

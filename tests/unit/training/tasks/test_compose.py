"""Adapters learn to compose what a fixed tower can not; a step minimises what it says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from isa_cli.encoders import load_backbone
from isa_cli.query.adapters import Adapters
from isa_cli.query.header import AdaptersConfig
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader
from isa_cli.training.config import ComposeConfig
from isa_cli.training.data.negatives import Mined
from isa_cli.training.data.sentences import Sentences
from isa_cli.training.data.triplet_photos import TripletPhotos
from isa_cli.training.losses import composing_nce
from isa_cli.training.tasks.compose import ComposeTask

CPU = torch.device("cpu")
KINDS, WORDS = 4, ("in red", "at night", "from above")
REFERENCES, DIM, TOKENS = 48, 32, 2


@pytest.fixture(scope="module")
def backbone(tiny_model):
    return load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def world(backbone):
    """Pictures of four kinds; each kind and modifier has one target of its own, all at random.

    Rows 0 to 47 are references, and those after them the targets.
    """
    rng = np.random.default_rng(0)
    kinds = np.arange(REFERENCES) % KINDS
    words = backbone.network.token_embedding.weight[:KINDS].detach()  # as long as real ones
    tokens = words[kinds][:, None].repeat(1, TOKENS, 1)
    tokens = tokens + 0.002 * torch.randn(tokens.shape, generator=torch.manual_seed(0))
    count = REFERENCES + KINDS * len(WORDS)
    pairs = [(row, number) for row in range(REFERENCES) for number in range(len(WORDS))]
    rows = np.arange(len(pairs))
    held = np.array([reference < 8 for reference, _ in pairs])
    photos = TripletPhotos(
        keys=np.arange(1, count + 1, dtype=np.uint64),
        vectors=unit(rng.standard_normal((count, DIM))),
        paths={},
        references=np.array([reference for reference, _ in pairs]),
        modifiers=[WORDS[number] for _, number in pairs],
        questions=rows,
        targets=np.array([REFERENCES + kinds[r] * len(WORDS) + n for r, n in pairs]),
        train=rows[~held],
        held_out=rows[held],
        digest="",
    )
    return photos, Sentences(tokens, None)


def task_of(world, backbone, negatives=None, memory=None, **changes):
    torch.manual_seed(1)
    adapters = Adapters(AdaptersConfig((1, 2), 32, 16))
    reader = SentenceReader(backbone, Template(), TOKENS, adapters=adapters)
    config = ComposeConfig(batch=32, **changes)
    return ComposeTask(*world, reader, adapters, negatives, memory, config, CPU), reader


def test_it_learns_what_a_fixed_tower_can_not(world, backbone):
    task, _ = task_of(world, backbone)
    before = task.measure()
    first = task.losses(0)["loss"].item()
    optimiser = torch.optim.AdamW(task.groups()[0]["params"], lr=0.02)
    for step in range(80):
        optimiser.zero_grad()
        task.losses(step)["loss"].backward()
        optimiser.step()
    after = task.measure()
    assert before["R@1"] < 0.3
    assert after["R@1"] > before["R@1"] + 0.4
    assert task.losses(0)["loss"].item() < first / 2
    assert list(after) == ["log-likelihood", "MRR", "R@10", "R@1"]
    assert before["log-likelihood"] < after["log-likelihood"] < 0
    assert not any(p.requires_grad for p in backbone.network.parameters())


class Fixed:
    """Negatives that are there already; remembers what was asked."""

    def __init__(self, mined):
        self.mined = mined
        self.epochs = []
        self.queries = None

    def of(self, epoch, ask):
        self.epochs.append(epoch)
        self.queries = ask(np.array([3, 5]))
        return self.mined


@pytest.mark.parametrize("k", [0, 3])
def test_the_reference_is_always_a_negative_and_the_mined_come_with_it(world, backbone, k):
    photos, sentences = world
    negatives = None
    if k:
        rows = np.random.default_rng(2).integers(0, len(photos.keys), (len(photos), k))
        vectors = np.concatenate([np.zeros((1, DIM), np.float32), photos.vectors[1:]])
        negatives = Fixed(Mined(rows, vectors))
    task, reader = task_of(world, backbone, negatives, temperature=0.3)
    loss = task.losses(2)["loss"]
    rows = photos.batch_rows(2, 32, 0)
    questions = photos.questions[rows]
    read = reader.read(
        sentences.tokens[photos.references[questions]], [photos.modifiers[q] for q in questions]
    )
    others = photos.vectors[photos.references[questions]][:, None]
    absent = np.zeros((32, 1), bool)
    if k:
        mined = negatives.mined.rows[questions]
        others = np.concatenate([others, negatives.mined.vectors[mined]], axis=1)
        absent = np.concatenate([absent, mined == 0], axis=1)
    targets = photos.targets[rows]
    right = np.array([[t in photos.answers(q) for t in targets] for q in questions])
    assert right.sum() > 32  # some targets answer several questions of the batch
    wanted = composing_nce(
        read,
        torch.from_numpy(photos.vectors[targets]),
        0.3,
        right=torch.from_numpy(right),
        others=torch.from_numpy(others),
        absent=torch.from_numpy(absent),
    )
    torch.testing.assert_close(loss, wanted)


class Drawn:
    """Negatives for all questions, two of which answer the first of each batch."""

    def __init__(self, vectors):
        self.vectors = vectors
        self.steps = []

    def of(self, step, questions):
        self.steps.append(step)
        right = np.zeros((len(questions), len(self.vectors)), bool)
        right[0, :2] = True
        return self.vectors, right


def test_random_negatives_stand_against_every_question(world, backbone):
    photos, _ = world
    memory = Drawn(unit(np.random.default_rng(5).standard_normal((9, DIM))))
    with_them, _ = task_of(world, backbone, memory=memory)
    alone, _ = task_of(world, backbone)
    loss, less = with_them.losses(4)["loss"], alone.losses(4)["loss"]
    assert memory.steps == [4]
    rows = photos.batch_rows(4, 32, 0)
    queries = torch.from_numpy(alone._composed(photos.questions[rows]))
    targets = torch.from_numpy(photos.vectors[photos.targets[rows]])
    against = (queries @ torch.from_numpy(memory.vectors).T / 0.1).exp()
    against[0, :2] = 0
    one = composing_nce(queries[3:4], targets[3:4], 0.1, memory=torch.from_numpy(memory.vectors))
    own = ((queries[3] @ targets[3]) / 0.1).exp()
    torch.testing.assert_close(one, -torch.log(own / (own + against[3].sum())))
    assert loss > less


def test_negatives_are_asked_for_by_epoch_with_the_queries_as_they_are(world, backbone):
    photos, sentences = world
    negatives = Fixed(Mined(np.zeros((len(photos), 1), np.int64), np.zeros((1, DIM), np.float32)))
    task, reader = task_of(world, backbone, negatives)
    for step in (0, task.steps_per_epoch - 1, task.steps_per_epoch):
        task.losses(step)
    assert negatives.epochs == [0, 0, 1]
    asked = reader.read(
        sentences.tokens[photos.references[[3, 5]]], [photos.modifiers[q] for q in (3, 5)]
    )
    np.testing.assert_allclose(negatives.queries, unit(asked.detach().numpy()), atol=1e-5)


def test_the_measure_removes_the_reference_and_passes_over_other_right_answers(world, backbone):
    photos, _ = world
    task, _ = task_of(world, backbone)
    held = photos.held_out
    # first the target itself; then the reference, or another picture, a little nearer than it
    queries = photos.vectors[photos.targets[held]]
    task._composed = lambda questions: queries[np.searchsorted(held, questions)]
    measured = task.measure()
    assert [measured[name] for name in ("MRR", "R@1", "R@10")] == [1.0, 1.0, 1.0]
    likely = []
    for query, row in zip(queries, held, strict=True):
        apart = {int(photos.references[row]), *photos.answers(int(photos.questions[row])).tolist()}
        rest = [other for other in range(len(photos.keys)) if other not in apart]
        scores = np.exp(photos.vectors[[photos.targets[row], *rest]] @ query / 0.1)
        likely.append(np.log(scores[0] / scores.sum()))
    assert measured["log-likelihood"] == pytest.approx(np.mean(likely), rel=1e-3)
    queries = unit(queries + 1.1 * photos.vectors[photos.references[held]])
    assert ((queries @ photos.vectors.T).argmax(axis=1) < 8).mean() > 0.5
    assert task.measure()["R@1"] == 1.0
    queries = unit(photos.vectors[photos.targets[held]] + 1.1 * photos.vectors[[40]])
    measured = task.measure()
    assert [measured[name] for name in ("MRR", "R@1", "R@10")] == [0.5, 0.0, 1.0]
    task._memory = SimpleNamespace(others=photos.vectors[[40]])  # another such photo elsewhere
    assert task.measure()["MRR"] == pytest.approx(1 / 3)
    task._memory = None
    more = TripletPhotos(
        **{name: getattr(photos, name) for name in photos.__dataclass_fields__ if name[0] != "_"}
        | {
            "questions": np.append(photos.questions, held),
            "targets": np.append(photos.targets, np.full(len(held), 40)),
        }
    )
    task._photos = more
    assert task.measure()["R@1"] == 1.0

"""The loss of composing, worked out again in numpy."""

import numpy as np
import pytest
import torch

from isa_cli.training.losses import composing_nce

B, M, D, TAU = 5, 3, 7, 0.2


def rows(seed, *shape):
    return np.random.default_rng(seed).standard_normal((*shape, D))


def reference(queries, targets, right, others, absent):
    """The formula, one question and one candidate at a time."""

    def cosine(one, other):
        return one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    losses = []
    for i in range(len(queries)):
        own = np.exp(cosine(queries[i], targets[i]) / TAU)
        against = [cosine(queries[i], targets[j]) for j in range(B) if j != i and not right[i, j]]
        against += [cosine(queries[i], others[i, m]) for m in range(M) if not absent[i, m]]
        losses.append(-np.log(own / (own + np.exp(np.array(against) / TAU).sum())))
    return np.mean(losses)


@pytest.fixture
def batch():
    right = np.eye(B, dtype=bool)
    right[0, 3] = right[2, 1] = True
    absent = np.zeros((B, M), bool)
    absent[1, 2] = absent[4] = True
    return rows(0, B), rows(1, B), right, rows(2, B, M), absent


def ours(queries, targets, right, others, absent):
    given = [torch.from_numpy(array).float() for array in (queries, targets, others)]
    masks = torch.from_numpy(right), torch.from_numpy(absent)
    return composing_nce(*given[:2], TAU, right=masks[0], others=given[2], absent=masks[1]).item()


def test_it_is_what_the_formula_says(batch):
    assert ours(*batch) == pytest.approx(reference(*batch), rel=1e-5)


def test_a_memory_is_the_same_as_those_negatives_in_every_row(batch):
    queries, targets, right, *_ = batch
    memory, known = rows(4, 6), np.zeros((B, 6), bool)
    known[1, 2] = known[3] = True
    given = [torch.from_numpy(array).float() for array in (queries, targets, memory)]
    masks = [torch.from_numpy(mask) for mask in (right, known)]
    shared = composing_nce(*given[:2], TAU, right=masks[0], memory=given[2], known=masks[1])
    each = given[2].expand(B, -1, -1)
    apart = composing_nce(*given[:2], TAU, right=masks[0], others=each, absent=masks[1])
    torch.testing.assert_close(shared, apart)


@pytest.mark.parametrize("which", ["right", "absent"])
def test_every_mask_takes_negatives_away(batch, which):
    queries, targets, right, others, absent = batch
    unmasked = {"right": np.eye(B, dtype=bool), "absent": np.zeros((B, M), bool)}
    masks = {"right": right, "absent": absent} | {which: unmasked[which]}
    more = ours(queries, targets, masks["right"], others, masks["absent"])
    assert more > ours(*batch) + 1e-3


def test_a_right_answer_that_is_masked_gets_no_gradient(batch):
    queries, targets, right, *_ = batch
    right = right.copy()
    right[:, 3] = True
    leaf = torch.from_numpy(targets).float().requires_grad_()
    left = torch.from_numpy(right)
    loss = composing_nce(torch.from_numpy(queries).float(), leaf, TAU, right=left)
    loss.backward()
    # as a target of its own question alone
    own = torch.from_numpy(targets).float().requires_grad_()
    scores = torch.nn.functional.cosine_similarity(
        torch.from_numpy(queries).float()[3:4, None], own[None], dim=-1
    )
    torch.nn.functional.cross_entropy(
        (scores / TAU).masked_fill(left[3:4] & (torch.arange(B) != 3), -torch.inf),
        torch.tensor([3]),
    ).backward()
    torch.testing.assert_close(leaf.grad[3], own.grad[3] / B)


def test_without_negatives_of_its_own_it_is_the_batch_alone(batch):
    queries, targets, right, others, _ = batch
    none = np.ones((B, M), bool)
    alone = composing_nce(
        *(torch.from_numpy(array).float() for array in (queries, targets)),
        TAU,
        right=torch.from_numpy(right),
    )
    assert ours(queries, targets, right, others, none) == pytest.approx(alone.item(), rel=1e-6)


def test_lengths_do_not_matter(batch):
    queries, targets, right, others, absent = batch
    assert ours(3 * queries, 0.1 * targets, right, 7 * others, absent) == pytest.approx(
        ours(*batch), rel=1e-5
    )


def test_half_precision_outside_changes_nothing(batch):
    with torch.autocast("cpu", torch.bfloat16):
        inside = ours(*batch)
    assert inside == ours(*batch)


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 0.0},
        {"targets": torch.ones(B - 1, D)},
        {"right": torch.ones(B, B - 1, dtype=torch.bool)},
        {"right": torch.ones(B, B)},
        {"others": torch.ones(B, M, D), "absent": torch.ones(B, B, dtype=torch.bool)},
    ],
    ids=["temperature", "shape", "mask", "mask's type", "absent"],
)
def test_what_makes_no_sense_is_a_mistake(given):
    whole = {"queries": torch.ones(B, D), "targets": torch.ones(B, D), "temperature": 1.0} | given
    with pytest.raises(ValueError, match="must be"):
        composing_nce(**whole)

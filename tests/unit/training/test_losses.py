"""Each loss equals plain loops over its formula, and its gradient is the slope."""

from __future__ import annotations

import math

import pytest
import torch

from isa_cli.training import losses
from isa_cli.training.losses import gcd, info_nce, lar, local_similarity, soft_alignment

B, D, L, P, M, K = 4, 6, 3, 5, 7, 9


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=-1, keepdim=True)


def _cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    a, b = a.tolist(), b.tolist()
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def _minus_log_share(right: float, others: list[float]) -> float:
    return -math.log(math.exp(right) / (math.exp(right) + sum(map(math.exp, others))))


def _slow_info_nce(score, count, tau, extra=None) -> float:
    """Over score(i, j), with ``extra(i)`` more scores against row i."""
    total = 0.0
    for i in range(count):
        row = [score(i, j) / tau for j in range(count) if j != i]
        row += [s / tau for s in extra(i)] if extra else []
        column = [score(j, i) / tau for j in range(count) if j != i]
        right = score(i, i) / tau
        total += (_minus_log_share(right, row) + _minus_log_share(right, column)) / 2
    return total / count


@pytest.fixture
def pairs():
    return _random(B, D), _random(B, D, seed=1)


@pytest.fixture
def memory():
    return _random(M, D, seed=2)


@pytest.fixture
def own():
    mask = torch.zeros(B, M, dtype=torch.bool)
    mask[0, 3] = mask[2, 0] = mask[2, 6] = True
    return mask


@pytest.fixture
def patches():
    return _random(B, L, D, seed=3), _random(B, P, D, seed=4)


@pytest.fixture
def phrases():
    return _random(K, D, seed=6)


@pytest.mark.parametrize("tau", [1.0, 0.2])
def test_gcd_is_its_formula(pairs, tau):
    a, b = pairs
    slow = _slow_info_nce(lambda i, j: _cosine(a[i], b[j]), B, tau)
    assert float(gcd(a, b, tau)) == pytest.approx(slow, rel=1e-9)
    assert float(info_nce(_unit(a), _unit(b), tau)) == pytest.approx(slow, rel=1e-9)


def test_gcd_against_a_memory_is_its_formula(pairs, memory, own):
    a, b = pairs

    def extra(i):
        return [_cosine(a[i], memory[m]) for m in range(M) if not own[i, m]]

    slow = _slow_info_nce(lambda i, j: _cosine(a[i], b[j]), B, 0.3, extra)
    assert float(gcd(a, b, 0.3, memory, own)) == pytest.approx(slow, rel=1e-9)
    unit = (_unit(a), _unit(b), 0.3, _unit(memory), own)
    assert float(info_nce(*unit)) == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize("tau", [1.0, 0.2])
def test_lar_is_its_formula(patches, tau):
    slots, seen = patches

    def score(i, j):
        best = [max(_cosine(slots[i, t], seen[j, p]) for p in range(P)) for t in range(L)]
        return sum(best) / L

    similarity = local_similarity(slots, seen)
    expected = [[score(i, j) for j in range(B)] for i in range(B)]
    torch.testing.assert_close(similarity, torch.tensor(expected, dtype=torch.float64))
    assert float(lar(slots, seen, tau)) == pytest.approx(_slow_info_nce(score, B, tau), rel=1e-9)


@pytest.mark.parametrize("tau", [1.0, 0.2])
def test_soft_alignment_is_its_formula(pairs, phrases, tau):
    text, image = pairs

    def shares(row):
        weights = [math.exp(_cosine(row, phrase) / tau) for phrase in phrases]
        return [weight / sum(weights) for weight in weights]

    slow = 0.0
    for t, v in zip(text, image, strict=True):
        slow += sum(p * math.log(p / q) for p, q in zip(shares(v), shares(t), strict=True)) / B
    assert float(soft_alignment(text, image, phrases, tau)) == pytest.approx(slow, rel=1e-9)


# --- gradients ---


def test_gradients_of_gcd(pairs, memory, own):
    a, b = (rows.requires_grad_() for rows in pairs)
    tau = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *x: gcd(*x, memory, own), (a, b, tau))
    assert torch.autograd.gradcheck(gcd, (a, b, tau))


def test_gradients_of_lar(patches):
    slots, seen = (rows.requires_grad_() for rows in patches)
    tau = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lar, (slots, seen, tau))


def test_gradients_of_soft_alignment(pairs, phrases):
    text, image = pairs
    text.requires_grad_()
    tau = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda t, tau: soft_alignment(t, image, phrases, tau), (text, tau)
    )
    image.requires_grad_()
    soft_alignment(text, image, phrases, 0.5).backward()
    assert image.grad is None  # it is what is wanted


def test_an_image_that_is_masked_out_gets_no_gradient(pairs, memory):
    memory.requires_grad_()
    mask = torch.ones(B, M, dtype=torch.bool)
    mask[1, 2] = False
    gcd(*pairs, 0.5, memory, mask).backward()
    assert memory.grad.norm(dim=-1).nonzero().flatten().tolist() == [2]


# --- what must not matter, and what must ---


def test_the_order_of_the_batch_does_not_matter(pairs, memory, own, patches, phrases):
    order = torch.tensor([2, 0, 3, 1])
    a, b = pairs
    slots, seen = patches
    torch.testing.assert_close(gcd(a[order], b[order], 0.3), gcd(a, b, 0.3))
    torch.testing.assert_close(
        gcd(a[order], b[order], 0.3, memory, own[order]), gcd(a, b, 0.3, memory, own)
    )
    torch.testing.assert_close(lar(slots[order], seen[order], 0.3), lar(slots, seen, 0.3))
    torch.testing.assert_close(lar(slots.flip(1), seen.flip(1), 0.3), lar(slots, seen, 0.3))
    soft = soft_alignment(a, b, phrases, 0.3)
    torch.testing.assert_close(soft_alignment(a[order], b[order], phrases.flip(0), 0.3), soft)


def test_lengths_do_not_matter(pairs, memory, patches, phrases):
    a, b = pairs
    slots, seen = patches
    torch.testing.assert_close(gcd(3 * a, b / 7, 0.3, 5 * memory), gcd(a, b, 0.3, memory))
    torch.testing.assert_close(lar(3 * slots, seen / 7, 0.3), lar(slots, seen, 0.3))
    soft = soft_alignment(a, b, phrases, 0.3)
    torch.testing.assert_close(soft_alignment(3 * a, b / 7, 5 * phrases, 0.3), soft)


def test_without_a_memory_both_sides_count_alike(pairs):
    a, b = pairs
    torch.testing.assert_close(gcd(a, b, 0.3), gcd(b, a, 0.3))


def test_temperature_divides_the_scores(pairs):
    a, b = map(_unit, pairs)
    torch.testing.assert_close(info_nce(a, b, 0.25), info_nce(2 * a, 2 * b, 1.0))
    torch.testing.assert_close(info_nce(a, b, 1e6), torch.tensor(math.log(B), dtype=torch.float64))


def test_perfect_pairs_cost_nothing_and_swapped_ones_a_lot():
    rows = torch.eye(B)
    assert float(gcd(rows, rows, 0.05)) < 1e-6
    assert float(gcd(rows, rows.roll(1, 0), 0.05)) > 10
    parts = rows[:, None]  # (B, 1, D)
    assert float(lar(parts, parts, 0.05)) < 1e-6
    assert float(lar(parts, parts.roll(1, 0), 0.05)) > 10


def test_who_stands_among_phrases_as_the_picture_does_pays_nothing(pairs, phrases):
    a, b = pairs
    assert float(soft_alignment(b, b, phrases, 0.05)) == pytest.approx(0, abs=1e-12)
    assert float(soft_alignment(a, b, phrases, 0.05)) > 0.1
    assert float(soft_alignment(a, b, phrases, 1e6)) == pytest.approx(0, abs=1e-9)
    # a direction in which no phrase lies says nothing about a picture
    flat = phrases.clone()
    flat[:, 0] = 0
    turned = torch.nn.functional.normalize(b, dim=-1)
    turned[:, 0] *= -1
    assert float(soft_alignment(turned, b, flat, 0.05)) == pytest.approx(0, abs=1e-12)


def test_a_memory_of_nothing_or_of_own_images_only_changes_nothing(pairs, memory):
    a, b = pairs
    torch.testing.assert_close(gcd(a, b, 0.3, memory[:0]), gcd(a, b, 0.3))
    everything = torch.ones(B, M, dtype=torch.bool)
    torch.testing.assert_close(gcd(a, b, 0.3, memory, everything), gcd(a, b, 0.3))


def test_more_negatives_cost_more_and_one_image_alone_costs_nothing(pairs, memory):
    a, b = pairs
    assert float(gcd(a, b, 0.3, memory)) > float(gcd(a, b, 0.3, memory[:2])) > float(gcd(a, b, 0.3))
    assert float(gcd(a[:1], b[:1], 0.3)) == 0
    assert float(gcd(a[:1], b[:1], 0.3, memory)) > 0


# --- numbers and sizes ---


@pytest.mark.parametrize("chunk", [1, L * P * B, 2 * L * P * B + 1, 10**9])
def test_chunks_change_neither_values_nor_gradients(patches, chunk):
    slots, seen = (rows.requires_grad_() for rows in patches)
    whole = local_similarity(slots, seen)
    parts = local_similarity(slots, seen, chunk)
    torch.testing.assert_close(parts, whole)
    weights = _random(B, B, seed=5)
    for ours, exact in zip(
        torch.autograd.grad((parts * weights).sum(), (slots, seen)),
        torch.autograd.grad((whole * weights).sum(), (slots, seen)),
        strict=True,
    ):
        torch.testing.assert_close(ours, exact)


def test_no_more_cosines_than_a_chunk_exist_or_are_kept_for_the_gradient(monkeypatch):
    many = 50
    slots = _random(B, L, 2).requires_grad_()
    seen = _random(B, many, 2, seed=1).requires_grad_()
    made, kept = [], []
    einsum = torch.einsum

    def counting(*args):
        made.append(einsum(*args))
        return made[-1]

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    monkeypatch.setattr(losses.torch, "einsum", counting)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        local_similarity(slots, seen, chunk=2 * B * L * many)
    assert [tuple(part.shape) for part in made] == [(B, L, 2, many)] * 2
    assert max(kept) <= seen.numel() < made[0].numel()


def test_half_precision_is_reckoned_in_full(pairs, memory, patches, phrases):
    a, b = (rows.bfloat16() for rows in pairs)
    exact = gcd(a.float(), b.float(), 0.02, memory.half().float())
    ours = gcd(a, b, 0.02, memory.half())
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, exact)
    wide = soft_alignment(a.float(), b.float(), phrases.float(), 0.02)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(soft_alignment(a, b, phrases.float(), 0.02), wide)
    slots, seen = (rows.half() for rows in patches)
    torch.testing.assert_close(lar(slots, seen, 0.02), lar(slots.float(), seen.float(), 0.02))


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: gcd(a, b[:3], 1.0),
        lambda a, b: gcd(a[0], b[0], 1.0),
        lambda a, b: gcd(a, b, 0.0),
        lambda a, b: gcd(a, b, -1.0),
        lambda a, b: gcd(a, b, float("nan")),
        lambda a, b: gcd(a, b, 1.0, None, torch.zeros(B, M, dtype=torch.bool)),
        lambda a, b: gcd(a, b, 1.0, b, torch.zeros(B, M, dtype=torch.bool)),
        lambda a, b: gcd(a, b, 1.0, b, torch.zeros(B, B)),
        lambda a, b: soft_alignment(a, b[:3], b, 1.0),
        lambda a, b: soft_alignment(a, b, b[0], 1.0),
        lambda a, b: soft_alignment(a, b, b, 0.0),
        lambda a, b: lar(a, b, 1.0),
        lambda a, b: lar(a[:, None], b[:3, None], 1.0),
        lambda a, b: lar(a[:, None], b[:, None], 0.0),
    ],
)
def test_wrong_arguments_are_a_programmers_mistake(pairs, call):
    with pytest.raises(ValueError, match=r"must|no memory"):
        call(*pairs)

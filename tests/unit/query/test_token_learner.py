"""The token learner against a slow reference written from the formulas, one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from isa_cli.query.token_learner import TokenLearner

B, C, H, W, D, L, E, HEADS = 2, 3, 2, 3, 4, 3, 5, 2


@pytest.fixture
def learner():
    """One with two blocks, whose every number is random, norms and statistics too."""
    torch.manual_seed(0)
    learner = TokenLearner(C, width=D, tokens=L, out=E, blocks=2, heads=HEADS).double()
    with torch.no_grad():
        for value in (*learner.parameters(), *learner.buffers()):
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.1)
    return learner.eval()


def _softmax(values):
    powers = [math.exp(value - max(values)) for value in values]
    return [power / sum(powers) for power in powers]


def _affine(weight, bias, row):
    return [
        sum(w * v for w, v in zip(weights, row, strict=True)) + offset
        for weights, offset in zip(weight, bias, strict=True)
    ]


def _layer_norm(norm, row):
    mean = sum(row) / len(row)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in row) / len(row) + norm.eps)
    weight, bias = norm.weight.tolist(), norm.bias.tolist()
    return [(v - mean) / deviation * w + b for v, w, b in zip(row, weight, bias, strict=True)]


def _attention(layer, queries, memory):
    """Multi-head attention of rows over rows, head by head and pair by pair."""
    weight, bias = layer.in_proj_weight.tolist(), layer.in_proj_bias.tolist()
    q = [_affine(weight[:D], bias[:D], row) for row in queries]
    k = [_affine(weight[D : 2 * D], bias[D : 2 * D], row) for row in memory]
    v = [_affine(weight[2 * D :], bias[2 * D :], row) for row in memory]
    size = D // HEADS
    rows = []
    for query in q:
        mixed = []
        for head in range(0, D, size):
            part = slice(head, head + size)
            scores = [
                sum(a * b for a, b in zip(query[part], key[part], strict=True)) / math.sqrt(size)
                for key in k
            ]
            shares = _softmax(scores)
            mixed.extend(
                sum(s * row[place] for s, row in zip(shares, v, strict=True))
                for place in range(head, head + size)
            )
        rows.append(_affine(layer.out_proj.weight.tolist(), layer.out_proj.bias.tolist(), mixed))
    return rows


def _plus(rows, more):
    return [[a + b for a, b in zip(x, y, strict=True)] for x, y in zip(rows, more, strict=True)]


def _gelu(value):
    return value * 0.5 * (1 + math.erf(value / math.sqrt(2)))


def _block(block, z, x):
    before_self, before_cross, before_ffn = block.norms
    normed = [_layer_norm(before_self, row) for row in z]
    z = _plus(z, _attention(block.self_attention, normed, normed))
    z = _plus(z, _attention(block.cross_attention, [_layer_norm(before_cross, r) for r in z], x))
    up, _, down = block.ffn
    out = []
    for row in z:
        hidden = _affine(up.weight.tolist(), up.bias.tolist(), _layer_norm(before_ffn, row))
        hidden = [_gelu(value) for value in hidden]
        out.append(_affine(down.weight.tolist(), down.bias.tolist(), hidden))
    return _plus(z, out)


def _reference(learner, features):
    """Return (L, E) tokens and (L, HW) shares for one map (C, H, W)."""
    pixels = features.flatten(1).T.tolist()  # HW rows of C
    norm = learner.norm
    x = []
    for pixel in pixels:
        projected = _affine(learner.project.weight.flatten(1).tolist(), [0.0] * D, pixel)
        x.append(
            [
                (v - m) / math.sqrt(s + norm.eps) * w + b
                for v, m, s, w, b in zip(
                    projected,
                    norm.running_mean.tolist(),
                    norm.running_var.tolist(),
                    norm.weight.tolist(),
                    norm.bias.tolist(),
                    strict=True,
                )
            ]
        )
    groups = learner.groups
    shares = [
        _softmax(_affine(groups.weight.flatten(1).tolist(), groups.bias.tolist(), row)) for row in x
    ]  # HW rows of L
    z = []
    for group in range(L):
        total = sum(share[group] for share in shares)
        z.append(
            [
                sum(share[group] * row[d] for share, row in zip(shares, x, strict=True)) / total
                for d in range(D)
            ]
        )
    for block in learner.blocks:
        z = _block(block, z, x)
    words = learner.words
    linear = words.linear
    tokens = [
        _affine(linear.weight.tolist(), linear.bias.tolist(), _layer_norm(words.norm, row))
        for row in z
    ]
    if words.fixed_length:
        tokens = [[float(words.length) * e / math.hypot(*row) for e in row] for row in tokens]
    return tokens, np.array(shares).T


def test_it_is_what_the_formulas_say(learner):
    torch.manual_seed(1)
    features = torch.randn(B, C, H, W, dtype=torch.float64)
    with torch.no_grad():
        tokens, attention, _ = learner(features)
    assert tokens.shape == (B, L, E)
    assert attention.shape == (B, L, H, W)
    for number in range(B):
        expected, shares = _reference(learner, features[number])
        np.testing.assert_allclose(tokens[number].numpy(), expected, rtol=1e-10)
        np.testing.assert_allclose(attention[number].flatten(1).numpy(), shares, rtol=1e-10)


@pytest.mark.parametrize("tokens", [1, 2, 6, 12])
def test_each_pixel_is_shared_out_whole(tokens):
    torch.manual_seed(0)
    learner = TokenLearner(8, width=16, tokens=tokens, out=10)
    sentence = learner(torch.randn(3, 8, 4, 5))
    assert sentence.tokens.shape == (3, tokens, 10)
    assert torch.allclose(sentence.attention.sum(dim=1), torch.ones(3, 4, 5), atol=1e-6)
    assert (sentence.attention >= 0).all()


def test_a_group_that_no_pixel_belongs_to_is_harmless():
    learner = TokenLearner(8, width=16, tokens=3, out=10)
    with torch.no_grad():
        learner.groups.bias.copy_(torch.tensor([0.0, 0.0, -1000.0]))
    sentence = learner(torch.randn(2, 8, 4, 4))
    assert sentence.attention[:, 2].max() == 0
    sentence.tokens.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in learner.parameters() if p.grad is not None)


@pytest.mark.parametrize("mean_norm", [0.4, 9.0])
@pytest.mark.parametrize("fixed_length", [True, False])
def test_the_sentence_starts_as_long_as_real_words(mean_norm, fixed_length):
    torch.manual_seed(0)
    learner = TokenLearner(32, width=64, tokens=6, out=192, fixed_length=fixed_length)
    learner.scale_(mean_norm).eval()
    with torch.no_grad():
        tokens = learner(torch.randn(64, 32, 7, 7)).tokens
    assert tokens.norm(dim=-1).mean() == pytest.approx(mean_norm, rel=0.15)
    again = learner.words.linear.weight.clone()
    learner.scale_(mean_norm)
    assert torch.allclose(learner.words.linear.weight, again)


@pytest.mark.parametrize("fixed_length", [True, False])
def test_training_changes_the_length_of_free_words_alone(fixed_length):
    torch.manual_seed(0)
    learner = TokenLearner(8, width=16, tokens=3, out=12, fixed_length=fixed_length).scale_(0.5)
    with torch.no_grad():
        learner.words.linear.weight.mul_(7)  # as training may
    lengths = learner(torch.randn(2, 8, 3, 3)).tokens.norm(dim=-1)
    assert bool((lengths.sub(0.5).abs() < 1e-5).all()) == fixed_length


def test_every_part_learns():
    torch.manual_seed(0)
    learner = TokenLearner(8, width=16, tokens=4, out=10, blocks=2)
    learner(torch.randn(4, 8, 3, 3)).tokens.square().mul(torch.rand(10)).sum().backward()
    still = [
        name
        for name, parameter in learner.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert still == []


def test_the_tokens_of_one_picture_differ():
    torch.manual_seed(0)
    tokens = TokenLearner(32, width=64, tokens=6, out=48).eval()(torch.randn(1, 32, 7, 7)).tokens[0]
    gaps = torch.cdist(tokens, tokens) + torch.eye(6)
    assert gaps.min() > 0.01 * tokens.norm(dim=-1).mean()

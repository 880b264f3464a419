"""Every mapper behind one interface."""

from __future__ import annotations

import pytest
import torch

from isa_cli.errors import UsageError
from isa_cli.query.header import MapperConfig
from isa_cli.query.importing import PublishedMapper
from isa_cli.query.mappers import PooledMapper, build_mapper
from isa_cli.query.token_learner import TokenLearner


@pytest.mark.parametrize("tokens", [1, 4])
@pytest.mark.parametrize("kind", ["token-learner", "mlp"])
def test_both_kinds_write_sentences_of_the_length_asked_for(kind, tokens):
    config = MapperConfig(kind, channels=8, out=10, tokens=tokens, width=16, blocks=1, heads=2)
    sentence = build_mapper(config)(torch.randn(3, 8, 4, 4))
    assert sentence.tokens.shape == (3, tokens, 10)
    assert (sentence.attention is None) == (kind == "mlp")


def test_the_config_decides_everything():
    small = MapperConfig("token-learner", channels=8, out=10, tokens=3, width=16, blocks=2, heads=8)
    learner = build_mapper(small)
    assert isinstance(learner, TokenLearner)
    assert learner.project.weight.shape == (16, 8, 1, 1)
    assert learner.groups.out_channels == 3
    assert len(learner.blocks) == 2
    assert learner.blocks[0].self_attention.num_heads == 8
    assert learner.words.linear.out_features == 10


def test_the_mlp_sees_the_mean_alone():
    torch.manual_seed(0)
    mapper = PooledMapper(8, width=16, tokens=2, out=10).eval()
    features = torch.randn(2, 8, 3, 3)
    shuffled = features.flatten(2)[:, :, torch.randperm(9)].unflatten(2, (3, 3))
    with torch.no_grad():
        assert torch.allclose(mapper(features).tokens, mapper(shuffled).tokens, atol=1e-5)
        flat = mapper.mlp(features.mean(dim=(2, 3)))
        first = mapper.words(flat)[:, :10]  # the first token is the first E numbers
        assert torch.allclose(mapper(features).tokens[:, 0], first)


@pytest.mark.parametrize("tokens", [1, 6])
def test_the_mlps_sentence_starts_as_long_as_real_words(tokens):
    torch.manual_seed(0)
    mapper = PooledMapper(32, width=64, tokens=tokens, out=192).scale_(0.4).eval()
    with torch.no_grad():
        lengths = mapper(torch.randn(64, 32, 7, 7)).tokens.norm(dim=-1)
    assert lengths.mean() == pytest.approx(0.4, rel=0.15)


@pytest.mark.parametrize("kind", ["published-phi", "published-im2text"])
def test_published_networks_are_built_from_a_config_too(kind):
    config = MapperConfig(kind, channels=8, out=10, tokens=1, width=16, blocks=2, heads=1)
    mapper = build_mapper(config)
    assert isinstance(mapper, PublishedMapper)
    assert mapper(torch.randn(3, 8)).tokens.shape == (3, 1, 10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "transformer"}, "no mapper"),
        ({"tokens": 0}, "at least 1"),
        ({"width": 18}, "heads"),
        ({"blocks": -1}, "at least"),
    ],
)
def test_what_can_not_be_built_is_refused(change, said):
    plain = {"kind": "token-learner", "channels": 8, "out": 10, "width": 16}
    with pytest.raises(UsageError, match=said):
        build_mapper(MapperConfig(**(plain | change)))

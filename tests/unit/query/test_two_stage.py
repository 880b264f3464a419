"""Injection and adapters: nothing at the start, only where they belong, and all of it learned."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.errors import ModelError, UsageError
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import QueryModel, load, save
from isa_cli.query.composers import Calibration
from isa_cli.query.header import AdaptersConfig, Header, InjectionConfig, MapperConfig
from isa_cli.query.hooks import check_layers, fed, hooked, layers_of, state_width
from isa_cli.query.injection import Injection
from isa_cli.query.isa import IsaComposer
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader, reader_of
from isa_cli.query.tuned import Choice, kept
from isa_cli.types import EmbeddingSpace, Query
from tests.towers import FAMILIES

INJECTION = InjectionConfig(layers=(1, 2), channels=6, width=32, heads=2)
ADAPTERS = AdaptersConfig(layers=(0, 1, 2), width=32, bottleneck=4)
MODIFIERS = ["", "without sleeves, and in a darker blue than before", "at night"]


def trained(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Return the module with no weight left at zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape))
    return module.requires_grad_(False)


def tower(backbone):
    return getattr(backbone.network, "text", backbone.network)


def read(backbone, sentences, features=None, modifiers=MODIFIERS, **parts):
    reader = SentenceReader(backbone, Template(), sentences.shape[1], **parts)
    return reader.read(sentences, modifiers, features)


@pytest.fixture
def sentences():
    return torch.randn(3, 4, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def features():
    return torch.randn(3, 6, 2, 5, generator=torch.Generator().manual_seed(2))


# --- nothing at the start ---


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_untrained_they_change_no_bit(backbones, name, sentences, features):
    backbone = backbones(name)
    plain = read(backbone, sentences)
    parts = {"injection": Injection(INJECTION), "adapters": Adapters(ADAPTERS)}
    assert torch.equal(read(backbone, sentences, features, **parts), plain)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("part", ["injection", "adapters"])
@torch.no_grad()
def test_trained_each_changes_what_is_read(backbones, name, part, sentences, features):
    backbone = backbones(name)
    made = Injection(INJECTION) if part == "injection" else Adapters(ADAPTERS)
    changed = read(backbone, sentences, features, **{part: trained(made)})
    assert (changed - read(backbone, sentences)).norm(dim=-1).min() > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_cutting_the_padding_makes_no_difference_to_them(backbones, name, sentences, features):
    parts = {"injection": trained(Injection(INJECTION)), "adapters": trained(Adapters(ADAPTERS))}
    cut, whole = (
        read(backbones(name), sentences, features, trim=trim, **parts) for trim in (True, False)
    )
    torch.testing.assert_close(cut, whole, atol=1e-4, rtol=1e-4)


# --- only where they belong ---


@settings(max_examples=25, deadline=None)
@given(
    slots=st.lists(st.lists(st.integers(0, 8), min_size=2, max_size=2, unique=True), min_size=1),
    layer=st.sampled_from([1, 2]),
)
@torch.no_grad()
def test_an_injection_changes_its_slots_and_nothing_else(slots, layer):
    index = torch.tensor(slots)
    generator = torch.Generator().manual_seed(len(slots))
    states = torch.randn(len(slots), 9, 32, generator=generator)
    features = torch.randn(len(slots), 6, 3, 2, generator=generator)
    after = trained(Injection(INJECTION))(layer, states, index, features)
    moved = (after != states).any(dim=-1)
    expected = torch.zeros_like(moved).scatter(1, index, value=True)
    assert torch.equal(moved, expected)


@torch.no_grad()
def test_an_injection_is_gated_cross_attention(features):
    injection = trained(Injection(INJECTION))
    states = torch.randn(3, 5, 32)
    slots = torch.tensor([[0, 1], [2, 3], [3, 4]])
    look = injection.layers["2"]
    rows = torch.arange(3)[:, None]
    words = states[rows, slots]
    pixels = features.flatten(2).transpose(1, 2)  # (B, 10, 6)
    x = look.project[1](torch.nn.functional.layer_norm(
        pixels, (6,), look.project[0].weight, look.project[0].bias
    ))  # fmt: skip
    query = torch.nn.functional.layer_norm(words, (32,), look.norm.weight, look.norm.bias)
    weight, bias = look.attention.in_proj_weight, look.attention.in_proj_bias
    q, k, v = (
        (given @ weight[at : at + 32].T + bias[at : at + 32]).unflatten(-1, (2, 16)).transpose(1, 2)
        for given, at in ((query, 0), (x, 32), (x, 64))
    )
    heads = (q @ k.transpose(-1, -2) / 4).softmax(dim=-1) @ v  # (B, 2, L, 16)
    seen = look.attention.out_proj(heads.transpose(1, 2).flatten(2))
    after = injection(2, states, slots, features)
    expected = words + np.tanh(float(look.gate)) * seen
    torch.testing.assert_close(after[rows, slots], expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_plain_texts_pass_as_they_are(clip, sentences, features):
    texts = ["a red dog", "at night"]
    before = BackboneTextEncoder(clip).encode_text(texts)
    during = []

    def elsewhere():
        during.append(BackboneTextEncoder(clip).encode_text(texts))

    def meanwhile(*_):
        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()

    handle = clip.network.transformer.register_forward_pre_hook(meanwhile)
    parts = {"injection": trained(Injection(INJECTION)), "adapters": trained(Adapters(ADAPTERS))}
    read(clip, sentences, features, **parts)
    handle.remove()
    after = BackboneTextEncoder(clip).encode_text(texts)
    assert len(during) == 1
    for vectors in (*during, after):
        np.testing.assert_array_equal(vectors, before)
    hooks = [m._forward_hooks | m._forward_pre_hooks for m in clip.network.modules()]
    assert not any(hooks)


def test_an_injection_without_a_picture_is_refused(clip, sentences):
    with pytest.raises(ValueError, match="feature maps"):
        read(clip, sentences, injection=Injection(INJECTION))


def test_hooks_see_the_first_of_several_outputs():
    class Pair(torch.nn.Module):
        def forward(self, x):
            return x, "more"

    pair = Pair()
    with hooked(pair, lambda x: x + 1):
        assert pair(torch.zeros(()))[0] == 1
        assert pair(torch.zeros(()))[1] == "more"
    with hooked(pair, lambda _: None):
        assert pair(torch.zeros(()))[0] == 0
    with fed(pair, lambda x: x + 2):
        assert pair(torch.zeros(()))[0] == 2


@pytest.mark.parametrize("name", FAMILIES)
def test_layers_are_found_in_every_tower(backbones, name):
    text = tower(backbones(name))
    assert layers_of(text) == list(text.transformer.resblocks)
    assert state_width(text) == 32


def test_a_tower_without_layers_is_refused():
    class Text(torch.nn.Module):
        transformer = torch.nn.Linear(2, 2)

    with pytest.raises(ModelError, match="no layers"):
        layers_of(Text())


@pytest.mark.parametrize("wanted", [(0,), (1, 5), (-1,)])
def test_layers_that_are_not_there_are_refused(wanted, clip):
    check_layers((1, 4), 4)
    check_layers((0, 4), 4, first=0)
    with pytest.raises(UsageError, match="has no layer") as error:
        check_layers(wanted, 4)
    assert "1 to 4" in error.value.hint
    injection = Injection(dataclasses.replace(INJECTION, layers=wanted))
    with pytest.raises(UsageError, match="has no layer"):
        SentenceReader(clip, Template(), 2, injection=injection)
    wrong = tuple(number or 5 for number in wanted)  # 0 is a place for an adapter
    with pytest.raises(UsageError, match="has no layer"):
        SentenceReader(clip, Template(), 2, adapters=Adapters(AdaptersConfig(wrong, 32)))


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_the_adapter_before_the_first_layer_changes_what_that_one_reads(backbones, name, sentences):
    adapters = trained(Adapters(AdaptersConfig((0,), 32, 4)))
    seen = []
    norm = layers_of(tower(backbones(name)))[0].ln_1
    handle = norm.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    read(backbones(name), sentences)
    read(backbones(name), sentences, adapters=adapters)
    handle.remove()
    plain, changed = seen
    torch.testing.assert_close(changed, plain + adapters.layers["0"](plain))
    assert (changed - plain).abs().max() > 1e-2


# --- learned ---


def test_gradients_reach_every_gate_and_adapter_and_nothing_of_the_tower(clip, sentences, features):
    injection, adapters = Injection(INJECTION), Adapters(ADAPTERS)
    clip.network.requires_grad_(requires_grad=False)
    target = torch.randn(3, 24, generator=torch.Generator().manual_seed(0))
    out = read(clip, sentences, features, injection=injection, adapters=adapters)
    torch.nn.functional.cosine_similarity(out, target).sum().backward()
    for layer in ("1", "2"):
        assert injection.layers[layer].gate.grad.abs() > 0
        assert adapters.layers[layer][-1].weight.grad.abs().max() > 0
    assert all(weight.grad is None for weight in clip.network.parameters())


# --- the file ---


def model_for(space: EmbeddingSpace, *, injection: bool = False, adapters: bool = False):
    """Return a query model with trained parts, its mapper over 6 channels."""
    config = MapperConfig("token-learner", 6, 32, tokens=4, width=16, heads=2)
    torch.manual_seed(0)
    header = Header(
        space,
        config,
        None,
        Template().as_dict(),
        symmetric=True,
        injection=INJECTION if injection else None,
        adapters=ADAPTERS if adapters else None,
    )
    return QueryModel(
        header,
        build_mapper(config).eval(),
        None,
        trained(Injection(INJECTION)) if injection else None,
        trained(Adapters(ADAPTERS)) if adapters else None,
    )


def saved(model: QueryModel, path, header: Header | None = None):
    save(
        path,
        header or model.header,
        mapper=model.mapper,
        injection=model.injection,
        adapters=model.adapters,
    )
    return path


@pytest.mark.parametrize("injection", [False, True])
@pytest.mark.parametrize("adapters", [False, True])
def test_they_come_back_bit_for_bit(tmp_path, injection, adapters):
    space = EmbeddingSpace("tiny", 24, "a" * 64)
    model = model_for(space, injection=injection, adapters=adapters)
    loaded = load(saved(model, tmp_path / "q.safetensors"), space)
    assert loaded.header == model.header
    for part in ("injection", "adapters"):
        mine, theirs = getattr(loaded, part), getattr(model, part)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            pairs = zip(mine.state_dict().items(), theirs.state_dict().items(), strict=True)
            assert all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


ADDED = dataclasses.replace(INJECTION, added=True)


@pytest.mark.parametrize(
    ("injection", "adapters", "methods"),
    [
        (None, None, ("isa",)),
        (None, ADAPTERS, ("two-stage", "isa")),
        (INJECTION, None, ("two-stage",)),
        (INJECTION, ADAPTERS, ("two-stage",)),
        (ADDED, None, ("two-stage", "isa")),
        (ADDED, ADAPTERS, ("two-stage", "isa")),
    ],
)
def test_a_file_says_which_methods_it_serves(injection, adapters, methods):
    header = model_for(EmbeddingSpace("t", 24, "a")).header
    header = dataclasses.replace(header, injection=injection, adapters=adapters)
    header = Header.from_json(header.to_json(), Path("q"))
    assert header.methods == methods
    assert header.method == methods[0]


def test_a_header_that_does_not_describe_its_parts_is_refused(tmp_path):
    model = model_for(EmbeddingSpace("t", 24, "a"), adapters=True)
    other = dataclasses.replace(ADAPTERS, bottleneck=5)
    for wrong in (None, other):
        header = dataclasses.replace(model.header, adapters=wrong)
        with pytest.raises(ValueError, match="this adapters"):
            saved(model, tmp_path / "q.safetensors", header)
    assert not list(tmp_path.iterdir())


def test_a_header_from_before_them_is_read(tmp_path):
    header = model_for(EmbeddingSpace("t", 24, "a")).header
    raw = json.loads(header.to_json())
    del raw["injection"], raw["adapters"]
    raw["format"] = 1
    assert Header.from_json(json.dumps(raw), tmp_path) == header


def test_a_header_whose_injection_does_not_say_is_of_one_learned_with_the_mapper(tmp_path):
    header = model_for(EmbeddingSpace("t", 24, "a"), injection=True).header
    raw = json.loads(header.to_json())
    del raw["injection"]["added"]
    raw["format"] = 2
    assert Header.from_json(json.dumps(raw), tmp_path) == header
    assert header.methods == ("two-stage",)


def test_weights_are_kept_by_method():
    header = model_for(EmbeddingSpace("t", 24, "a"), adapters=True).header
    record = header.training
    for method, alpha in (("isa", 0.6), ("two-stage", 0.8)):
        record = kept(record, Choice(method, alpha, "wardrobe", "seed 1", "R@1", 0.2, 1200))
    header = dataclasses.replace(header, training=record)
    assert (header.alpha("isa"), header.alpha("two-stage")) == (0.6, 0.8)
    assert header.alpha("published") is None


# --- the composer ---


class Eyes:
    """Sees the same in every picture."""

    def __init__(self, mapper):
        self._mapper = mapper

    @torch.inference_mode()
    def sentences(self, pictures):
        features = torch.ones(len(pictures), 6, 2, 2)
        return self._mapper(features)._replace(features=features)


@pytest.fixture
def compose(clip, monkeypatch):
    """Answer one query by a method of a model."""

    def answer(model, method):
        monkeypatch.setattr(
            "isa_cli.query.isa.image_to_sentence", lambda model, _: Eyes(model.mapper)
        )
        calibration = Calibration(np.eye(24, dtype=np.float32))
        text = BackboneTextEncoder(clip)
        composer = IsaComposer(model, clip, text, calibration, method=method)
        query = Query(np.empty((0, 24), np.float32), "at night", images=(lambda **_: None,))
        return composer.name, composer.compose([query])[0]

    return answer


def test_a_flag_switches_between_the_methods_of_one_file(clip, compose):
    model = model_for(clip.space, adapters=True)
    plain = compose(dataclasses.replace(model, adapters=None), "isa")
    name, as_isa = compose(model, "isa")
    assert name == "isa"
    np.testing.assert_array_equal(as_isa, plain[1])  # adapters are as if they were not there
    name, in_two = compose(model, None)
    assert name == "two-stage"
    assert as_isa @ in_two < 0.999
    with torch.inference_mode():
        sentence = Eyes(model.mapper).sentences([None])
        reader = reader_of(model, clip, "two-stage")
        expected = clip.unit_rows(reader.read(sentence.tokens, ["at night"]))[0]
    np.testing.assert_allclose(in_two, expected, atol=1e-6)


def test_an_injection_looks_at_the_reference(clip, compose):
    model = model_for(clip.space, injection=True, adapters=True)
    name, vector = compose(model, None)
    assert name == "two-stage"
    without = dataclasses.replace(model, injection=None)
    assert vector @ compose(without, "two-stage")[1] < 0.999

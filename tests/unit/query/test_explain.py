"""A query taken apart, against the same steps by hand on a tiny model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from isa_cli.encoders import load_backbone
from isa_cli.encoders.light import load_light
from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.query.checkpoint import QueryModel
from isa_cli.query.composers import Calibration, TrainingFree, unit
from isa_cli.query.explain import LEARNED, QUERY, REFERENCE, SLERP, WORDS, Explainer
from isa_cli.query.header import Header, MapperConfig
from isa_cli.query.isa import BESIDE, IsaComposer
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader
from isa_cli.query.token_learner import Sentence
from isa_cli.query.vocabulary import Vocabulary, whole_words
from isa_cli.types import Query

KINDS = ("light", "map", "mlp", "phi")
PICTURE = Image.fromarray(np.random.default_rng(3).integers(0, 255, (48, 40, 3), np.uint8))


def picture(at_least=None):
    return PICTURE


@pytest.fixture(scope="module")
def backbone(tiny_model):
    return load_backbone(str(tiny_model), device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def text(backbone):
    return BackboneTextEncoder(backbone)


@pytest.fixture(scope="module")
def models(backbone):
    """A query model of each kind, untrained."""
    torch.manual_seed(1)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=64).eval()
    kinds = {
        "light": (MapperConfig("token-learner", light.channels, 32, 3, 16), light, False),
        "map": (MapperConfig("token-learner", 32, 32, 3, 16), None, True),
        "mlp": (MapperConfig("mlp", light.channels, 32, 2, 16), light, False),
        "phi": (MapperConfig("published-phi", 32, 32, 1, 24, 2, 1), None, False),
    }
    template = Template().as_dict()
    return {
        name: QueryModel(
            Header(backbone.space, config, seen and seen.config, template, symmetric=symmetric),
            build_mapper(config).eval(),
            seen,
        )
        for name, (config, seen, symmetric) in kinds.items()
    }


@pytest.fixture
def told(backbone, text):
    """Explain a sentence that is written by hand: ``told(tokens)``."""

    class Written(torch.nn.Module):
        def __init__(self, tokens):
            super().__init__()
            self.tokens = tokens

        def forward(self, features):
            return Sentence(self.tokens[None], None)

    def explain(tokens, **more):
        config = MapperConfig("mlp", 32, 32, len(tokens), 16)
        header = Header(backbone.space, config, None, Template().as_dict(), symmetric=True)
        model = QueryModel(header, Written(tokens), None)
        return Explainer(model, backbone, text).explain(picture, "in red", **more)

    return explain


def words_of(backbone, *words):
    """The tower's own embeddings of words that are one token each, (L, E)."""
    ids, _ = backbone.tokenize(list(words))
    return backbone.network.token_embedding(ids[:, 1]).detach()


def read(backbone, tokens, modifier):
    reader = SentenceReader(backbone, Template(), len(tokens))
    with torch.inference_mode():
        return unit(reader.read(tokens[None], [modifier])[0].numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_the_query_is_what_the_composer_searches_for(kind, models, backbone, text):
    calibration = Calibration(np.eye(32, dtype=np.float32)[:8])
    asked = Query(np.empty((0, 32), np.float32), "in red", images=(picture,))
    wanted = IsaComposer(models[kind], backbone, text, calibration).compose([asked])[0]
    explained = Explainer(models[kind], backbone, text).explain(picture, "in red")
    np.testing.assert_allclose(explained.query, wanted, atol=1e-5)
    assert len(explained.tokens) == models[kind].header.mapper.tokens
    assert explained.parts.keys() == {REFERENCE, WORDS}


@pytest.mark.parametrize("kind", ["light", "map"])
def test_the_tokens_share_every_place_among_them(kind, models, backbone, text):
    explained = Explainer(models[kind], backbone, text).explain(picture, "in red")
    maps = np.stack([token.attention for token in explained.tokens])
    assert maps.shape == ((3, 2, 2) if kind == "light" else (3, 4, 4))
    np.testing.assert_allclose(maps.sum(axis=0), 1, atol=1e-5)
    assert sum(token.share for token in explained.tokens) == pytest.approx(1, abs=1e-5)
    assert len({round(token.share, 5) for token in explained.tokens}) == 3
    side = 64 if kind == "light" else 32  # the view that was looked at
    assert explained.seen.shape == (side, side, 3)


@pytest.mark.parametrize("kind", ["mlp", "phi"])
def test_a_mapper_that_looks_at_no_places_has_no_maps(kind, models, backbone, text):
    explained = Explainer(models[kind], backbone, text).explain(picture, "in red")
    assert {(token.attention, token.share) for token in explained.tokens} == {(None, None)}


def test_the_parts_are_each_read_alone(backbone, text, told):
    tokens = words_of(backbone, "dress", "dog")
    explained = told(tokens)
    alone, both = read(backbone, tokens, ""), read(backbone, tokens, "in red")
    words = text.encode_text(["in red"])[0]
    cosines = explained.cosines()
    assert cosines[REFERENCE] == pytest.approx(float(both @ alone), abs=1e-5)
    assert cosines[WORDS] == pytest.approx(float(both @ words), abs=1e-5)
    # real words in the slots are those words
    np.testing.assert_allclose(
        explained.parts[REFERENCE], text.encode_text(["a photo of dress dog"])[0], atol=1e-5
    )


def test_a_token_is_missed_by_what_a_neutral_word_in_its_place_changes(backbone, told):
    tokens = words_of(backbone, "dress", "dog", "car")
    mean = backbone.network.token_embedding.weight.detach().mean(dim=0)
    losses = [token.loss for token in told(tokens).tokens]
    both = read(backbone, tokens, "in red")
    for number, loss in enumerate(losses):
        other = tokens.clone()
        other[number] = mean
        assert loss == pytest.approx(1 - float(both @ read(backbone, other, "in red")), abs=1e-5)
    assert min(losses) > 1e-4


def test_a_token_that_says_nothing_is_not_missed(backbone, told):
    tokens = words_of(backbone, "dress", "dog")
    tokens[1] = backbone.network.token_embedding.weight.detach().mean(dim=0)
    one, nothing = told(tokens).tokens
    assert nothing.loss == pytest.approx(0, abs=1e-6)
    assert one.loss > 1e-4


def test_a_real_word_is_nearest_to_itself(backbone, told):
    explained = told(7.0 * words_of(backbone, "dress", "sleeveless"), nearest=2)
    for token, word in zip(explained.tokens, ("dress", "sleeveless"), strict=True):
        assert token.nearest[0].word == word
        assert token.nearest[0].cosine == pytest.approx(1, abs=1e-5)
        assert token.nearest[1].cosine < 0.99
    assert explained.vocabulary > 10_000


def test_words_that_were_never_trained_are_no_neighbours(tiny_model):
    own = load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})
    reader = SentenceReader(own, Template(), 1)
    before = Vocabulary(own, reader)
    dress = words_of(own, "dress")
    ids, _ = own.tokenize(["dress"])
    with torch.no_grad():
        weight = own.network.token_embedding.weight
        weight[ids[0, 1]] = 0
    after = Vocabulary(own, reader)
    assert len(after) == len(before) - 1
    assert after.nearest(dress, 1)[0][0].word != "dress"
    torch.testing.assert_close(after.mean, weight.sum(dim=0) / (len(weight) - 1))


def test_a_score_is_split_among_the_parts(models, backbone, text):
    explained = Explainer(models["light"], backbone, text).explain(picture, "in red")
    rng = np.random.default_rng(0)
    sample = np.stack([unit(row) for row in rng.normal(size=(40, 32)).astype(np.float32)])
    near = unit(explained.query + 0.1 * sample[0])
    split, other = explained.splits(np.stack([near, sample[1]]), Calibration(sample))
    for name, vector in {QUERY: explained.query, **explained.parts}.items():
        scores = sample @ vector
        cosine, z = split.scores[name]
        assert cosine == pytest.approx(float(near @ vector), abs=1e-6)
        assert z == pytest.approx(float((near @ vector - scores.mean()) / scores.std()), abs=1e-4)
    z = {name: score.z for name, score in split.scores.items()}
    assert split.gain == pytest.approx(z[QUERY] - max(z[REFERENCE], z[WORDS]))
    assert split.gain != pytest.approx(other.gain)
    assert explained.splits(np.empty((0, 32), np.float32), Calibration(sample)) == []


def test_a_blend_shows_both_its_halves(models, backbone, text):
    calibration = Calibration(np.eye(32, dtype=np.float32)[:8])
    reference = unit(np.arange(32, dtype=np.float32) + 1)
    asked = Query(reference[None], "in red", images=(picture,))
    plain = replace(asked, images=())
    explainer = Explainer(models["light"], backbone, text)
    explained = explainer.explain(picture, "in red", blend=0.25, reference=reference)
    blended = IsaComposer(models["light"], backbone, text, calibration, 0.25).compose([asked])[0]
    np.testing.assert_allclose(explained.query, blended, atol=1e-5)
    np.testing.assert_allclose(
        explained.parts[SLERP],
        TrainingFree("slerp", text, calibration, BESIDE).compose([plain])[0],
        atol=1e-5,
    )
    np.testing.assert_allclose(
        explained.parts[LEARNED], explainer.explain(picture, "in red").query, atol=1e-5
    )
    with pytest.raises(ValueError, match="reference's vector"):
        explainer.explain(picture, "in red", blend=0.25)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["dress</w>", "dre", "a</w>", "<end_of_text>", "42</w>", "Ã©tÃ©</w>", "Ġ"], ["dress"]),
        (["▁dress", "ing", "▁été", "▁", "</s>", "▁x"], ["dress", "été"]),
        (["Ġdress", "ing", "ĠÃ©", "<s>", "Ġ42"], ["dress"]),
        (["dress", "##ing", "[CLS]", "été", "42", "x"], ["dress", "été"]),
    ],
    ids=["clip", "sentencepiece", "gpt-2", "bert"],
)
def test_whole_words_of_each_kind_of_tokenizer(pieces, words):
    assert list(whole_words(dict(enumerate(pieces))).values()) == words

"""Each kind of query model, against the same steps taken by hand on a tiny model."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from PIL import Image

from isa_cli.encoders import load_backbone
from isa_cli.encoders.light import load_light
from isa_cli.encoders.patch_features import feature_map
from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.errors import ImageError, ModelError, SpaceMismatch
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import QueryModel
from isa_cli.query.composers import Calibration, TrainingFree
from isa_cli.query.header import AdaptersConfig, Header, InjectionConfig, MapperConfig
from isa_cli.query.image2sentence import (
    EmbeddingImageToSentence,
    LightImageToSentence,
    SymmetricImageToSentence,
    image_to_sentence,
)
from isa_cli.query.injection import Injection
from isa_cli.query.isa import BESIDE, IsaComposer
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader
from isa_cli.types import EmbeddingSpace, Query

OWN_WORDS = Template(modified="a photo of {sentence} that {modifier}")
KINDS = ("light", "map", "phi")


@pytest.fixture(scope="module")
def backbone(tiny_model):
    return load_backbone(str(tiny_model), device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def models(backbone):
    """A query model of each kind, untrained: three tokens, or a published network's one."""
    torch.manual_seed(1)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=32)
    made = {
        "light": (MapperConfig("token-learner", light.channels, 32, 3, 16), light, False),
        "map": (MapperConfig("token-learner", 32, 32, 3, 16), None, True),
        "phi": (MapperConfig("published-phi", 32, 32, 1, 24, 2, 1), None, False),
    }
    return {
        name: QueryModel(
            Header(
                backbone.space,
                config,
                seen.config if seen else None,
                (OWN_WORDS if name == "phi" else Template()).as_dict(),
                symmetric=symmetric,
            ),
            build_mapper(config).eval(),
            seen.eval() if seen else None,
        )
        for name, (config, seen, symmetric) in made.items()
    }


class Opened:
    """Pictures, and what each was asked for."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.images = [
            Image.fromarray(rng.integers(0, 255, (48, 40 + 9 * i, 3), np.uint8)) for i in range(3)
        ]
        self.asked = []

    def __getitem__(self, number):
        def picture(at_least=None):
            self.asked.append((number, at_least))
            return self.images[number]

        return picture


@pytest.fixture
def opened():
    return Opened()


def composer(model, backbone, blend=0.0):
    calibration = Calibration(np.eye(32, dtype=np.float32)[:8])
    return IsaComposer(model, backbone, BackboneTextEncoder(backbone), calibration, blend)


def query(opened, *numbers, modifier="in red", **more):
    images = tuple(opened[number] for number in numbers)
    return Query(np.empty((0, 32), np.float32), modifier, images=images, **more)


def unit(row):
    return row / np.linalg.norm(row)


def layers(mapper, vectors):
    """A published network by its formula, in numpy."""
    *hidden, last = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in mapper.layers
    ]
    erf = np.vectorize(math.erf)
    for weight, bias in hidden:
        x = vectors @ weight.T + bias
        vectors = x * 0.5 * (1 + erf(x / math.sqrt(2)))
    return vectors @ last[0].T + last[1]


@torch.inference_mode()
def by_hand(kind, model, backbone, image, modifier):
    """The steps of each kind without the network or the composer, (D,)."""
    if kind == "light":
        tokens = model.mapper(
            model.light(model.light.normalised([model.light.prepare(image)]))
        ).tokens
    else:
        pixels = backbone.normalised([backbone.prepare(image)])
        if kind == "map":
            tokens = model.mapper(feature_map(backbone, pixels)).tokens
        else:
            embedding = backbone.network.encode_image(pixels, normalize=False).numpy()
            tokens = torch.tensor(layers(model.mapper, embedding)[:, None], dtype=torch.float32)
    template = Template.from_dict(model.header.template)
    reader = SentenceReader(backbone, template, model.header.mapper.tokens)
    return unit(reader.read(tokens, [modifier])[0].numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_is_its_pictures_sentence_read_with_the_words(kind, models, backbone, opened):
    made = composer(models[kind], backbone)
    ours = made.compose([query(opened, 0), query(opened, 1, modifier="x, without sleeves")])
    for row, image, words in zip(
        ours, opened.images, ("in red", "x, without sleeves"), strict=False
    ):
        theirs = by_hand(kind, models[kind], backbone, image, words)
        np.testing.assert_allclose(row, theirs, atol=2e-5)
    assert abs(float(ours[0] @ ours[1])) < 0.9999  # or nothing would have been compared


def test_the_template_of_the_file_is_read(models, backbone, opened):
    model = models["phi"]
    ours = composer(model, backbone).compose([query(opened, 0)])[0]
    other = QueryModel(
        Header(backbone.space, model.header.mapper, template=Template().as_dict()),
        model.mapper,
        None,
    )
    assert not np.allclose(ours, composer(other, backbone).compose([query(opened, 0)])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_what_it_is_and_needs(kind, models, backbone):
    header = models[kind].header
    network = {
        "light": LightImageToSentence,
        "map": SymmetricImageToSentence,
        "phi": EmbeddingImageToSentence,
    }[kind]
    assert type(image_to_sentence(models[kind], backbone)) is network
    assert header.parts == ({"text"} if kind == "light" else {"image", "text"})
    method = "published" if kind == "phi" else "isa"
    assert (header.method, composer(models[kind], backbone).name) == (method, method)


def test_a_light_network_needs_no_image_tower_and_the_others_no_light_one(
    models, backbone, opened, tiny_model
):
    words_only = load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})
    assert not hasattr(words_only.network, "visual")
    ours = composer(models["light"], words_only).compose([query(opened, 0)])
    assert np.isfinite(ours).all()
    assert models["map"].light is None
    composer(models["map"], backbone).compose([query(opened, 1)])
    composer(models["phi"], backbone).compose([query(opened, 2)])
    # decoded as while indexing, so that the large encoder sees what it saw then; or as large as
    # the light one's own preprocessing crops from
    assert opened.asked == [(0, (37, 37)), (1, (32, 32)), (2, (32, 32))]


@pytest.mark.parametrize("kind", KINDS)
def test_several_references_are_read_apart_and_averaged(kind, models, backbone, opened):
    made = composer(models[kind], backbone)
    both, one, other = made.compose(
        [query(opened, 0, 2), query(opened, 0), query(opened, 2)],
    )
    np.testing.assert_allclose(both, unit((one + other) / 2), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_unwanted_pushes_away(kind, models, backbone, opened):
    made = composer(models[kind], backbone)
    text = BackboneTextEncoder(backbone).encode_text(["people"])[0]
    image = unit(np.arange(32, dtype=np.float32) - 9)
    plain, without, unlike = made.compose(
        [
            query(opened, 0),
            query(opened, 0, avoid_texts=("people",)),
            query(opened, 0, avoid_images=image[None]),
        ]
    )
    assert without @ text < plain @ text - 0.01
    assert unlike @ image < plain @ image - 0.01
    np.testing.assert_allclose(np.linalg.norm([without, unlike], axis=1), 1, atol=1e-6)


def test_half_a_blend_is_the_unit_of_the_mean(models, backbone, opened):
    reference = unit(np.arange(32, dtype=np.float32) + 1)[None]
    asked = Query(reference, "in red", images=(opened[0],))
    text = BackboneTextEncoder(backbone)
    calibration = Calibration(np.eye(32, dtype=np.float32)[:8])
    slerp = TrainingFree("slerp", text, calibration, BESIDE).compose([asked])[0]
    learned = composer(models["light"], backbone).compose([asked])[0]
    half = composer(models["light"], backbone, blend=0.5).compose([asked])[0]
    np.testing.assert_allclose(half, unit((learned + slerp) / 2), atol=1e-5)
    np.testing.assert_allclose(
        composer(models["light"], backbone, blend=1.0).compose([asked])[0], slerp, atol=1e-5
    )


def test_a_blend_takes_the_unwanted_off_once(models, backbone, opened):
    asked = Query(np.eye(32, dtype=np.float32)[:1], "red", None, ("people",), (opened[0],))
    text = BackboneTextEncoder(backbone)
    calibration = Calibration(np.eye(32, dtype=np.float32)[:8])
    slerp = TrainingFree("slerp", text, calibration, BESIDE).compose([asked])[0]
    ours = composer(models["light"], backbone, blend=1.0).compose([asked])[0]
    np.testing.assert_allclose(ours, slerp, atol=1e-5)


def test_another_space_is_refused_with_both_names(models, backbone):
    model = models["light"]
    stranger = EmbeddingSpace("stranger", 32, "f" * 64)
    other = QueryModel(
        Header(stranger, model.header.mapper, model.header.light, model.header.template),
        model.mapper,
        model.light,
    )
    with pytest.raises(SpaceMismatch, match=rf"{backbone.space.name}.*stranger"):
        composer(other, backbone)


def test_a_header_that_names_nothing_to_look_with_is_refused(models, backbone):
    model = models["map"]
    blind = QueryModel(
        Header(backbone.space, model.header.mapper, template=model.header.template),
        model.mapper,
        None,
    )
    with pytest.raises(ModelError, match="no light encoder"):
        composer(blind, backbone)


def test_a_query_without_a_picture_is_a_mistake(models, backbone, opened):
    with pytest.raises(ValueError, match="published composes from pictures"):
        composer(models["phi"], backbone).compose([query(opened, 0), query(opened)])


def test_a_picture_that_does_not_open_says_so(models, backbone):
    def broken(at_least=None):
        raise ImageError(f"x.jpg: truncated {at_least}")

    asked = Query(np.empty((0, 32), np.float32), "red", images=(broken,))
    with pytest.raises(ImageError, match=r"x\.jpg"):
        composer(models["light"], backbone).compose([asked])


# --- a file that fits itself and not the large model ---


def remade(models, kind, **changes):
    """The same kind of query model with another mapper or header."""
    header = models[kind].header
    config = dataclasses.replace(header.mapper, **changes.pop("mapper", {}))
    header = dataclasses.replace(header, mapper=config, **changes)
    parts = {
        "injection": header.injection and Injection(header.injection),
        "adapters": header.adapters and Adapters(header.adapters),
    }
    return QueryModel(header, build_mapper(config).eval(), models[kind].light, **parts)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("light", {"mapper": {"out": 33}}, "its words have 33 numbers"),
        ("phi", {"mapper": {"out": 33}}, "its words have 33 numbers"),
        ("phi", {"mapper": {"channels": 33}}, "reads 33 channels"),
        ("light", {"mapper": {"tokens": 500}}, "500 tokens does not fit"),
        ("light", {"template": {"query": "x"}}, "is no template"),
        ("light", {"template": {"plain": 3, "modified": None}}, "is no template"),
        ("light", {"template": {"plain": "a", "modified": "b"}}, "must say"),
        ("light", {"template": {"plain": "a" * 10**6, "modified": "b"}}, "characters"),
        ("light", {"template": {"a" * 10**6: "a"}}, "is no template"),
        ("light", {"adapters": AdaptersConfig((1,), width=31)}, "its states have 31 numbers"),
        ("light", {"adapters": AdaptersConfig((1, 900), width=32)}, "no layer 900"),
        ("light", {"injection": InjectionConfig((900,), 288, width=32)}, "no layer 900"),
        ("light", {"injection": InjectionConfig((1,), 288, width=36)}, "its states have 36"),
    ],
)
def test_what_does_not_go_with_the_large_model_is_one_sentence(
    models, backbone, kind, changes, said
):
    with pytest.raises(ModelError) as caught:
        composer(remade(models, kind, **changes), backbone)
    assert said in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) < 400


def test_a_map_of_other_channels_than_the_large_one_gives_is_told(models, backbone, opened):
    with pytest.raises(ModelError, match="reads 31 channels"):
        composer(remade(models, "map", mapper={"channels": 31}), backbone).compose(
            [query(opened, 0)]
        )

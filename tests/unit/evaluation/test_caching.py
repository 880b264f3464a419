"""What is kept is what would have been seen, and nothing is looked at twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from isa_cli.encoders import load_backbone
from isa_cli.encoders.light import load_light
from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.evaluation.caching import CachingComposer, CachingImageToSentence
from isa_cli.query.checkpoint import QueryModel
from isa_cli.query.composers import Calibration
from isa_cli.query.header import Header, MapperConfig
from isa_cli.query.image2sentence import image_to_sentence
from isa_cli.query.isa import IsaComposer
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.query.token_learner import Sentence
from isa_cli.reporting import Silent
from isa_cli.types import Query

CALIBRATION = Calibration(np.eye(32, dtype=np.float32)[:8])


class Numbers:
    """A network whose pictures are numbers: a picture's words, and its map, say which it is."""

    def __init__(self):
        self.seen = Counter()

    def sentences(self, pictures):
        self.seen.update(pictures)
        rows = torch.tensor([float(number) for number in pictures])
        return Sentence(
            rows[:, None, None].expand(-1, 2, 4),
            torch.ones(len(pictures), 2, 1, 1),
            rows[:, None, None, None].expand(-1, 3, 1, 1),
        )


def shown(sentence):
    return sentence.tokens[:, 0, 0].tolist()


def test_each_picture_is_looked_at_once_and_comes_back_in_its_place():
    network = Numbers()
    caching = CachingImageToSentence(network, features=False)
    first = caching.sentences([3, 1, 3])
    assert (shown(first), first.tokens.shape) == ([3, 1, 3], (3, 2, 4))
    assert first.features is None
    assert shown(caching.sentences([2, 3])) == [2, 3]
    assert network.seen == {1: 1, 2: 1, 3: 1}


def test_feature_maps_are_kept_for_whoever_wants_them():
    caching = CachingImageToSentence(Numbers(), features=True)
    caching.sentences([1, 2])
    again = caching.sentences([2, 5, 1])
    assert again.features.shape == (3, 3, 1, 1)
    assert again.features[:, 0, 0, 0].tolist() == shown(again) == [2, 5, 1]


def test_what_there_is_no_room_for_is_looked_at_again():
    network = Numbers()
    caching = CachingImageToSentence(
        network, features=False, room=2 * 2 * 4 * 4
    )  # two pictures' words
    for _ in range(2):
        assert shown(caching.sentences([1, 2])) == [1, 2]
        assert shown(caching.sentences([2, 3])) == [2, 3]
    assert network.seen == {1: 1, 2: 1, 3: 2}


class Opened:
    """A picture that counts how often it is opened."""

    def __init__(self, seed):
        pixels = np.random.default_rng(seed).integers(0, 255, (40, 48, 3), np.uint8)
        self._image = Image.fromarray(pixels)
        self.times = 0

    def __call__(self, at_least=None):
        self.times += 1
        return self._image


@pytest.fixture(scope="module")
def backbone(tiny_model):
    return load_backbone(str(tiny_model), device="cpu", precision="fp32", parts={"text"})


@pytest.fixture(scope="module")
def model(backbone):
    torch.manual_seed(1)
    light = load_light("mobilenetv3_small_050", pretrained=False, image_size=32).eval()
    config = MapperConfig("token-learner", light.channels, 32, 3, 16)
    header = Header(backbone.space, config, light.config, Template().as_dict())
    return QueryModel(header, build_mapper(config).eval(), light)


@pytest.mark.parametrize("blend", [0.0, 0.4])
def test_it_answers_as_the_composer_without_a_cache(backbone, model, blend):
    text = BackboneTextEncoder(backbone)
    pictures = [Opened(seed) for seed in range(2)]
    directions = np.eye(32, dtype=np.float32)
    queries = [
        Query(directions[at : at + 1], words, images=(pictures[at],))
        for at, words in ((0, "in red"), (1, "in red"), (0, "at night"), (1, "in red"))
    ]
    plain = IsaComposer(model, backbone, text, CALIBRATION, blend)
    wanted = plain.compose(queries)
    opened_before = [picture.times for picture in pictures]

    network = CachingImageToSentence(image_to_sentence(model, backbone), features=False)
    made = CachingComposer(model, backbone, text, CALIBRATION, Silent(), "isa", network)
    for ours in (made.blended_by(blend), made.blended_by(blend)):
        np.testing.assert_allclose(ours.compose(queries), wanted, atol=1e-6)
    assert made.blend == 0.0
    assert [picture.times for picture in pictures] == [times + 1 for times in opened_before]
    assert opened_before == [2, 2]


def test_another_text_is_read_anew_from_the_same_sentence(backbone, model):
    text, picture = BackboneTextEncoder(backbone), Opened(3)
    asked = [Query(np.empty((0, 32), np.float32), "in red", images=(picture,))]
    network = CachingImageToSentence(image_to_sentence(model, backbone), features=False)
    other = Template(modified="{sentence}. {modifier}").as_dict()
    header = Header(model.header.space, model.header.mapper, model.header.light, other)
    models = model, QueryModel(header, model.mapper, model.light)
    rows = [
        CachingComposer(each, backbone, text, CALIBRATION, Silent(), "isa", network).compose(asked)
        for each in models
    ]
    assert abs(float(rows[0][0] @ rows[1][0])) < 0.9999
    assert picture.times == 1

"""The phrases that come with isa: what they are, and what a person may bring instead."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from isa_cli.errors import UsageError
from isa_cli.query.prompt import Template
from isa_cli.training.data import phrases
from isa_cli.training.data.phrases import (
    built_in,
    expanded,
    of_the_wardrobe,
    phrase_features,
    phrases_record,
    read_phrases,
)
from isa_cli.training.defaults import defaults_for
from isa_cli.training.options import PHRASES
from isa_cli.wardrobe.garments import HELD_OUT

VOWEL = re.compile(r"\ba (?!uniform|eucalyptus)[aeiou]")
CONSONANT = re.compile(r"\ban (?!hour|x-ray)[^aeiou]")


def test_a_pattern_is_every_choice_of_its_alternatives():
    assert expanded("a (red|blue) kite (in the sky|on grass)") == [
        "a red kite in the sky",
        "a red kite on grass",
        "a blue kite in the sky",
        "a blue kite on grass",
    ]
    assert expanded("snow") == ["snow"]


def test_the_built_in_ones_read_like_what_people_say():
    phrases = built_in()
    assert len(phrases) == len(set(phrases)) == PHRASES
    for phrase in phrases:
        assert re.fullmatch(r"[a-z0-9][a-z0-9' ,-]*[a-z0-9]", phrase), phrase
        assert "  " not in phrase
        assert len(phrase.split()) <= 12, phrase
        assert not VOWEL.search(phrase), phrase
        assert not CONSONANT.search(phrase), phrase


def test_no_line_of_it_is_written_twice():
    lines = phrases.BUILT_IN.read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert sum(len(expanded(pattern)) for pattern in patterns) == PHRASES


def test_the_wardrobes_captions_are_decided_by_the_seed():
    captions = of_the_wardrobe(3, 200)
    assert captions == of_the_wardrobe(3, 200)
    assert captions != of_the_wardrobe(4, 200)
    assert len(set(captions)) == 200
    assert {"dress", "coat"} <= set(" ".join(captions).split())


def test_no_held_out_pair_is_said_in_them(monkeypatch):
    drawn = []

    def place(garment, rng):
        drawn.append(garment)
        return real(garment, rng)

    real = phrases.place
    monkeypatch.setattr(phrases, "place", place)
    of_the_wardrobe(0, 300)
    for garment in drawn:
        for (one, first), (other, second) in HELD_OUT:
            assert not (garment[one] == first and garment[other] == second), garment


def test_each_model_gets_phrases_that_it_can_read():
    assert defaults_for("isa-mini").phrases(1) == of_the_wardrobe(1)
    assert defaults_for("ViT-B-16/openai").phrases(1) == built_in()


# --- one's own -----------------------------------------------------------------------------------


def test_a_file_has_a_phrase_a_line(tmp_path):
    file = tmp_path / "phrases.txt"
    file.write_bytes("\ufeffein Café\r\n\n  a dog \na dog\n# no heading\n".encode())
    assert read_phrases(file) == ("ein Café", "a dog", "# no heading")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "holds 0"), (b"\n one \n\n", "holds 1"), (b"caf\xe9\nx\n", "UTF-8")],
)
def test_a_file_of_no_use_is_told(tmp_path, content, said):
    file = tmp_path / "phrases.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said) as error:
        read_phrases(file)
    assert str(file) in error.value.message


def test_a_file_that_is_a_folder_is_told(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        read_phrases(tmp_path)


# --- as the text tower reads them ----------------------------------------------------------------


@pytest.fixture
def backbone(monkeypatch):
    """A model whose text features are a text's length, and whose temperature is a quarter."""

    class Encoder:
        def __init__(self, backbone, reporter):
            pass

        def encode_text(self, texts):
            return np.array([[len(text), 1] for text in texts], np.float32)

    monkeypatch.setattr(phrases, "BackboneTextEncoder", Encoder)
    network = SimpleNamespace(logit_scale=torch.tensor(math.log(4.0)))
    return SimpleNamespace(place=SimpleNamespace(device=torch.device("cpu")), network=network)


def test_phrases_are_read_in_the_sentences_place(backbone):
    template = Template("a photo of {sentence}!", "{sentence}, {modifier}")
    rows = phrase_features(backbone, ["a dog", "snow"], template).features
    assert rows.tolist() == [[len("a photo of a dog!"), 1], [len("a photo of snow!"), 1]]


def test_they_are_compared_at_the_models_own_temperature_unless_one_is_named(backbone):
    assert phrase_features(backbone, ["snow"], Template()).temperature == pytest.approx(0.25)
    assert phrase_features(backbone, ["snow"], Template(), 0.5).temperature == 0.5


def test_a_run_says_which_phrases_it_had():
    one, other = phrases_record(("a", "b")), phrases_record(("a", "c"))
    assert one["phrases"] == other["phrases"] == 2
    assert one != other
    assert phrases_record(()) == {}

"""Composers on vectors that can be worked out by hand: three axes, image, words, other."""

import numpy as np
import pytest

from isa_cli.query.composers import MIXES, Calibration, TrainingFree, slerp, unit
from isa_cli.query.methods import TRAINING_FREE
from isa_cli.types import EmbeddingSpace, Query

SPACE = EmbeddingSpace("axes", 3, "d" * 64)
IMAGE, WORDS, OTHER = np.eye(3, dtype=np.float32)
NOTHING = Calibration(np.empty((0, 3), np.float32))


class AxisText:
    """Each text is a known vector; remembers what it was asked."""

    space = SPACE
    vectors = {"green": WORDS, "other": OTHER}

    def __init__(self):
        self.asked = []

    def encode_text(self, texts):
        self.asked.append(list(texts))
        return np.stack([self.vectors[text] for text in texts])


def compose(method, query, alpha=None, calibration=NOTHING):
    return TrainingFree(method, AxisText(), calibration, alpha).compose([query])[0]


def both(**more):
    return Query(references=IMAGE[None], modifier="green", **more)


def test_every_training_free_name_has_a_formula():
    assert set(MIXES) == set(TRAINING_FREE)


@pytest.mark.parametrize("method", TRAINING_FREE)
def test_unit_rows_of_the_right_shape(method):
    composer = TrainingFree(method, AxisText(), NOTHING)
    rows = composer.compose([both(), Query(references=np.stack([IMAGE, OTHER]), modifier="green")])
    assert rows.shape == (2, 3)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_image_and_text_ignore_the_other_half():
    np.testing.assert_allclose(compose("image", both()), IMAGE)
    np.testing.assert_allclose(compose("text", both()), WORDS)


def test_sum_weighs_the_words_by_alpha():
    np.testing.assert_allclose(compose("sum", both(), 0.75), unit(np.array([1, 3, 0])), atol=1e-6)


def test_slerp_goes_along_the_great_circle():
    third = np.pi / 6  # a third of the way over 90 degrees
    expected = [np.cos(third), np.sin(third), 0]
    np.testing.assert_allclose(compose("slerp", both(), 1 / 3), expected, atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 1e-6, np.pi])
def test_slerp_between_parallel_vectors_is_finite(angle):
    other = np.array([np.cos(angle), np.sin(angle), 0], np.float32)
    assert np.isfinite(slerp(IMAGE, other, 0.8, NOTHING)).all()


def test_calibration_lets_a_narrow_score_count_as_much_as_a_wide_one():
    # Image scores over this gallery spread four times as wide as text scores.
    sample = np.array([[0.8, 0.1, 0], [-0.8, 0.1, 0], [0.8, 0.3, 0], [-0.8, 0.3, 0]], np.float32)
    assert Calibration(sample).mean_and_deviation(IMAGE) == pytest.approx((0, 0.8))
    assert Calibration(sample).mean_and_deviation(WORDS) == pytest.approx((0.2, 0.1))
    expected = unit(np.array([1 / 0.8, 1 / 0.1, 0]))
    mixed = compose("calibrated", both(), 0.5, Calibration(sample))
    np.testing.assert_allclose(mixed, expected, atol=1e-6)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_gallery_too_small_to_calibrate_falls_back_to_the_plain_sum(rows):
    mixed = compose("calibrated", both(), 0.5, Calibration(np.eye(3, dtype=np.float32)[:rows]))
    np.testing.assert_allclose(mixed, compose("sum", both(), 0.5), atol=1e-6)


def test_several_references_count_alike():
    query = Query(references=np.stack([IMAGE, OTHER]))
    np.testing.assert_allclose(compose("image", query), unit(IMAGE + OTHER), atol=1e-6)


def test_unwanted_words_and_images_push_away():
    plain = compose("sum", both())
    for query in (both(avoid_texts=("other",)), both(avoid_images=OTHER[None])):
        pushed = compose("sum", query)
        assert pushed @ OTHER < plain @ OTHER
        assert pushed @ IMAGE > 0
        assert pushed @ WORDS > 0


def test_words_alone_and_a_reference_alone_work_with_every_mix():
    for method in ("sum", "slerp", "calibrated"):
        empty = np.empty((0, 3), np.float32)
        np.testing.assert_allclose(compose(method, Query(empty, "green")), WORDS)
        np.testing.assert_allclose(compose(method, Query(IMAGE[None])), IMAGE)


def test_no_text_is_encoded_when_no_words_count_and_each_text_once():
    text = AxisText()
    TrainingFree("image", text, NOTHING).compose([both()])
    assert text.asked == []
    TrainingFree("sum", text, NOTHING).compose([both(), both(avoid_texts=("other", "green"))])
    assert text.asked == [["green", "other"]]


def test_an_empty_query_is_a_programmers_mistake():
    with pytest.raises(ValueError, match="reference or words"):
        compose("sum", Query(np.empty((0, 3), np.float32)))

"""Each text goes through the encoder once."""

import numpy as np

from isa_cli.encoders.texts import CachingTextEncoder
from isa_cli.types import EmbeddingSpace


class Lengths:
    """A text encoder whose vector is (the text's length, 1), not even unit."""

    space = EmbeddingSpace("lengths", 2, "l" * 64)

    def __init__(self):
        self.asked = []

    def encode_text(self, texts):
        self.asked.append(list(texts))
        return np.array([(len(text), 1) for text in texts], np.float32)


def test_new_texts_are_encoded_once_and_rows_keep_their_order():
    encoder = Lengths()
    remembered = CachingTextEncoder(encoder)
    assert remembered.space is Lengths.space
    assert remembered.encode_text(["bb", "a", "bb"])[:, 0].tolist() == [2, 1, 2]
    assert remembered.encode_text(["ccc", "a"])[:, 0].tolist() == [3, 1]
    assert remembered.encode_text(["ccc"])[:, 0].tolist() == [3]
    assert encoder.asked == [["bb", "a"], ["ccc"]]


def test_no_text_at_all():
    assert CachingTextEncoder(Lengths()).encode_text([]).shape == (0, 2)

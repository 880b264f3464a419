"""A foundation loads what is asked of it, once, from any thread, and says what is wrong in time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from isa_cli import encoders
from isa_cli.encoders.foundation import Foundation
from isa_cli.errors import ModelError, UsageError


@pytest.fixture
def loads(monkeypatch):
    """The parts of every model that is loaded from disk, in turn."""
    load, seen = encoders.load_backbone, []

    def counted(files, **options):
        seen.append(set(options["parts"]))
        return load(files, **options)

    monkeypatch.setattr(encoders, "load_backbone", counted, raising=False)
    return seen


def test_making_one_asks_nothing(loads):
    foundation = Foundation("there is no such model", "nor such a device")
    assert foundation.name in repr(foundation)
    assert loads == []


def test_space_and_size_are_known_without_torch(tiny_model):
    code = (
        "import sys; from isa_cli.encoders.foundation import Foundation;"
        f"f = Foundation({str(tiny_model)!r}); f.check();"
        "print(f.space.dim, f.input_size, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "32 (32, 32) False"


def test_a_part_is_loaded_once(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "fp32")
    assert foundation.clip({"image"}) is foundation.clip({"image"})
    both = foundation.clip({"image", "text"})
    assert foundation.clip({"text"}) is both
    assert foundation.clip({"image"}) is both
    assert loads == [{"image"}, {"image", "text"}]


def test_parts_that_lie_apart_stay_apart(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "fp32")
    image, text = foundation.clip({"image"}), foundation.clip({"text"})
    assert foundation.clip({"image"}) is image
    assert foundation.clip({"text"}) is text
    assert len(loads) == 2


def test_only_what_is_missing_is_loaded_ahead(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "fp32")
    foundation.preload({"text"})
    foundation.preload({"text", "image"})
    foundation.preload({"text", "image"})
    foundation.preload(())
    assert loads == [{"text"}, {"image"}]


def test_it_reads_words_itself(tiny_model, loads):
    foundation = Foundation(str(tiny_model))
    assert foundation.parts_for_words == frozenset()
    rows = foundation.encode_text(["a dog"])
    np.testing.assert_array_equal(rows, foundation.text_encoder().encode_text(["a dog"]))
    assert loads == []
    assert Foundation(str(tiny_model), precision="bf16").parts_for_words == {"text"}


def test_what_is_released_is_loaded_anew(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "fp32")
    first = foundation.clip({"image"})
    foundation.release()
    assert foundation.clip({"image"}) is not first
    assert len(loads) == 2


def test_anew_it_shares_nothing_that_is_loaded(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "bf16")
    first = foundation.clip({"text"})
    other = foundation.anew(precision="fp32")
    assert (other.space, other.place.precision) == (foundation.space, "fp32")
    assert other.clip({"text"}) is not first
    assert foundation.clip({"text"}) is first
    assert foundation.anew().place == foundation.place
    assert loads == [{"text"}, {"text"}]


def test_many_threads_load_it_once(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "fp32")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: foundation.clip({"text"}), range(16)))
    assert len({id(each) for each in found}) == 1
    assert loads == [{"text"}]


@pytest.mark.parametrize("place", [("auto", "auto"), ("cpu", "fp32"), ("cpu", "auto")])
def test_words_are_read_without_torch_where_that_is_the_same(tiny_model, loads, place):
    encoder = Foundation(str(tiny_model), *place).text_encoder()
    assert encoder.encode_text(["a dog"]).shape == (1, 32)
    assert loads == []


def test_half_precision_asked_for_is_half_precision_got(tiny_model, loads):
    foundation = Foundation(str(tiny_model), "cpu", "bf16")
    foundation.text_encoder()
    assert loads == [{"text"}]


def test_both_ways_to_read_words_agree(tiny_model):
    foundation = Foundation(str(tiny_model), "cpu", "fp32")
    words = ["a dog", "same dress but sleeveless"]
    ours, theirs = foundation.text_encoder(), foundation.torch_text_encoder()
    np.testing.assert_allclose(ours.encode_text(words), theirs.encode_text(words), atol=1e-5)


def test_the_gallery_encoder_says_where_it_computes(tiny_model):
    said = []

    class Listening:
        note = warn = staticmethod(said.append)

    encoder = Foundation(str(tiny_model), "cpu", "fp32", Listening()).gallery_encoder()
    assert encoder.space == Foundation(str(tiny_model)).space
    assert [line for line in said if "cpu" in line and "fp32" in line]


def test_a_wrong_device_is_told_before_a_model_is_looked_for(tiny_model):
    with pytest.raises(UsageError, match="no device 'abacus'"):
        Foundation("there is no such model", "abacus").check()
    with pytest.raises(UsageError, match="no precision"):
        Foundation(str(tiny_model), precision="fp7").check()


def test_a_wrong_name_is_told_when_something_is_asked():
    with pytest.raises(ModelError, match="no model"):
        _ = Foundation("there is no such model").space

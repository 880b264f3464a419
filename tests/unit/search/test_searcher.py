"""Search over a real gallery of painted photos, with a model whose vectors are colours."""

import os
import threading
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import ImageError, SpaceMismatch, UsageError
from isa_cli.filters import Under
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.query.methods import DEFAULT_ALPHA, DEFAULT_METHOD
from isa_cli.query.tuned import TUNED, Choice
from isa_cli.reporting import Silent
from isa_cli.search.ranking import _folded, _Found
from isa_cli.search.references import read_reference
from isa_cli.search.request import Request
from isa_cli.search.searcher import Searcher
from isa_cli.types import EmbeddingSpace
from tests.fakes import MeanColour

WORDS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
COLOURS = {
    "red": (250, 0, 0),
    "rose": (250, 60, 60),
    "yellow": (200, 200, 0),
    "green": (0, 250, 0),
    "teal": (0, 160, 160),
    "blue": (0, 0, 250),
}


class Colours(MeanColour):
    """A backbone: pictures by their mean colour, words by the colour they name."""

    def encode_images(self, batch):
        return self.encode(batch)

    def encode_text(self, texts):
        return np.array([WORDS[text] for text in texts], np.float32)


class FakeFoundation:
    """A foundation whose parts are ``Colours``, and which notes what is loaded of it.

    Args:
        loaded: every set of parts that was loaded, in turn.
        backbone: what each part is.
        numpy: words need nothing loaded.
    """

    def __init__(self, loaded, backbone=Colours, *, numpy=False):
        self.loaded = loaded
        self.backbone = backbone
        self.space = backbone.space
        self.parts_for_words = frozenset() if numpy else frozenset({"text"})

    def clip(self, parts):
        if not any(set(parts) <= known for known in self.loaded):
            self.loaded.append(set(parts))
        return self.backbone()

    def preload(self, parts):
        if missing := set(parts).difference(*self.loaded):
            self.clip(missing)

    def encode_text(self, texts):
        self.preload(self.parts_for_words)
        return self.backbone().encode_text(texts)

    def torch_text_encoder(self):
        return self.clip({"text"})


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (8, 8), colour).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def gallery(tmp_path, photos):
    encoder = MeanColour()
    with Gallery.open(tmp_path / "gallery", writable=True, space=encoder.space) as opened:
        index_folders(
            opened,
            [os.fsencode(photos)],
            lambda: encoder,
            encoder.input_size,
            IndexOptions(),
            Silent(),
            threading.Event(),
        )
        yield opened


@pytest.fixture
def loaded():
    """What was loaded, in order."""
    return []


@pytest.fixture
def ask(gallery, loaded):
    searcher = Searcher(gallery, FakeFoundation(loaded))
    return lambda **request: searcher.search(Request(**request))


def names(answer):
    return [
        os.path.basename(hit.photo.paths[0]).decode().removesuffix(".png") for hit in answer.hits
    ]


def test_words_alone(ask, loaded):
    answer = ask(modifier="green", top=2)
    assert names(answer)[0] == "green"
    assert (answer.method, answer.alpha, answer.considered) == ("text", None, 6)
    assert loaded == [{"text"}]


def test_a_stored_reference_needs_no_model_and_is_left_out(ask, loaded, photos):
    answer = ask(references=(photos / "red.png",), top=2)
    assert names(answer) == ["rose", "yellow"]
    assert answer.method == "image"
    assert loaded == []


def test_the_reference_is_left_out_by_its_bytes_wherever_it_lies(ask, photos, tmp_path):
    elsewhere = tmp_path / "download.jpg"
    elsewhere.write_bytes((photos / "red.png").read_bytes())
    assert "red" not in names(ask(references=(elsewhere,)))
    assert names(ask(references=(elsewhere,), include_reference=True))[0] == "red"


def test_a_new_reference_with_words_loads_both_towers_once(ask, loaded, tmp_path):
    Image.new("RGB", (8, 8), (240, 10, 10)).save(tmp_path / "new.png")
    answer = ask(references=(tmp_path / "new.png",), modifier="green", method="sum", alpha=0.5)
    assert names(answer)[0] == "yellow"  # half way from red to green
    assert answer.alpha == 0.5
    assert loaded == [{"image", "text"}]


def test_towers_are_added_to_a_searcher_as_they_are_needed(ask, loaded, tmp_path):
    Image.new("RGB", (8, 8), (240, 10, 10)).save(tmp_path / "new.png")
    ask(modifier="red")
    ask(references=(tmp_path / "new.png",))
    ask(references=(tmp_path / "new.png",), modifier="blue")
    assert loaded == [{"text"}, {"image"}]


def test_words_are_read_without_the_model_where_that_can_be_done(gallery, loaded, tmp_path):
    Image.new("RGB", (8, 8), (240, 10, 10)).save(tmp_path / "new.png")
    searcher = Searcher(gallery, FakeFoundation(loaded, numpy=True))
    assert names(searcher.search(Request(modifier="green")))[0] == "green"
    assert loaded == []
    searcher.search(Request(references=(tmp_path / "new.png",), modifier="green"))
    assert loaded == [{"image"}]


def test_unwanted_words_and_pictures_push_their_like_down(ask, photos):
    plain = names(ask(modifier="green"))
    assert plain.index("teal") < plain.index("blue")
    without = names(ask(modifier="green", avoid_texts=("blue",)))
    assert without[-1] == "blue"
    assert without.index("teal") > plain.index("teal")
    assert names(ask(modifier="green", avoid_images=(photos / "teal.png",)))[0] != "teal"


def test_filters_keep_what_they_say_and_count_it(ask, photos):
    everything = Under(os.fsencode(photos))
    nothing = Under(b"/nowhere")
    assert len(ask(modifier="red", where=everything).hits) == 6
    answer = ask(modifier="red", where=nothing)
    assert (answer.hits, answer.considered) == ([], 0)


def test_ranks_scores_and_z_fall_together(ask):
    hits = ask(modifier="red").hits
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6]
    scores = np.array([hit.score for hit in hits])
    z = np.array([hit.z for hit in hits])
    assert (np.diff(scores) <= 0).all()
    np.testing.assert_allclose(z, (scores - scores.mean()) / scores.std(), atol=1e-3)


def test_near_duplicates_are_folded_behind_the_best_of_them(ask):
    answer = ask(modifier="red", group=0.9)
    first = answer.hits[0]
    assert names(answer)[0] == "red"
    assert [os.path.basename(photo.paths[0]) for photo in first.similar] == [b"rose.png"]
    assert len(answer.hits) == 5


def test_a_cosine_of_one_is_one_whatever_the_last_bit(gallery, ask):
    (alike,) = [hit for hit in ask(modifier="red", group=1.0).hits if hit.rank == 1]
    assert alike.similar == ()
    known = [int(key) for keys, _ in gallery.catalog.vectors.chunks() for key in keys]
    found = [_Found(key, 1.0, None) for key in known for _ in range(2)]
    assert [len(group) for group in _folded(gallery, found, 1.0)] == [2] * len(known)


def test_hiding_and_folding_do_not_shorten_the_answer(ask, photos):
    answer = ask(references=(photos / "red.png",), group=0.9, top=4)
    assert len(answer.hits) == 4


def test_copies_are_one_answer_with_all_their_paths(gallery, ask, photos):
    (photos / "another red.png").write_bytes((photos / "red.png").read_bytes())
    encoder = MeanColour()
    index_folders(
        gallery,
        [os.fsencode(photos)],
        lambda: encoder,
        (8, 8),
        IndexOptions(),
        Silent(),
        threading.Event(),
    )
    hit = ask(modifier="red", top=1).hits[0]
    assert [os.path.basename(path) for path in hit.photo.paths] == [b"another red.png", b"red.png"]


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({}, "nothing to search for"),
        ({"modifier": "red", "alpha": 1.5}, "between 0 and 1"),
        ({"modifier": "red", "top": 0}, "at least 1"),
        ({"modifier": "red", "method": "magic"}, "no composer is called 'magic'"),
        ({"modifier": "red", "method": "image"}, "needs a reference"),
        ({"modifier": "red", "group": 3.0}, "between -1 and 1"),
    ],
)
def test_impossible_requests_are_refused(ask, loaded, request_, problem):
    with pytest.raises(UsageError, match=problem):
        ask(**request_)
    assert loaded == []


def test_a_broken_reference_is_named(ask, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        ask(references=(tmp_path / "bad.jpg",))


def test_a_model_of_another_space_is_refused(gallery):
    class Stranger(Colours):
        space = EmbeddingSpace("stranger", 3, "f" * 64)

    for numpy in (True, False):
        searcher = Searcher(gallery, FakeFoundation([], Stranger, numpy=numpy))
        with pytest.raises(SpaceMismatch, match=r"mean-colour.*stranger"):
            searcher.search(Request(modifier="red"))


def test_a_reference_may_be_bytes_or_a_picture_in_memory(ask, loaded, photos):
    data = (photos / "red.png").read_bytes()
    assert names(ask(references=(data,), top=2)) == ["rose", "yellow"]
    assert loaded == []  # its bytes are known
    with Image.open(photos / "red.png") as picture:
        found = names(ask(references=(picture,), top=2))
    assert found == ["red", "rose"]  # nobody can say that it is the same
    assert loaded == [{"image"}]


def test_a_picture_in_memory_is_turned_as_a_file_would_be(gallery, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    left = Image.new("RGB", (8, 4), "blue")
    left.paste("red", (0, 0, 4, 4))
    left.save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as picture:
        seen = read_reference(picture).open()
    same = read_reference(tmp_path / "turned.png").open()
    assert (seen.mode, seen.size, seen.tobytes()) == ("RGB", same.size, same.tobytes())


def test_bytes_that_are_no_picture_are_said_to_be_the_reference(ask):
    with pytest.raises(ImageError, match="the reference: not a picture"):
        ask(references=(b"no picture",))


def test_an_answer_is_a_sequence_of_hits(ask):
    answer = ask(modifier="red", top=3)
    assert [hit.photo.path.stem for hit in answer] == names(answer)
    assert (len(answer), answer[0], answer.total) == (3, answer.hits[0], 6)


# --- with a query model ---


class FakeFile:
    """A query model's file: its header, and how often its weights were read."""

    def __init__(self, methods, parts, alpha=None):
        self.header = SimpleNamespace(
            methods=methods, parts=frozenset(parts), alpha={methods[0]: alpha}.get
        )
        self.loads = 0

    def load(self, space):
        self.loads += 1
        return self


class Green:
    """A learned composer whose answer is always green; its name is its method."""

    made: ClassVar[list[str]] = []

    def __init__(self, model, backbone, text, calibration, blend, reporter, method):
        self.blend = blend
        self.made.append(method)

    def compose(self, queries):
        self.queries = queries
        return np.array([[0, 1, 0]] * len(queries), np.float32)


ISA = (("isa",), {"text"})
TWO_STAGE = (("two-stage", "isa"), {"text"})
PUBLISHED = (("published",), {"image", "text"})


@pytest.fixture
def learned(gallery, loaded, monkeypatch):
    """A searcher with a query model of some kind: ``learned(*ISA)``, ``learned(None)``."""
    monkeypatch.setattr("isa_cli.query.isa.IsaComposer", Green)

    def make(methods, parts=(), alpha=None):
        Green.made.clear()
        file = FakeFile(methods, parts, alpha) if methods else None
        monkeypatch.setattr("isa_cli.search.searcher.query_file", lambda *_: file)
        searcher = Searcher(gallery, FakeFoundation(loaded))
        return file, lambda **request: searcher.search(Request(**request))

    return make


@pytest.mark.parametrize("kind", [ISA, TWO_STAGE, PUBLISHED], ids=lambda kind: kind[0][0])
def test_a_query_model_answers_whatever_its_kind(learned, loaded, photos, kind):
    file, ask = learned(*kind)
    request = {"references": (photos / "red.png",), "modifier": "blue"}
    answer = ask(**request)
    (best, *_), parts = kind
    assert (answer.method, answer.alpha, names(answer)[0]) == (best, 1.0, "green")
    assert loaded == [parts]
    assert names(ask(**request, method=best)) == names(answer)
    assert file.loads == 1  # of its weights, for both
    assert Green.made == [best]


def test_one_file_may_serve_several_methods(learned, photos):
    _, ask = learned(*TWO_STAGE, alpha=0.7)
    request = {"references": (photos / "red.png",), "modifier": "blue"}
    assert (ask(**request).method, ask(**request).alpha) == ("two-stage", 0.7)
    answer = ask(**request, method="isa")
    assert (answer.method, answer.alpha) == ("isa", 1.0)  # the weight is the other one's
    assert Green.made == ["two-stage", "isa"]


def test_the_light_kind_loads_no_image_tower_even_for_a_new_picture(learned, loaded, tmp_path):
    _, ask = learned(*ISA)
    Image.new("RGB", (8, 8), (240, 10, 10)).save(tmp_path / "new.png")
    ask(references=(tmp_path / "new.png",), modifier="blue")
    assert loaded == [{"text"}]


def test_a_blend_looks_at_the_references_vector_too(learned, loaded, tmp_path):
    _, ask = learned(*ISA)
    Image.new("RGB", (8, 8), (240, 10, 10)).save(tmp_path / "new.png")
    assert ask(references=(tmp_path / "new.png",), modifier="blue", alpha=0.5).alpha == 0.5
    assert loaded == [{"image", "text"}]


@pytest.mark.parametrize("method", ["slerp", "image", "text"])
def test_a_query_model_is_not_even_looked_for_where_it_can_not_answer(
    gallery, photos, method, monkeypatch
):
    def broken(*_):
        raise AssertionError("nobody needs it")

    monkeypatch.setattr("isa_cli.search.searcher.query_file", broken)
    searcher = Searcher(gallery, FakeFoundation([]))
    request = Request((photos / "red.png",), "blue", method=method)
    assert searcher.search(request).method == method
    assert searcher.search(Request(modifier="blue")).method == "text"
    assert searcher.search(Request((photos / "red.png",))).method == "image"


@pytest.mark.parametrize(
    ("kind", "asked", "problem", "instead"),
    [
        (ISA, "two-stage", "needs a query model of isa train compose", "--method isa"),
        (ISA, "published", "needs a query model of isa models import", "--method isa"),
        (PUBLISHED, "isa", "needs a query model of isa train", "--method published"),
        ((None,), "isa", "this gallery has none", "isa train"),
        ((None,), "published", "this gallery has none", "isa models import"),
    ],
)
def test_a_method_the_query_model_does_not_serve(
    learned, loaded, photos, kind, asked, problem, instead
):
    _, ask = learned(*kind)
    with pytest.raises(UsageError, match=problem) as refused:
        ask(references=(photos / "red.png",), modifier="blue", method=asked)
    assert instead in refused.value.hint
    assert loaded == []


# --- what a validation split has chosen ---


def test_a_query_models_own_weight_is_used_unless_another_is_asked_for(learned, photos):
    _, ask = learned(*ISA, alpha=0.7)
    request = {"references": (photos / "red.png",), "modifier": "blue"}
    assert ask(**request).alpha == 0.7
    assert ask(**request, alpha=0.2).alpha == 0.2


def choice(method, alpha):
    return Choice(method, alpha, "my.csv", "all", "R@1", 0.5, 20)


def test_a_gallerys_choice_is_its_default(learned, gallery, photos):
    gallery.catalog.metadata.set_setting(TUNED, choice("sum", 0.35).to_json())
    _, ask = learned(None)
    request = {"references": (photos / "red.png",), "modifier": "blue"}
    assert (ask(**request).method, ask(**request).alpha) == ("sum", 0.35)
    assert ask(**request, method="slerp").alpha == DEFAULT_ALPHA["slerp"]


@pytest.mark.parametrize("kept", ["no json", "{}", choice("other", 0.3).to_json()])
def test_a_choice_that_makes_no_sense_changes_nothing(learned, gallery, photos, kept):
    gallery.catalog.metadata.set_setting(TUNED, kept)
    answer = learned(None)[1](references=(photos / "red.png",), modifier="blue")
    assert (answer.method, answer.alpha) == (DEFAULT_METHOD, DEFAULT_ALPHA[DEFAULT_METHOD])


def test_a_reference_that_never_opens_is_named(ask, tmp_path, monkeypatch):
    Image.new("RGB", (8, 8), (240, 10, 10)).save(tmp_path / "new.png")
    never = threading.Event()
    monkeypatch.setattr("isa_cli.search.references.open_image", lambda *_, **__: never.wait())
    monkeypatch.setenv("ISA_MAX_SECONDS", "0.1")
    with pytest.raises(ImageError, match=r"new\.png: took longer than 0\.1 s"):
        ask(references=(tmp_path / "new.png",))
    never.set()

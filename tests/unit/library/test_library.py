"""One library from first index to last answer, from one thread and from many."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import isa_cli
from isa_cli.errors import (
    FilterError,
    GalleryError,
    GalleryMissing,
    ModelError,
    SpaceMismatch,
    UsageError,
)
from isa_cli.gallery.gallery import Gallery
from isa_cli.reporting import Lines


def paint(path, colour, size=(48, 32)):
    image = Image.new("RGB", size, colour)
    image.paste("white", (0, 0, size[0] // 3, size[1] // 2))
    image.save(path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library") / "photos"
    (folder / "old").mkdir(parents=True)
    for number in range(10):
        paint(folder / f"{number}.png", (25 * number, 255 - 20 * number, 40))
    paint(folder / "old" / "grey.png", (90, 90, 90))
    return folder


@pytest.fixture(scope="module")
def indexed(tmp_path_factory, photos, tiny_model):
    """A gallery that tests only read."""
    folder = tmp_path_factory.mktemp("library") / "gallery"
    with isa_cli.open(folder, model=str(tiny_model)) as library:
        summary = library.index([photos])
    assert (summary.embedded, summary.failures) == (11, [])
    return folder


@pytest.fixture
def own(tmp_path, photos, tiny_model):
    """A library that a test may change, over photos of its own."""
    import shutil

    shutil.copytree(photos, tmp_path / "photos")
    with isa_cli.open(tmp_path / "gallery", model=str(tiny_model)) as library:
        library.index([tmp_path / "photos"])
        yield library


def stems(answer):
    return [hit.photo.path.stem for hit in answer]


# --- reading again ---


def test_reread_takes_all_or_some_and_embeds_nothing_it_knows(own, tmp_path):
    photos = tmp_path / "photos"
    assert own.index(reread=True).reused == 11
    assert own.index(reread=[photos / "old"]).reused == 1
    assert own.index([photos], reread=[photos / "old", photos / "1.png"]).reused == 2
    assert own.index().tally.unchanged == 11
    assert own.stats.roots == (os.fsencode(photos),)


# --- searching ---


def test_a_path_its_bytes_and_the_words_are_answered(indexed, photos):
    with isa_cli.open(indexed) as library:
        by_path = library.search(photos / "3.png", "a dog", top=4)
        assert stems(library.search(str(photos / "3.png"), "a dog", top=4)) == stems(by_path)
        data = (photos / "3.png").read_bytes()
        assert stems(library.search(data, "a dog", top=4)) == stems(by_path)
        assert "3" not in stems(by_path)
        assert library.search(modifier="a dog").method == "text"
        both = library.search([photos / "3.png", photos / "4.png"])
        assert not {"3", "4"} & set(stems(both))
        assert stems(library.search(photos / "3.png", include_reference=True, top=1)) == ["3"]


def test_a_picture_in_memory_is_answered_like_its_file(indexed, photos):
    with isa_cli.open(indexed) as library, Image.open(photos / "3.png") as picture:
        assert stems(library.search(picture, top=1)) == ["3"]


def test_conditions_narrow_a_search_down(indexed, photos):
    with isa_cli.open(indexed) as library:
        assert stems(library.search(modifier="x", under=photos / "old")) == ["grey"]
        assert library.search(modifier="x", after="2024").considered == 0
        assert len(library.search(modifier="x", types="png", min_size="48", top=99)) == 11
        with pytest.raises(FilterError, match="no date"):
            library.search(modifier="x", after="yesterday")
        with pytest.raises(TypeError, match="unknown"):
            library.search(modifier="x", unknown=1)


def test_near_duplicates_are_folded_on_request(indexed):
    with isa_cli.open(indexed) as library:
        folded = library.search(modifier="x", group=-1.0, top=99)
        assert (len(folded), len(folded[0].similar)) == (1, 10)
        assert len(library.search(modifier="x", group=False, top=99)) == 11


def test_a_request_is_the_same_question(indexed, photos):
    with isa_cli.open(indexed) as library:
        request = isa_cli.Request((photos / "3.png",), "a dog", top=4)
        assert stems(library.ask(request)) == stems(
            library.search(photos / "3.png", "a dog", top=4)
        )


def test_four_threads_get_the_answers_of_one(indexed, photos):
    questions = [
        *({"reference": photos / f"{number}.png"} for number in range(6)),
        *({"reference": photos / f"{number}.png", "modifier": "at night"} for number in range(6)),
        *({"modifier": words, "exact": True} for words in ("a dog", "red", "in the snow")),
        {"reference": paint(photos.parent / "new.png", "olive"), "modifier": "a dog"},
    ] * 3

    def answers(library, threads):
        with ThreadPoolExecutor(threads) as pool:
            found = pool.map(lambda question: library.search(**question), questions)
            return [{hit.photo.digest: hit.score for hit in answer} for answer in found]

    with isa_cli.open(indexed) as alone, isa_cli.open(indexed) as shared:
        for ours, theirs in zip(answers(shared, 4), answers(alone, 1), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-5)


def test_what_others_index_meanwhile_is_found(own, tmp_path, tiny_model):
    assert own.search(modifier="x", top=99).total == 11
    paint(tmp_path / "photos" / "new.png", "navy")
    with isa_cli.open(own.folder, model=str(tiny_model)) as other:
        assert other.index().embedded == 1
    assert "new" in stems(own.search(modifier="x", top=99))


def test_a_search_under_way_outlives_the_gallery_that_it_began_with(own, tmp_path):
    paint(tmp_path / "photos" / "new.png", "navy")
    with own.reading() as (gallery, _):
        assert own.index().embedded == 1
        assert own.search(modifier="x").total == 12  # opened anew, beside the one in use
        assert gallery.catalog.vectors.count() == 12  # and that one is still open


# --- the whole of its life ---


def test_nothing_is_there_before_something_is_indexed(tmp_path):
    library = isa_cli.open(tmp_path / "gallery")
    with pytest.raises(GalleryMissing):
        library.search(modifier="a dog")
    with pytest.raises(GalleryMissing):
        library.forget(["x"])
    with pytest.raises(GalleryMissing):
        _ = library.stats
    with pytest.raises(UsageError, match="no folder"):
        library.index([tmp_path / "mistyped"])
    assert list(tmp_path.iterdir()) == []


def test_no_model_no_gallery(tmp_path, photos):
    with pytest.raises(ModelError):
        isa_cli.open(tmp_path / "gallery", model="there is none").index([photos])
    assert list(tmp_path.iterdir()) == []


def test_another_model_is_refused_and_the_own_one_needs_no_name(indexed, photos):
    with isa_cli.open(indexed, model="isa-mini") as library:
        with pytest.raises(SpaceMismatch, match="isa-mini"):
            library.search(photos / "3.png")
        with pytest.raises(SpaceMismatch, match="isa-mini"):
            library.index([photos])
    assert len(isa_cli.open(indexed).search(photos / "3.png", top=3)) == 3


def test_a_dry_run_of_indexing_counts_and_leaves_no_trace(tmp_path, photos):
    summary = isa_cli.open(tmp_path / "gallery", model="there is none").index(
        [photos], dry_run=True
    )
    assert (summary.found, summary.embedded) == (11, 0)
    assert list(tmp_path.iterdir()) == []


def test_indexing_stops_when_it_is_told_and_goes_on_where_it_was(tmp_path, photos, tiny_model):
    library = isa_cli.open(tmp_path / "gallery", model=str(tiny_model))
    stop = threading.Event()
    stop.set()
    assert library.index([photos], stop=stop).interrupted

    @contextmanager
    def never():
        yield threading.Event()

    assert library.index([photos], stop=never()).embedded == 11


def test_forgetting_says_before_what_it_does_after(own, tmp_path):
    (tmp_path / "photos" / "copy.png").write_bytes((tmp_path / "photos" / "3.png").read_bytes())
    (tmp_path / "photos" / "old" / "broken.png").write_bytes(b"no picture")
    own.index()
    for paths in ([tmp_path / "photos" / "3.png"], [tmp_path / "photos" / "old"], [tmp_path]):
        said = own.forget(paths, dry_run=True)
        assert own.forget(paths, dry_run=True).files == said.files  # nothing has changed
        done = own.forget(paths)
        assert (said.files, said.photos) == (done.files, done.photos)
        assert said.keys.tolist() == sorted(done.keys.tolist())
    assert own.stats.photos == 0


def test_forgetting_waits_for_nobody(own):
    with (
        Gallery.open(own.folder, writable=True),
        pytest.raises(GalleryError, match="another isa"),
    ):
        own.forget(["x"])


def test_nothing_learned_nothing_to_explain(indexed, photos):
    with isa_cli.open(indexed) as library:
        with pytest.raises(UsageError, match="no query model"):
            library.explain(photos / "3.png", "at night")
        with pytest.raises(UsageError, match="one picture and the words"):
            library.explain(photos / "3.png", "")


def test_a_closed_library_opens_again_when_it_is_asked(indexed, photos):
    library = isa_cli.open(indexed)
    before = stems(library.search(photos / "3.png"))
    library.close()
    library.close()
    assert stems(library.search(photos / "3.png")) == before
    library.close()


def test_settings_are_those_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ISA_GALLERY", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("ISA_DEVICE", "cpu")
    library = isa_cli.open()
    assert (library.folder, library.settings.device) == (tmp_path / "elsewhere", "cpu")
    assert isa_cli.open(tmp_path, device="auto").settings.device == "auto"


def test_a_home_is_spelled_out(monkeypatch, tmp_path, photos):
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    assert isa_cli.open("~/Pictures.isa").folder == tmp_path / "Pictures.isa"
    (tmp_path / "ref.png").write_bytes((photos / "3.png").read_bytes())
    request = isa_cli.open("~/none")
    with pytest.raises(GalleryMissing):
        request.search("~/ref.png")


def test_what_there_is_to_say_is_said_to_the_reporter(tmp_path, photos, tiny_model):
    said = []
    reporter = Lines(said.append)
    isa_cli.open(tmp_path / "g", model=str(tiny_model), reporter=reporter).index([photos])
    assert said[0].startswith("tiny on ")
    assert "indexing: 100 % of 11 img" in said


def test_bytes_of_no_picture_are_refused(indexed):
    buffer = BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    with isa_cli.open(indexed) as library:
        assert len(library.search(buffer.getvalue(), top=2)) == 2
        with pytest.raises(isa_cli.IsaError, match="the reference"):
            library.search(b"no picture")


def test_paths_are_paths(indexed, photos):
    with isa_cli.open(indexed) as library:
        hit = library.search(photos / "3.png", top=1)[0]
    assert isinstance(hit.photo.path, Path)
    assert hit.photo.path.is_file()

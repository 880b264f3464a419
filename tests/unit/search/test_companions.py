"""Which names are one shot, and what a search makes of them."""

import os
import threading

import pytest
from PIL import Image

from isa_cli.filters import Compare
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.reporting import Silent
from isa_cli.search.companions import leaders
from isa_cli.search.request import Request
from isa_cli.search.searcher import Searcher
from tests.fakes import MeanColour
from tests.unit.search.test_searcher import FakeFoundation

ONE = [
    "IMG_1.CR3 IMG_1.JPG",
    "DSC_1.NEF DSC_1.jpg",
    "P1.ORF P1.JPG",
    "IMG_1.DNG IMG_1.jpeg",
    "IMG_1.CR3 IMG_1.dng",
    "IMG_1.HEIC IMG_1.JPG",
    "img_1.heif IMG_1.jpg",
    "scan.tif scan.jpg",
    "IMG_1.CR3 IMG_1.HIF IMG_1.JPG IMG_1.PNG",
    "IMG_E1.JPG IMG_1.JPG",
    "IMG_E1234.HEIC IMG_1234.JPG",
    "IMG_1-edited.jpg IMG_1.jpg",
    "IMG_1 (edited).jpg IMG_1.jpg",
    "IMG_1_edited.png IMG_1.jpg",
    "IMG_1 edited.jpg IMG_1.jpg",
    "IMG_1 - Edited.jpg IMG_1.jpg",
    "IMG_1-bearbeitet.jpg IMG_1.jpg",
    "IMG_1-modifi\u00e9.jpg IMG_1.jpg",
    "IMG_1-modifie\u0301.jpg IMG_1.jpg",
    "IMG_1-editado.jpg IMG_1.jpg",
    "IMG_1-bewerkt.jpg IMG_1.jpg",
    "IMG_1-編集済み.jpg IMG_1.jpg",
    "IMG_1-edited(1).jpg IMG_1(1).jpg",
    "IMG_1-Edit.tif IMG_1.CR3",
    "IMG_1-Edit-2.jpg IMG_1.jpg",
    "IMG_1-Enhanced-NR.dng IMG_1.CR3",
    "IMG_1-edited-edited.jpg IMG_1.jpg",
    "20240501_120000~2.jpg 20240501_120000.jpg",
    "DSC_1.NEF.jpg DSC_1.NEF",
    "PXL_1.RAW-01.COVER.jpg PXL_1.RAW-02.ORIGINAL.dng",
    "PXL_1.RAW-01.MP.COVER.jpg PXL_1.RAW-02.ORIGINAL.dng",
    "PXL_1.PORTRAIT-01.COVER.jpg PXL_1.PORTRAIT-02.ORIGINAL.jpg",
    "IMG_1-edited.jpg IMG_1.HEIC IMG_E1.JPG",
]
APART = [
    "IMG_1.CR3 IMG_2.JPG",
    "IMG_1.JPG IMG_1.PNG",
    "IMG_1.JPG IMG_1(1).JPG",
    "IMG_1-edited(1).jpg IMG_1.jpg",
    "IMG_1.CR3 IMG_10.JPG",
    "IMG_1.CR3 IMG_1b.JPG",
    "IMG_1-2.jpg IMG_1.jpg",
    "IMG_EAST.jpg IMG_AST.jpg",
    "edited.jpg bearbeitet.jpg",
    "credited.jpg cr.jpg",
    "a/IMG_1.CR3 b/IMG_1.JPG",
    "a/IMG_1-edited.jpg IMG_1.jpg",
    "IMG_1 night.jpg IMG_1.jpg",
]


@pytest.mark.parametrize("names", ONE)
def test_these_are_one_shot(names):
    parts = _names(names)
    paths = [[os.fsencode(f"/p/{name}")] for name in parts]
    assert leaders(paths) == [0] * len(paths)
    assert leaders(paths[::-1]) == [0] * len(paths)


@pytest.mark.parametrize("names", APART)
def test_these_are_several(names):
    paths = [[os.fsencode(f"/p/{name}")] for name in _names(names)]
    assert leaders(paths) == list(range(len(paths)))


def _names(text):
    """Names, which may have blanks inside, by the suffixes that end them."""
    parts, whole = [], ""
    for word in text.split(" "):
        whole = f"{whole} {word}" if whole else word
        if "." in word:
            parts.append(whole)
            whole = ""
    return parts


def test_names_that_are_no_text_have_companions_too():
    assert leaders([[b"/p/caf\xe9 1.cr3"], [b"/p/caf\xe9 1.jpg"]]) == [0, 0]


def test_copies_lead_from_one_folder_to_the_other():
    paths = [[b"/a/1.cr3"], [b"/b/1.heic"], [b"/a/1.jpg", b"/b/1.jpg"], [b"/c/1.jpg"]]
    assert leaders(paths) == [0, 0, 0, 3]


# --- searching -----------------------------------------------------------------------------------


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(tmp_path / "gallery", writable=True, space=MeanColour.space) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos" / "other").mkdir(parents=True)
    return tmp_path / "photos"


@pytest.fixture
def ask(gallery, folder):
    """Index pictures by name and colour; search for red, or with other questions."""

    def call(pictures, **request):
        for name, (colour, size) in pictures.items():
            with (folder / name).open("wb") as file:
                Image.new("RGB", (size, 8), colour).save(file, "PNG")
        encoder = MeanColour()
        index_folders(
            gallery,
            [os.fsencode(folder)],
            lambda: encoder,
            (8, 8),
            IndexOptions(),
            Silent(),
            threading.Event(),
        )
        request = request or {"modifier": "red"}
        return Searcher(gallery, FakeFoundation([])).search(Request(**request))

    return call


def names(hits):
    return [hit.photo.path.name for hit in hits]


RED, ROSE, BLUE = (250, 0, 0), (250, 60, 60), (0, 0, 250)


def test_the_best_scored_stands_for_its_shot(ask):
    hits = ask(
        {
            "IMG_1.CR3": (RED, 8),
            "IMG_1.JPG": (ROSE, 8),
            "IMG_2.JPG": (ROSE, 9),
            "IMG_E2.JPG": (RED, 9),
            "other/IMG_1.JPG": (BLUE, 8),
        }
    )
    assert sorted(names(hits)[:2]) == ["IMG_1.CR3", "IMG_E2.JPG"]
    assert names(hits)[2:] == ["IMG_1.JPG"]
    folded = {hit.photo.path.name: [one.path.name for one in hit.companions] for hit in hits}
    assert folded == {"IMG_1.CR3": ["IMG_1.JPG"], "IMG_E2.JPG": ["IMG_2.JPG"], "IMG_1.JPG": []}
    assert [hit.rank for hit in hits] == [1, 2, 3]


@pytest.mark.parametrize("raw", ["A.CR3", "a.nef", "A.DNG"])
def test_of_equally_good_ones_the_developed_picture_stands_for_all(ask, raw):
    hits = ask({raw: (RED, 8), "a.JPG": (RED, 9), "b.jpg": (BLUE, 8)})
    assert names(hits) == ["a.JPG", "b.jpg"]
    assert [one.path.name for one in hits[0].companions] == [raw]


def test_folding_does_not_shorten_the_answer(ask):
    pictures = {}
    for number in range(6):
        pictures[f"IMG_{number}.CR3"] = ((250, 10 * number, 0), 8)
        pictures[f"IMG_{number}.JPG"] = ((250, 10 * number, 1), 8)
    hits = ask(pictures, modifier="red", top=4)
    assert {hit.photo.path.stem for hit in hits} == {"IMG_0", "IMG_1", "IMG_2", "IMG_3"}
    assert all(len(hit.companions) == 1 for hit in hits)


def test_a_companion_is_shown_even_where_it_was_not_found(ask, folder):
    pictures = {"IMG_1.JPG": (RED, 8), "IMG_1.CR3": (BLUE, 20), "IMG_2.JPG": (ROSE, 8)}
    assert [one.path.name for one in ask(pictures, modifier="red", top=1)[0].companions] == [
        "IMG_1.CR3"
    ]
    narrow = ask({}, modifier="red", where=Compare("width", "<", 10))
    assert names(narrow) == ["IMG_1.JPG", "IMG_2.JPG"]
    assert [one.path.name for one in narrow[0].companions] == ["IMG_1.CR3"]


def test_the_references_companions_are_hidden_with_it(ask, folder):
    pictures = {
        "IMG_1.JPG": (RED, 8),
        "IMG_1.CR3": (RED, 9),
        "IMG_E1.JPG": (ROSE, 8),
        "IMG_2.JPG": (ROSE, 9),
    }
    reference = (folder / "IMG_1.JPG",)
    assert names(ask(pictures, references=reference)) == ["IMG_2.JPG"]
    shown = ask({}, references=reference, include_reference=True)
    assert names(shown) == ["IMG_1.JPG", "IMG_2.JPG"]
    (folder / "IMG_2.DNG").write_bytes((folder / "IMG_E1.JPG").read_bytes() + b"more")
    beside = ask({}, references=(folder / "IMG_2.DNG",), modifier="")  # known only by its name
    assert "IMG_2.JPG" not in names(beside)


def test_every_file_may_be_an_answer_of_its_own(ask):
    pictures = {"IMG_1.JPG": (RED, 8), "IMG_1.CR3": (RED, 9)}
    hits = ask(pictures, modifier="red", companions=False)
    assert sorted(names(hits)) == ["IMG_1.CR3", "IMG_1.JPG"]
    assert [hit.companions for hit in hits] == [(), ()]


def test_near_duplicates_are_folded_between_shots(ask):
    pictures = {"IMG_1.JPG": (RED, 8), "IMG_1.CR3": (RED, 9), "IMG_2.JPG": (ROSE, 8)}
    (hit,) = ask(pictures, modifier="red", group=0.9)
    assert [photo.path.name for photo in hit.similar] == ["IMG_2.JPG"]
    assert [photo.path.name for photo in hit.companions] == ["IMG_1.CR3"]

"""The contact sheet: whole, self-contained, and safe from what file names may hold."""

import base64
import os
from io import BytesIO

import pytest
from PIL import Image

from isa_cli.errors import ImageError
from isa_cli.pages.contact_sheet import answer_sheet, contact_sheet
from isa_cli.pages.question import AskedPicture
from isa_cli.pages.thumbnails import SIDE, jpeg
from isa_cli.search.request import Answer, Request
from tests.unit.pages.conftest import hit
from tests.unit.pages.reading import HOSTILE, Page


@pytest.fixture
def sheet():
    """Make a sheet with fake thumbnails and return its page."""

    def make(hits=(), asked=(), modifier="", **more):
        more = {"title": "t", "facts": {}, "load": lambda path: b"jpeg of " + path} | more
        return Page(contact_sheet(asked=asked, modifier=modifier, hits=hits, **more))

    return make


def test_a_hit_shows_rank_score_name_date_and_camera(sheet):
    page = sheet([hit(b"/p/dog.jpg", 7, taken_at="2024-05-01T12:30:00", camera="Pixel 8")])
    times, sigma = "\N{MULTIPLICATION SIGN}", "\N{GREEK SMALL LETTER SIGMA}"
    facts = f"7 dog.jpg copy 0.312 +4.2 {sigma} 4000 {times} 3000 1 May 2024, 12:30 Pixel 8"
    assert facts in page.text
    assert page.all("a", "title") == ["/p/dog.jpg"] * 2
    assert page.all("button", "data-copy") == ["/p/dog.jpg"]
    assert page.all("time", "datetime") == ["2024-05-01T12:30:00"]
    assert page.all("img", "alt") == ["dog.jpg"]


def test_thumbnails_are_in_the_file_in_the_order_of_the_hits(sheet):
    names = [f"/p/{number}.jpg".encode() for number in range(20)]
    page = sheet([hit(name, rank) for rank, name in enumerate(names, 1)])
    head, *_ = parts = [src.partition(";base64,") for src in page.all("img", "src")]
    assert head[0] == "data:image/jpeg"
    assert [base64.b64decode(part[2]) for part in parts] == [b"jpeg of " + name for name in names]


def test_the_question_reads_as_a_sum_with_the_unwanted_last(sheet):
    asked = [AskedPicture(b"/q/no.jpg", avoided=True), AskedPicture(b"/q/a.jpg")]
    page = sheet([hit(b"/p/1.jpg")], asked, "at night", avoid=["people"])
    assert "a.jpg + at night \u2212 no.jpg \u2212 people = 1 photo" in page.text


@pytest.mark.parametrize(
    ("asked", "words", "expected"),
    [([AskedPicture(b"/q/a.jpg")], "", "a.jpg = 0 photos"), ([], "dogs", "dogs = 0 photos")],
)
def test_a_question_of_one_term_has_no_plus(sheet, asked, words, expected):
    page = sheet([], asked, words)
    assert expected in page.text
    assert "+" not in page.text.partition("Nothing was found.")[0]


def test_names_cannot_break_out_of_the_page(sheet):
    page = sheet(
        [hit(HOSTILE, camera="<b>", taken_at="<i>yesterday", more=(HOSTILE,))],
        [AskedPicture(HOSTILE)],
        '"><script>',
        title="</title><script>",
        avoid=["<script>"],
        facts={"<script>": "${x}</script>"},
    )
    assert [tag for tag, _ in page.tags].count("script") == 1
    for words in (
        "</title><script>",
        '"><script>',
        "<script> ${x}</script>",
        "<b>",
        "<i>yesterday",
    ):
        assert words in page.text
    assert page.all("a", "title")[0].startswith(
        '/p/<script>alert("1")</script>\'&\\n\\x1b[31m\\xff'
    )
    assert "\x1b" not in page.text
    assert "\u202e" not in "".join(page.words), "a name may not turn the text around"


def test_links_carry_the_names_very_bytes(sheet):
    page = sheet([hit(HOSTILE)])
    (uri, *_) = page.all("a", "href")
    assert uri.startswith("file:///p/%3Cscript%3E")
    assert uri.endswith("%27%26%0A%1B%5B31m%FF%E2%80%AEgpj.exe")
    assert page.all("button", "data-copy") == [uri], "no plain text could name this file"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ImageError("truncated after 12 bytes"), "truncated after 12 bytes"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_a_file_that_cannot_be_opened_shows_why_instead_of_a_picture(sheet, error, shown):
    def load(path):
        if b"bad" in path:
            raise error
        return b"x"

    page = sheet([hit(b"/p/bad.jpg"), hit(b"/p/good.jpg", 2)], load=load)
    assert page.all("img", "alt") == ["good.jpg"]
    assert f"{shown} 1 bad.jpg" in page.text


def test_copies_and_similar_photos_are_listed(sheet):
    similar = tuple(hit(b"/p/s%d.jpg" % number).photo for number in range(2))
    page = sheet([hit(b"/p/a.jpg", similar=similar, more=(b"/p/copy.jpg",))])
    assert "+1 copy copy.jpg +2 similar photos s0.jpg s1.jpg" in page.text


@pytest.mark.parametrize("z", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_score_that_does_not_stand_out_has_no_bar(sheet, z):
    page = sheet([hit(b"/p/a.jpg", z=z)])
    assert page.all("i", "style") == ["width:0%"]
    assert "nan" not in page.text


def test_an_answer_becomes_a_sheet_with_real_thumbnails(tmp_path):
    for name in ("ref.png", "hit.png"):
        Image.new("RGB", (1000, 500), "teal").save(tmp_path / name)
    request = Request(references=(tmp_path / "ref.png",), modifier="in red", avoid_texts=("blue",))
    answer = Answer([hit(os.fsencode(tmp_path / "hit.png"))], "sum", 0.5, 1234, 1234)
    page = Page(answer_sheet(answer, request))
    assert "ref.png + in red \u2212 blue = 1 photo" in page.text
    assert "method sum compared with 1,234 photos alpha 0.5" in page.text
    for source in page.all("img", "src"):
        with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            assert (image.format, image.size) == ("JPEG", (SIDE, SIDE // 2))


def test_a_thumbnail_is_small_and_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.effect_noise((2000, 1000), 64).convert("RGB").save(tmp_path / "a.jpg", exif=exif)
    data = jpeg(os.fsencode(tmp_path / "a.jpg"))
    with Image.open(BytesIO(data)) as image:
        assert image.size == (SIDE // 2, SIDE)
    assert len(data) < 40_000, "a hundred of these make a sheet of a few megabytes"


def test_a_reference_may_have_no_file():
    picture = Image.new("RGB", (1000, 500), "teal")
    stream = BytesIO()
    picture.save(stream, "PNG")
    for reference in (picture, stream.getvalue()):
        page = answer_sheet(Answer([], "sum", 0.5, 0, 0), Request((reference,), "in red"))
        assert "a picture in memory" in page
        assert "data:image/jpeg;base64," in page

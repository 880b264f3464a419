"""The page of an explained query, and its lit pictures."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from isa_cli.pages.explanation import SIDE, lit
from tests.unit.pages.conftest import explanation_of
from tests.unit.pages.reading import Page


def test_a_picture_is_lit_where_a_token_looks_and_grey_elsewhere():
    seen = np.full((50, 100, 3), (200, 40, 40), np.uint8)
    attention = np.array([[0.0, 0.0, 0.2, 0.2]] * 2, np.float32)
    with Image.open(BytesIO(lit(seen, attention))) as image:
        assert (image.format, image.size) == ("PNG", (SIDE, SIDE // 2))
        dark, light = image.getpixel((2, 64)), image.getpixel((SIDE - 2, 64))
    assert light == (200, 40, 40)
    assert len(set(dark)) == 1
    assert dark[0] < 40


def test_what_looks_nowhere_is_dark_everywhere():
    seen = np.full((4, 4, 3), 255, np.uint8)
    with Image.open(BytesIO(lit(seen, np.zeros((2, 2), np.float32)))) as image:
        assert image.getextrema() == ((41, 41),) * 3


def test_the_page_tells_every_number(files):
    page = Page(explanation_of("in <red>", *files))
    assert "ref.png + in <red> = 2 words of isa's own, and yours" in page.text
    assert "1 holds 50% moves 0.1250 near in <red> 0.50, red 0.25" in page.text
    assert "the picture's sentence, read without the words 0.600" in page.text
    assert "the words, read without the picture -0.600" in page.text
    assert "1 hit.png gain +1.00 cosine z query 0.500 +3.0 reference 0.400 +1.0" in page.text
    assert page.text.endswith("method in <red> compared with 12 photos nearest of 1,000 words")
    widths = page.all("i", "style")
    assert widths == ["width:100%", "width:100%", "width:60%", "width:0%"]


def test_pictures_are_the_reference_the_maps_and_the_answers(files):
    sources = Page(explanation_of("in red", *files)).all("img", "src")
    heads = [source.partition(";base64,")[0] for source in sources]
    assert heads == ["data:image/jpeg", *["data:image/png"] * 2, "data:image/jpeg"]
    for source in sources:
        with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            image.load()


def test_a_token_without_a_map_says_so(files):
    page = Page(explanation_of("in red", *files, attention=None))
    assert page.text.count("no map: it is made from the picture as a whole") == 2
    assert "holds" not in page.text.partition("What the query is made of")[0].split("cosine,")[1]
    assert len(page.all("img", "src")) == 2

"""The page of an evaluation's failures."""

import base64
import re
from io import BytesIO

from PIL import Image

from isa_cli.pages.failures import SIDE
from tests.unit.pages.conftest import failures_of
from tests.unit.pages.reading import Page


def test_the_worst_come_first_and_their_outcome_is_told(files):
    page = Page(failures_of("in <red>", *files))
    order = [page.text.index(words) for words in ("“three”", "“two” / “in other words”")]
    assert order == sorted(order)
    assert order[-1] < page.text.index("right answer at rank 1 · first · easy")
    assert "not among the first 2 · never" in page.text
    assert "right answer at rank 2 , 1 more right · second" in page.text
    assert "in <red>, test: sum 3 questions of 3, worst first. R@1 33.3 %" in page.text
    assert page.text.endswith('gallery 3 template words="{modifier}" model in <red>')


def test_no_more_questions_than_asked_for(files):
    page = Page(failures_of("one", *files, most=1))
    assert [tag for tag, _ in page.tags].count("section") == 1
    assert "1 question of 3" in page.text
    assert "“three”" in page.text


def test_each_picture_is_in_the_page_once_and_a_lost_one_says_why(files):
    text = failures_of("one", *files)
    sources = re.findall(r"url\(data:image/jpeg;base64,([^)]*)\)", text)
    assert len(sources) == 2
    for source in sources:
        with Image.open(BytesIO(base64.b64decode(source))) as image:
            assert (image.format, image.size) == ("JPEG", (SIDE, SIDE // 2))
    lost = Page(text).words.count("there is no such file")
    assert lost == 3, "a right answer of one question, an answer to two"


def test_right_answers_are_marked_and_wrong_ones_are_not(files):
    page = Page(failures_of("one", *files))
    marks = [attrs for tag, attrs in page.tags if "mark" in attrs.get("class", "").split()]
    assert [mark["class"] for mark in marks] == ["mark right"] * 2
    assert len([kind for kind in page.all("a", "class") if kind.endswith(" yes")]) == 2

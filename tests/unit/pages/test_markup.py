"""Words and names as markup."""

import pytest

from isa_cli.pages.markup import copied, link, named, words
from tests.unit.pages.reading import HOSTILE, TURNING, Page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & 'c'", "a &lt; b &amp; &#x27;c&#x27;"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\ud800", "\\ud800"),
        ("two\nlines\tand\r\nmore", "two lines and more"),
        ("夏\u3000京都\xa0x", "夏\u3000京都\xa0x"),
        ("عکس\u200cها", "عکس\u200cها"),  # noqa: RUF001 - Persian is meant
        ("👩\u200d👧", "👩\u200d👧"),
    ],
)
def test_what_can_not_be_seen_is_spelt_out_and_what_letters_need_stays(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize("control", TURNING)
def test_nothing_turns_the_text_around(control):
    assert words(control) == named(control) == f"\\u{ord(control):04x}"


def test_a_names_line_end_is_no_blank():
    assert named(b"a\nb\xff") == "a\\nb\\xff"


def test_a_link_carries_the_names_very_bytes():
    page = Page(link(HOSTILE))
    (uri,) = page.all("a", "href")
    assert uri.startswith("file:///p/%3Cscript%3E")
    assert uri.endswith("%27%26%0A%1B%5B31m%FF%E2%80%AEgpj.exe")
    assert page.all("a", "title")[0].startswith(
        '/p/<script>alert("1")</script>\'&\\n\\x1b[31m\\xff\\u202e'
    )


def test_a_path_is_copied_as_it_is_or_as_its_uri_where_no_text_could_name_it():
    assert copied("/p/夏\u3000 <1>.jpg".encode()) == "/p/夏\u3000 &lt;1&gt;.jpg"
    assert copied(b"/p/\xff.jpg") == "file:///p/%FF.jpg"
    assert copied(b"/p/a\n.jpg") == "file:///p/a%0A.jpg"

"""The contact sheet: whole, self-contained, and safe from what file names may hold."""

import base64
import hashlib
import os
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from isa_cli.cli.sheet import SheetImage, write_answer, write_sheet
from isa_cli.cli.thumbnails import SIDE, jpeg
from isa_cli.errors import ImageError, UsageError
from isa_cli.search.request import Answer, Request
from isa_cli.types import Hit, Photo, PhotoInfo

HOSTILE = b'/p/<script>alert("1")</script>\'&\n\x1b[31m\xff\xe2\x80\xaegpj.exe'


class Page(HTMLParser):
    """The tags, the attributes and the words of a sheet."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, name):
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def hit(path, rank=1, score=0.3125, z=4.25, similar=(), more=(), **info):
    info = PhotoInfo("JPEG", 4000, 3000, **info)
    return Hit(rank, score, z, Photo(rank, "00", (path, *more), 1, info), similar)


@pytest.fixture
def sheet(tmp_path):
    """Write a sheet with fake thumbnails and return its page."""

    def write(hits=(), references=(), modifier="", **more):
        path = tmp_path / "sheet.html"
        more = {"title": "t", "meta": {}, "load": lambda path: b"jpeg of " + path} | more
        write_sheet(path, references=references, modifier=modifier, hits=hits, **more)
        return Page(path.read_text("utf-8"))

    return write


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
    references = [SheetImage(b"/q/no.jpg", avoided=True), SheetImage(b"/q/a.jpg")]
    page = sheet([hit(b"/p/1.jpg")], references, "at night", avoid=["people"])
    assert "a.jpg + at night \u2212 no.jpg \u2212 people = 1 photo" in page.text


@pytest.mark.parametrize(
    ("references", "words", "expected"),
    [([SheetImage(b"/q/a.jpg")], "", "a.jpg = 0 photos"), ([], "dogs", "dogs = 0 photos")],
)
def test_a_question_of_one_term_has_no_plus(sheet, references, words, expected):
    page = sheet([], references, words)
    assert expected in page.text
    assert "+" not in page.text.partition("Nothing was found.")[0]


def test_names_cannot_break_out_of_the_page(sheet):
    page = sheet(
        [hit(HOSTILE, camera="<b>", taken_at="<i>yesterday", more=(HOSTILE,))],
        [SheetImage(HOSTILE)],
        '"><script>',
        title="</title><script>",
        avoid=["<script>"],
        meta={"<script>": "${x}</script>"},
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


def test_nothing_is_fetched_and_only_the_own_script_may_run(sheet, tmp_path):
    sheet([hit(b"/p/a.jpg")], [SheetImage(b"/q/b.jpg")], "x")
    text = (tmp_path / "sheet.html").read_text("utf-8")
    page = Page(text)
    (policy,) = [value for value in page.all("meta", "content") if "default-src" in value]
    assert "default-src 'none'" in policy
    (script,) = re.findall("<script>(.*)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    loaded = page.all("img", "src") + page.all("script", "src") + page.all("link", "href")
    assert all(source.startswith("data:") for source in loaded)
    assert not re.search(r"https?://|@import|url\(", text)


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


def test_the_sheet_replaces_the_old_one_and_leaves_nothing_beside_it(sheet, tmp_path):
    (tmp_path / "sheet.html").write_text("old")
    sheet([hit(b"/p/a.jpg")])
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.html"]
    assert "old" not in (tmp_path / "sheet.html").read_text("utf-8")


def test_a_sheet_that_cannot_be_written_is_a_users_mistake_and_keeps_the_old_one(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "none" / "sheet.html"):
        with pytest.raises(UsageError, match=path.name):
            write_sheet(path, title="", references=[], modifier="x", hits=[], meta={})
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path):
    (tmp_path / "link.html").symlink_to("real.html")
    for path in (tmp_path / "link.html", Path("/dev/null")):
        write_sheet(path, title="", references=[], modifier="x", hits=[], meta={})
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").is_file()
    assert not Path("/dev/null").is_file()


def test_an_answer_becomes_a_sheet_with_real_thumbnails(tmp_path):
    for name in ("ref.png", "hit.png"):
        Image.new("RGB", (1000, 500), "teal").save(tmp_path / name)
    request = Request(references=(tmp_path / "ref.png",), modifier="in red", avoid_texts=("blue",))
    answer = Answer([hit(os.fsencode(tmp_path / "hit.png"))], "sum", 0.5, 1234)
    write_answer(tmp_path / "s.html", answer, request)
    page = Page((tmp_path / "s.html").read_text("utf-8"))
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

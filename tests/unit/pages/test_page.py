"""What holds of every page: it is one file, it fetches nothing, and no word in it can do harm."""

import base64
import hashlib
import os
import re
from pathlib import Path

import pytest

from isa_cli.errors import UsageError
from isa_cli.pages.page import put, whole
from tests.unit.pages.reading import TURNING, Page

HARM = f"</title><script>\"'${{x}} \x1b[31m\x00\x9b {TURNING}\ud800"


def test_nothing_is_fetched_and_only_the_pages_own_script_may_run(write, files):
    text = write("in red", *files)
    page = Page(text)
    (policy,) = [value for value in page.all("meta", "content") if "default-src" in value]
    rules = dict(rule.split(maxsplit=1) for rule in policy.split(";"))
    scripts = re.findall("<script>(.*)</script>", text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    loaded = [
        value
        for tag, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "srcset", "data", "poster", "action", "background"}
        or (name == "href" and tag != "a")
    ]
    assert loaded
    assert all(source.startswith("data:") for source in loaded)
    assert all(source.startswith("data:") for source in re.findall(r"url\(([^)]*)\)", text))
    assert all(target.startswith("file:///") for target in page.all("a", "href"))
    assert not re.search(r"https?://|@import", text)


def test_words_and_names_can_not_break_out_or_turn_the_text_around(write, tmp_path, files):
    hostile = tmp_path / 'a<b>"\x1b[31m\u202egpj.png'
    hostile.write_bytes(files[1].read_bytes())
    text = write(HARM, hostile, hostile)
    usual = Page(write("in red", *files))
    page = Page(text)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in usual.tags]
    assert not set(text) & set(TURNING + "\x1b\x00\x9b\ud800")
    shown = "\\x1b[31m\\x00\\x9b \\u061c\\u200e\\u200f\\u202a"
    assert f"</title><script>\"'${{x}} {shown}" in page.text
    assert r'a<b>"\x1b[31m\u202egpj.png' in " ".join(
        [page.text, *page.all("a", "title"), *page.all("a", "aria-label")]
    )
    text.encode()  # a browser gets UTF-8


def test_the_foot_tells_the_facts_and_a_page_without_a_script_has_none():
    text = whole(title="a & b", top="<p>top</p>", body="<p>body</p>", facts={"x<": "1 & 2"})
    page = Page(text)
    assert page.text.endswith("a & b top body x< 1 & 2")
    assert "script" not in {tag for tag, _ in page.tags}


def test_a_page_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "page.html").write_text("old")
    put(tmp_path / "page.html", "new \N{EURO SIGN}\r\n")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_bytes() == "new \N{EURO SIGN}\r\n".encode()


def test_a_page_that_cannot_be_written_is_a_users_mistake_and_keeps_the_old_one(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "none" / "page.html"):
        with pytest.raises(UsageError, match=path.name) as caught:
            put(path, "new")
        assert "in a folder that exists" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path):
    (tmp_path / "link.html").symlink_to("real.html")
    for path in (tmp_path / "link.html", Path(os.devnull)):
        put(path, "new")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"
    assert not Path(os.devnull).is_file()

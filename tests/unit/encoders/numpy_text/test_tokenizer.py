"""Token ids without open_clip's tokenizer: always equal to its own."""
# ruff: noqa: RUF001 - the texts are meant to confuse

from __future__ import annotations

import gzip
import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isa_cli.encoders.numpy_text.tokenizer import (
    END,
    START,
    VOCABULARY_SIZE,
    Tokenizer,
    read_merges,
)

TEXTS = [
    "",
    " ",
    "a dog on the beach",
    "A Dog,on the BEACH!!!",
    "isn't it? we'll've been; they'd re'd 'tis 's 'S I'M",
    "1234 years, 3.14 and x2y3",
    "tabs\tand\nnew\r\nlines\x0b\x0c and  two  spaces",
    "fish &amp; chips, &amp;amp; &lt;b&gt; &eacute; &#39;s &copy &nbsp; x",
    "<b>bold &amp; brave</b>",
    "a <start_of_text> b <end_of_text> c <END_OF_TEXT>",
    "café, naïve, Ærøskøbing, ÅNGSTRÖM, İstanbul, ß, ſ, K",
    "犬が海岸にいる 한국어 Привет мир שלום नमस्ते ١٢٣",
    "ＬＯＵＤ　ＮＯＩＳＥＳ ﬂubberiﬁc “quotes” it’s… – —",
    "👩‍👩‍👧‍👦 🏖️ 🇩🇪 smile☺",
    "schÃ¶n âœ” mojibake",
    "\x1b[36;44mcolour\x1b[0m \x00 \x7f \x85 \xa0 \u200b \ufeff",
    "lone \udc80 surrogate",
    "supercalifragilisticexpialidocious aaaaaaaaaaaaaaaa ababababab",
    "_under_score_ #tag @name http://example.com/?q=a&b=c 'don''t'",
    "word " * 500,
    "unbelievable-" * 200,
    "!" * 400,
    "x" * 300,
]
WORDS = (
    "the photo's sunset mountains didn't 42 <end_of_text> &amp; Zürich 🐕 red-haired e.g. O'Neil"
)


@pytest.fixture(scope="module")
def merges():
    found = read_merges()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def theirs():
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()


@pytest.fixture(scope="module")
def ours(merges):
    return Tokenizer(merges, 77)


def check(ours, theirs, texts):
    ids, cut = ours.tokenize(texts)
    np.testing.assert_array_equal(ids, theirs(list(texts)).numpy())
    whole = [len(theirs.encode(text)) + 2 for text in texts]
    assert cut == [length > 77 for length in whole]


def test_the_constants_are_open_clips(theirs):
    assert (theirs.sot_token_id, theirs.eot_token_id) == (START, END)
    assert theirs.vocab_size == len(theirs.encoder) == VOCABULARY_SIZE


def test_every_kind_of_text(ours, theirs):
    check(ours, theirs, TEXTS)


def test_every_ascii_character_alone_and_between_letters(ours, theirs):
    check(ours, theirs, [chr(code) for code in range(128)])
    check(ours, theirs, [f"a{chr(code)}B {chr(code)}s" for code in range(128)])


def test_real_captions(ours, theirs, shared_data):
    file = shared_data / "benchmarks" / "cirr" / "captions" / "cap.rc2.val.json"
    captions = [entry["caption"] for entry in json.loads(file.read_text())][:800]
    check(ours, theirs, captions)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
@example("ſ's ŉ'ſ")  # letters that ignore-case pairs with s
def test_any_unicode(ours, theirs, text):
    check(ours, theirs, [text])


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(max_codepoint=127), max_size=120))
def test_any_ascii(ours, theirs, text):
    check(ours, theirs, [text])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), min_size=60, max_size=90))
def test_texts_around_the_context_length(ours, theirs, words):
    check(ours, theirs, [" ".join(words)])


@pytest.mark.parametrize("length", [3, 16, 32, 77, 128])
def test_any_context_length(merges, length):
    from open_clip.tokenizer import SimpleTokenizer

    ids, _ = Tokenizer(merges, length).tokenize(TEXTS)
    np.testing.assert_array_equal(ids, SimpleTokenizer(context_length=length)(TEXTS).numpy())


def test_only_a_text_that_lost_something_counts_as_cut(merges):
    _, cut = Tokenizer(merges, 5).tokenize(["one two three", "one two three four"])
    assert cut == [False, True]


@pytest.mark.parametrize(
    "content", [None, b"not gzip", gzip.compress(b"too\nfew lines\n", mtime=0)]
)
def test_a_vocabulary_that_is_not_clips_is_refused(tmp_path, monkeypatch, content):
    if content is not None:
        (tmp_path / "bpe_simple_vocab_16e6.txt.gz").write_bytes(content)
    fake = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: fake)
    assert read_merges() is None


def test_without_open_clip_there_is_no_vocabulary(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert read_merges() is None

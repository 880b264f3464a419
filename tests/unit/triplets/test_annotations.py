"""Annotation files may hold anything: one sentence, and the entry is named."""

import json
import os

import pytest

from isa_cli.errors import BenchmarkError
from isa_cli.triplets.annotations import read_json, read_records

HINT = "its authors say how to get it"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"\0\0\0", "not JSON"),
        (b"\xff\xfe\0", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a":' * 200_000, "not JSON"),
        (b"1" * 10**6, "not JSON"),
        (b'["' + b"x" * 10**6, "not JSON"),
        (b"{}", "no list"),
        (b"[]", "no list"),
        (b"null", "no list"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_file_of_anything_is_one_sentence(tmp_path, data, said):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(BenchmarkError, match=said) as caught:
        read_json(tmp_path / "a.json", list, HINT)
    assert HINT in caught.value.hint
    assert len(caught.value.message) < 400 + len(str(tmp_path))


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "a.json", list, HINT) == [1]


def test_a_pipe_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(BenchmarkError, match="a pipe or a device"):
        read_json(tmp_path / "a.json", list, HINT)


@pytest.mark.parametrize("value", [True, 1, None, [], {}, "\ud800", "caf\udce9"])
def test_what_is_no_text_is_named_by_its_entry(tmp_path, value):
    (tmp_path / "a.json").write_text(json.dumps([{"caption": "fine"}, {"caption": value}]))
    with pytest.raises(BenchmarkError, match="record 1: caption is no text"):
        read_records(tmp_path / "a.json", lambda _, entry: entry.get("caption", str), HINT)

"""Bytes out of the file system, digests, and suffixes."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from isa_cli import regular
from isa_cli.errors import ImageError
from isa_cli.images import digest, limits, looks_like_photo, read_file


def test_a_file_is_read_by_bytes_text_or_path(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"abc")
    assert read_file(path) == read_file(str(path)) == read_file(os.fsencode(path)) == b"abc"


def test_a_file_over_the_limit_is_refused_with_both_numbers(tmp_path):
    (tmp_path / "a.jpg").write_bytes(bytes(1001))
    with pytest.raises(ImageError, match=r"1,001 bytes.* 1,000 bytes"):
        read_file(tmp_path / "a.jpg", max_bytes=1000)
    assert len(read_file(tmp_path / "a.jpg", max_bytes=1001)) == 1001


class Growing(io.FileIO):
    """A file to which somebody appends as fast as it is read."""

    def read(self, size=-1):
        with Path(self.name).open("ab") as more:
            more.write(bytes(70_000))
        data = super().read(size)
        self.taken = getattr(self, "taken", 0) + len(data)
        seen.append(self.taken)
        return data


seen = []


@pytest.mark.parametrize("limit", [1000, 70_000, 300_001])
def test_a_file_that_grows_is_read_no_further_than_the_limit(tmp_path, monkeypatch, limit):
    (tmp_path / "a.jpg").write_bytes(bytes(999))
    seen.clear()
    monkeypatch.setattr(regular, "open", lambda path, *_, **__: Growing(path, "rb"), raising=False)
    with pytest.raises(ImageError, match=f"too large.*{limit:,} bytes"):
        read_file(tmp_path / "a.jpg", max_bytes=limit)
    assert seen[-1] == limit + 1


def test_a_file_that_grew_a_little_is_read_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a" * 200_000)
    fstat = os.fstat

    def smaller(descriptor):
        return os.stat_result((*fstat(descriptor)[:6], 100, *fstat(descriptor)[7:]))

    monkeypatch.setattr(regular.os, "fstat", smaller)
    assert read_file(path) == b"a" * 200_000
    assert read_file(path, max_bytes=200_000) == b"a" * 200_000
    with pytest.raises(ImageError, match="199,999 bytes"):
        read_file(path, max_bytes=199_999)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("gone.jpg", "no such file"), ("a\0b.jpg", "file name"), ("x" * 300, "name is too long")],
)
def test_a_name_without_a_file_is_said_to_be_one(tmp_path, name, reason):
    with pytest.raises(ImageError, match=reason):
        read_file(tmp_path / name)


def test_permission_denied_is_said_even_where_root_could_read(tmp_path, monkeypatch):
    def denied(path, flags):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(regular.os, "open", denied)
    with pytest.raises(ImageError, match="no permission"):
        read_file(tmp_path / "a.jpg")


def test_a_digest_depends_on_the_bytes_alone():
    assert len(digest(b"")) == 16
    assert digest(b"a") == digest(b"a") != digest(b"b")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"a.jpg", True),
        (b"A.JPEG", True),
        (b"x/y.HeIc", True),
        (b"caf\xe9.dng", True),
        (b"a.mov", False),
        (b"a.jpg.txt", False),
        (b".jpg", False),
        (b"jpg", False),
    ],
)
def test_suffixes_of_photos(name, expected):
    assert looks_like_photo(name) is expected


# --- limits --------------------------------------------------------------------------------------


def test_work_within_its_time_gives_its_result_or_its_own_error():
    assert limits.within(60, lambda: 7, passing=True) == 7
    assert limits.within(60, lambda: None, passing=True) is None
    with pytest.raises(KeyError):
        limits.within(60, lambda: {}["gone"], passing=True)


@pytest.mark.parametrize("passing", [True, False])
def test_work_that_takes_too_long_is_left_behind(passing):
    never = threading.Event()
    with pytest.raises(ImageError, match=r"longer than 0\.05 s") as caught:
        limits.within(0.05, never.wait, passing=passing)
    never.set()
    assert (caught.value.passing, caught.value.needs) == (
        passing,
        "" if passing else "seconds 0.05",
    )


def test_no_thread_left_is_passing(monkeypatch):
    def refused(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(ImageError, match="no thread") as caught:
        limits.within(60, lambda: 7, passing=False)
    assert caught.value.passing


@pytest.mark.parametrize(
    ("needs", "met"),
    [
        *(("", False), ("pixels 100", True), ("pixels 101", False)),
        *(("seconds 59", True), ("seconds 60", False), ("something later", False)),
    ],
)
def test_what_a_file_needed_is_there_or_is_not(monkeypatch, needs, met):
    monkeypatch.setenv("ISA_MAX_PIXELS", "100")
    monkeypatch.setenv("ISA_MAX_SECONDS", "60")
    assert limits.is_met(needs) is met

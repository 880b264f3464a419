"""Only regular files are opened; everything else has a reason, and nothing waits."""

import os
import socket

import pytest

from isa_cli import regular


def test_a_file_is_read_and_a_mark_before_its_text_is_not(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfhello")
    assert regular.read_bytes(path) == b"\xef\xbb\xbfhello"
    assert regular.read_text(os.fsencode(path)) == "hello"
    assert regular.check(path) is None
    (tmp_path / "link").symlink_to(path)
    assert regular.read_bytes(tmp_path / "link", at_most=8) == b"\xef\xbb\xbfhello"


def refused(path, **limits):
    """Why a file is not opened, by every function alike."""
    reasons = set()
    for function in (regular.opened, regular.read_bytes, regular.read_text, regular.check):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - any of them
            function(path, **limits)
        reasons.add(regular.reason(caught.value))
    (reason,) = reasons
    return reason


def test_what_is_no_file_says_what_it_is(tmp_path):
    assert refused(tmp_path) == "a folder, not a file"
    os.mkfifo(tmp_path / "fifo")
    assert refused(tmp_path / "fifo") == "a pipe or a device, not a file"
    assert refused("/dev/null") == "a pipe or a device, not a file"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        assert refused(tmp_path / "s") == "a socket or a device, not a file"
    (tmp_path / "loop").symlink_to("loop")
    assert "circle" in refused(tmp_path / "loop")
    (tmp_path / "lost").symlink_to("gone")
    assert refused(tmp_path / "lost") == "there is no such file"
    assert refused(tmp_path / "none") == "there is no such file"
    assert refused(b"a\0b") == "no possible file name"
    assert "too long" in refused("a" * 5000)


def test_a_size_over_the_limit_is_told_with_both_numbers(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)  # no byte of it is on the disk
    assert "1,099,511,627,776 bytes, the limit is 1,000 bytes" in refused(
        tmp_path / "huge", at_most=1000
    )
    regular.check(tmp_path / "huge")

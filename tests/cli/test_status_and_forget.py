"""``isa status`` and ``isa forget``: what the catalogue says, and taking things out of it."""

import json
import os
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def own(indexed, tmp_path):
    """A copy of the gallery that a test may change."""
    return shutil.copytree(indexed.gallery, tmp_path / "own")


def test_status_for_people(indexed, isa):
    said = isa("status", "--gallery", indexed.gallery)
    assert said.code == 0
    assert said.err == ""
    assert "6 in 7 files and 2 folders" in said.out
    assert "32 dimensions" in said.out
    assert "2023-05-01 to 2024-06-01" in said.out
    assert "3 photos without a date, 5 without a place" in said.out
    assert str(indexed.photos) in said.out
    assert "bytes a photo" in said.out
    assert "1 file; isa status --failed" in said.out


def test_status_for_programs(indexed, isa):
    facts = json.loads(isa("status", "--json", "--gallery", indexed.gallery).out)
    assert (facts["photos"], facts["files"], facts["failed"]) == (6, 7, 1)
    assert (facts["undated"], facts["unplaced"]) == (3, 5)
    assert facts["roots"] == [str(indexed.photos)]
    assert facts["model"] == str(indexed.model)
    assert facts["space"]["dim"] == 32
    assert facts["bytes_per_photo"] > 0


def test_failures_are_listed_with_their_reason(indexed, isa):
    said = isa("status", "--failed", "--gallery", indexed.gallery)
    path, reason = said.out.rstrip("\n").split("\t")
    assert path == str(indexed.photos / "broken.jpg")
    assert "truncated" in reason
    (record,) = [
        json.loads(line)
        for line in isa(
            "status", "--failed", "--json", "--gallery", indexed.gallery
        ).out.splitlines()
    ]
    assert record == {"path": path, "reason": reason}


def test_forget_a_file_keeps_its_copy(own, isa, indexed):
    said = isa("forget", indexed.photos / "red.jpg", "--gallery", own)
    assert said.code == 0
    assert "forgot 1 file (0 photos left the gallery)" in said.err
    assert (indexed.photos / "red.jpg").exists()
    facts = json.loads(isa("status", "--json", "--gallery", own).out)
    assert (facts["photos"], facts["files"]) == (6, 6)


def test_forget_a_folder_and_search_no_longer_finds_it(own, isa, indexed):
    said = isa("forget", indexed.photos / "2024", "--gallery", own)
    assert "forgot 3 files (2 photos left the gallery)" in said.err
    found = isa("search", "dog", "--paths", "--device", "cpu", "--gallery", own).out
    assert "2024" not in found
    assert "red.jpg" in found


def test_forget_in_a_dry_run_only_says_so(own, isa, indexed):
    said = isa("forget", indexed.photos, "--dry-run", "--gallery", own)
    assert "would forget 8 files" in said.err
    assert json.loads(isa("status", "--json", "--gallery", own).out)["photos"] == 6


def test_forget_everything_wants_a_yes(own, isa):
    assert isa("forget", "--all", "--gallery", own).code == 2
    said = isa("forget", "--all", "--yes", "--gallery", own)
    assert said.code == 0
    assert "6 photos left the gallery" in said.err
    empty = isa("search", "dog", "--device", "cpu", "--gallery", own)
    assert empty.code == 1
    assert "the gallery is empty" in empty.err


@pytest.mark.parametrize("arguments", [[], [""], ["x", "--all"]])
def test_forget_what(isa, own, arguments):
    said = isa("forget", *arguments, "--gallery", own)
    assert said.code == 2
    assert "→" in said.err


def test_forget_something_unknown(own, isa):
    said = isa("forget", "no/such.jpg", "--gallery", own)
    assert said.code == 1
    assert "forgot 0 files" in said.err


@pytest.mark.parametrize("command", ["status", "forget", "search"])
def test_no_gallery_is_one_sentence_and_creates_none(command, isa, tmp_path):
    said = isa(command, *(["x"] if command != "status" else []), "--gallery", tmp_path / "none")
    assert said.code == 4
    assert "isa index" in said.err
    assert not (tmp_path / "none").exists()


def test_commands_that_need_no_model_never_reach_torch(own, indexed):
    code = (
        "import sys; from isa_cli.cli.main import run; run(sys.argv[1:]);"
        " sys.exit('torch' in sys.modules)"
    )
    red = str(indexed.photos / "red.jpg")
    for arguments in (["status"], ["search", red], ["forget", red]):
        command = [sys.executable, "-c", code, *arguments, "--gallery", str(own)]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr)


def test_a_reader_that_goes_away_is_no_error(indexed):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "isa_cli", "status", "--gallery", str(indexed.gallery)],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""

"""``isa triplets`` and ``isa wardrobe triplets`` as users call them."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.cli.conftest import isa_process
from tests.unit.triplets.test_datasets import make_cirr

COLOURS = ("black", "brown", "white", "red")


@pytest.fixture
def captioned(tmp_path):
    """A CSV file of twelve photos, eight of them in the split train, and the photos."""
    rows = ["image,split,caption"]
    (tmp_path / "photos").mkdir()
    for place in ("beach", "road", "lawn"):
        for colour in COLOURS:
            name = f"{colour}-{place}.jpg"
            (tmp_path / "photos" / name).write_text(name)
            split = "test" if place == "lawn" else "train"
            rows += [f"{name},{split},A {colour} dog runs on the {place}"] * 2
    (tmp_path / "captions.csv").write_text("\n".join(rows))
    return tmp_path


def records(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def make(isa, folder, *more, out="triplets.jsonl"):
    photos = ("--photos", folder / "photos")
    table = ("--captions", folder / "captions.csv")
    return isa("triplets", "make", *table, *photos, "--out", folder / out, *more)


# --- make, from captions -------------------------------------------------------------------------


def test_triplets_are_mined_and_pass_their_check_in_processes_of_their_own(captioned):
    done = isa_process(
        *("triplets", "make", "--captions", "captions.csv", "--photos", "photos"),
        *("--out", "triplets.jsonl"),
        cwd=captioned,
    )
    assert (done.code, done.out) == (0, "")
    made = records(captioned / "triplets.jsonl")
    assert f"{len(made)} triplets of 12 references" in done.err
    assert "some of them will be wrong" in done.err
    assert "isa index" in done.err
    assert "isa train compose --triplets" in done.err
    checked = isa_process("triplets", "check", "triplets.jsonl", cwd=captioned)
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith(f"{len(made)} triplets of 12 references and 12 targets, ")
    assert made[0]["reference"].startswith("photos/")


def test_the_seed_the_split_and_the_list_choose(isa, captioned):
    def made(*options):
        assert make(isa, captioned, "--quiet", *options).code == 0
        return records(captioned / "triplets.jsonl")

    everything = made()
    assert made("--seed", 0) == everything
    assert made("--seed", 1) != everything
    assert made("--count", 5) == everything[:5]
    assert len(made("--per-reference", 1)) == 12
    assert not any("lawn" in one["target"] for one in made("--split", "train"))
    (captioned / "list.txt").write_text("red-lawn.jpg\nwhite-lawn.jpg\n")
    listed = made("--list", captioned / "list.txt")
    assert {one["reference"] for one in listed} == {"photos/red-lawn.jpg", "photos/white-lawn.jpg"}


def test_names_start_beside_the_table_where_no_folder_is_named(isa, captioned):
    shutil.move(captioned / "captions.csv", captioned / "photos" / "captions.csv")
    out = captioned / "photos" / "t.jsonl"
    done = isa("triplets", "make", "--captions", captioned / "photos/captions.csv", "--out", out)
    assert done.code == 0
    assert "/" not in records(out)[0]["reference"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["make"], "--out"),
        (["make", "--out", "t.jsonl"], "no source is named"),
        (["make", "--out", "t.jsonl", "--captions", "c.csv", "--cirr", "x"], "two sources"),
        (["make", "--out", "t.jsonl", "--captions", ""], "--captions is empty"),
        (["make", "--out", "", "--captions", "c.csv"], "--out is empty"),
        (["make", "--out", "c.csv", "--captions", "c.csv"], "--out would overwrite"),
        (["make", "--out", "t.jsonl", "--captions", "c.csv"], "c.csv can't be read"),
        (["make", "--out", "t.jsonl", "--captions", "c.csv", "--photos", ""], "--photos is empty"),
        (["make", "--out", "t.jsonl", "--cirr", "x", "--photos", "y"], "goes with --captions"),
        (["make", "--out", "t.jsonl", "--cirr", "x", "--per-reference", 2], "goes with --captions"),
        (["make", "--out", "t.jsonl", "--captions", "c.csv", "--count", 0], "--count"),
        (["check"], "FILE"),
        (["check", ""], "name is empty"),
        (["check", "gone.jsonl"], "gone.jsonl can't be read"),
        (["find"], "find"),
    ],
)
def test_what_can_not_be_made_is_told_and_nothing_is_written(
    isa, arguments, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    done = isa("triplets", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_photos_that_are_not_there_and_captions_unlike_each_other_are_told(isa, captioned):
    done = isa(
        *("triplets", "make", "--captions", captioned / "captions.csv"),
        *("--out", captioned / "t.jsonl"),
    )
    assert done.code == 2
    assert "none of the 12 photos is there" in done.err
    (captioned / "captions.csv").write_text(
        "image,caption\nred-lawn.jpg,A dog on a road\nred-road.jpg,Two ships at sea\n"
    )
    done = make(isa, captioned)
    assert done.code == 2
    assert "no two of the 2 photos" in done.err
    assert not (captioned / "triplets.jsonl").exists()


# --- make, from published sets -------------------------------------------------------------------


def test_published_triplets_are_called_supervised(isa, tmp_path):
    make_cirr(tmp_path / "CIRR")
    out = tmp_path / "cirr.jsonl"
    done = isa("triplets", "make", "--cirr", tmp_path / "CIRR", "--out", out)
    assert done.code == 0
    assert "supervised" in done.err
    assert len(records(out)) == 3
    call = ("triplets", "make", "--cirr", tmp_path / "CIRR", "--out", out, "--count", 2)
    assert isa(*call).code == 0
    assert len(records(out)) == 2
    assert isa("triplets", "check", out).code == 0


def test_a_published_set_that_is_not_there_is_told(isa, tmp_path):
    done = isa("triplets", "make", "--fashioniq", tmp_path, "--out", tmp_path / "t.jsonl")
    assert done.code == 4
    assert "cap.dress.train.json" in done.err
    assert "→" in done.err


# --- check ---------------------------------------------------------------------------------------


def test_check_names_every_line_of_no_use(isa, captioned):
    assert make(isa, captioned, "--quiet").code == 0
    file = captioned / "triplets.jsonl"
    count = len(records(file))
    with file.open("a") as stream:
        stream.write('{"reference": "a\\u001b.jpg", "modifier": "x", "target": "b.jpg"}\n' * 2)
        stream.write("{}\n" * 8)
    done = isa("triplets", "check", file)
    assert done.code == 2
    lines = done.out.splitlines()
    assert lines[0] == f"line {count + 1}: there is no reference a\\x1b.jpg"
    assert lines[9] == f"line {count + 10}: no reference"
    assert lines[10].startswith(f"{count} triplets of 12 references")
    assert f"10 of the {count + 10} triplets" in done.err


# --- the wardrobe's own --------------------------------------------------------------------------


def wardrobe(isa, folder, *more, command="triplets"):
    size = ("--size", 32) if command == "triplets" else ("--size", 32, "--quiet")
    return isa("wardrobe", command, folder, *size, *more)


def test_the_wardrobe_renders_its_own(isa, tmp_path):
    done = wardrobe(isa, tmp_path / "w", "--count", 3)
    assert (done.code, done.out) == (0, "")
    assert "3 triplets of 6 pictures" in done.err
    assert "isa train compose --triplets" in done.err
    made = records(tmp_path / "w" / "triplets.jsonl")
    assert [one["reference"] for one in made] == ["00000.jpg", "00002.jpg", "00004.jpg"]
    assert [one["target"] for one in made] == ["00001.jpg", "00003.jpg", "00005.jpg"]
    shutil.move(tmp_path / "w", tmp_path / "moved")
    checked = isa("triplets", "check", tmp_path / "moved" / "triplets.jsonl")
    assert checked.out.startswith("3 triplets of 3 references and 3 targets")


def test_an_interrupted_rendering_goes_on(isa, tmp_path):
    assert wardrobe(isa, tmp_path, "--count", 3).code == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.jpg")}
    file = tmp_path / "triplets.jsonl"
    content = file.read_bytes()
    file.unlink()
    (tmp_path / "00003.jpg").unlink()
    assert wardrobe(isa, tmp_path, "--count", 3).code == 0
    assert file.read_bytes() == content
    changed = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed == {"00003.jpg"}


def test_triplets_of_pictures_that_are_gone_are_not_kept(isa, tmp_path):
    assert wardrobe(isa, tmp_path, "--count", 2).code == 0
    assert wardrobe(isa, tmp_path, "--count", 2, command="render").code == 0
    assert not (tmp_path / "triplets.jsonl").exists()


def test_a_folder_of_other_files_keeps_its_own(isa, tmp_path):
    (tmp_path / "triplets.jsonl").write_text("mine")
    for command in ("triplets", "render"):
        done = wardrobe(isa, tmp_path, "--count", 1, command=command)
        assert done.code == 2
        assert "not empty" in done.err
    assert (tmp_path / "triplets.jsonl").read_text() == "mine"


def test_a_folder_without_a_name_is_told(isa):
    done = isa("wardrobe", "triplets", "")
    assert done.code == 2
    assert "the folder's name is empty" in done.err

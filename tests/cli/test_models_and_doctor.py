"""``isa models`` and ``isa doctor``."""

import json
import shutil

import pytest


def test_short_names_for_people(isa):
    said = isa("models")
    assert said.code == 0
    header, *rows = said.out.splitlines()
    assert header.split() == ["NAME", "MODEL", "VECTOR", "DOWNLOAD", "LICENCE", "HERE"]
    assert [row.split()[0] for row in rows if not row.startswith(" ")][:3] == [
        *("small", "base", "large")
    ]


def test_short_names_for_programs(isa):
    records = {
        record["name"]: record
        for record in map(json.loads, isa("models", "--json").out.splitlines())
    }
    assert records["large"]["model"] == "ViT-L-14/datacomp_xl_s13b_b90k"
    assert records["large"]["dim"] == 768
    assert records["large"]["licence"] == "MIT"
    assert records["large"]["cached"] in {True, False}
    assert records["isa-mini"]["megabytes"] == 0
    assert records["isa-mini"]["cached"] is True


def test_every_model_by_a_part_of_its_name(isa):
    said = isa("models", "siglip2")
    assert said.code == 0
    assert "ViT-B-16-SigLIP2-256/webli" in said.out.splitlines()
    assert all("siglip2" in line.lower() for line in said.out.splitlines())
    every = isa("models", "--all", "--json").out.splitlines()
    assert len(every) > len(said.out.splitlines())
    assert {"model": "ViT-L-14/datacomp_xl_s13b_b90k"} in map(json.loads, every)


def test_no_such_model_is_nothing_found(isa):
    said = isa("models", "no such thing")
    assert said.code == 1
    assert said.out == ""


@pytest.fixture
def own(indexed, tmp_path):
    return shutil.copytree(indexed.gallery, tmp_path / "own")


def test_a_sound_gallery(isa, own):
    said = isa("doctor", "--gallery", own, "--device", "cpu")
    assert said.code == 0, said.out
    assert "✗" not in said.out
    for word in ("Python", "torch", "device: cpu", "HEIC", "6 photos", "index", "model", "free"):
        assert word in said.out


def test_without_a_gallery_nothing_is_wrong(isa, tmp_path):
    said = isa("doctor", "--gallery", tmp_path / "none")
    assert said.code == 0
    assert "· gallery: there is no gallery" in said.out
    assert "not downloaded yet" in said.out
    assert not (tmp_path / "none").exists()


def test_a_damaged_catalogue(isa, own):
    (own / "catalog.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    for stale in own.glob("catalog.db-*"):
        stale.unlink()
    said = isa("doctor", "--gallery", own)
    assert said.code == 4
    assert "✗ gallery" in said.out
    assert "→" in said.out


def test_a_device_that_is_not_there(isa, own):
    said = isa("doctor", "--gallery", own, "--device", "toaster")
    assert said.code == 4
    assert "✗ device: there is no device 'toaster' here" in said.out


def test_a_model_that_has_moved_away(isa, own, indexed, tmp_path):
    said = isa("doctor", "--gallery", own, "--model", tmp_path / "gone")
    assert said.code == 4
    assert "✗ model" in said.out


def test_fix_makes_the_index_again(isa, own):
    said = isa("doctor", "--fix", "--gallery", own)
    assert said.code == 0
    assert "made again" in said.err
    assert isa("search", "dog", "--gallery", own, "--device", "cpu").code == 0


def test_fix_creates_no_gallery(isa, tmp_path):
    said = isa("doctor", "--fix", "--gallery", tmp_path / "none")
    assert said.code == 4
    assert not (tmp_path / "none").exists()

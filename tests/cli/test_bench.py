"""``isa bench``: small rounds on a tiny model; what the numbers are is the machine's affair."""

import json

import pytest

from isa_cli.bench import material
from isa_cli.bench.searching import bench_cold
from isa_cli.cli import console


@pytest.fixture
def bench(isa, indexed):
    """Measure with the shared gallery, on the CPU, starting no process."""

    def call(*arguments, gallery=indexed.gallery):
        return isa("bench", *arguments, "--cold", 0, "--device", "cpu", "--gallery", gallery)

    return call


@pytest.fixture
def none(tmp_path):
    return tmp_path / "none"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_users_gallery_is_measured_and_only_read(bench, indexed):
    before = contents(indexed.gallery)
    said = bench("--rounds", 2, "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert report["machine"]["device"] == "cpu"
    assert set(report["machine"]["packages"]) >= {"torch", "usearch", "open_clip_torch"}
    index = report["index"]
    assert index["photos"] == 6
    assert len(index["efficiencies"]) == 2
    assert min(index["efficiencies"]) <= index["efficiency"] <= max(index["efficiencies"])
    assert all(index[rate] > 0 for rate in ("pipeline", "encoder", "decoder", "efficiency"))
    (search,) = report["search"]
    assert search["warm"]["vectors"] == 6
    assert search["warm"]["recall"] == 1.0
    assert search["warm"]["engine"].startswith("exact")
    assert search["bytes_per_photo"] > 64
    assert search["cold"] == []
    assert report["peak_bytes"] > 10_000_000
    after = contents(indexed.gallery)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"catalog.db-wal", "catalog.db-shm"}  # any reader's


def test_generated_galleries(bench, none):
    said = bench("--vectors", 40, "--dim", 16, "--skip-index", "--json", gallery=none)
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert report["index"] is None
    assert [one["gallery"] for one in report["search"]] == [
        *("generated clusters", "generated decaying")
    ]
    for one in report["search"]:
        assert (one["warm"]["vectors"], one["warm"]["recall"]) == (40, 1.0)
        assert 0 < one["warm"]["p50_ms"] <= one["warm"]["p95_ms"]
    assert not none.exists()


def test_generated_photos_where_there_are_none(bench, none, tiny_model):
    said = bench(
        *("--model", tiny_model, "--count", 2, "--rounds", 1, "--skip-search"), gallery=none
    )
    assert said.code == 0, said.err
    assert "making 2 photos" in said.err
    lines = dict(line.split("\t") for line in said.out.splitlines())
    assert lines["indexing"].startswith("2 photos with ")
    assert float(lines["  efficiency"].split()[0]) > 0
    assert not none.exists()


def test_a_folder_of_photos_without_copies_and_broken_ones(indexed):
    found = material.photos_in(indexed.photos)
    assert {"broken.jpg", "red again.jpg", "red.jpg"} <= {path.name for path in found}
    chosen = [path.name for path in material.choose(found, 100)]
    assert len(chosen) == 6
    assert "broken.jpg" not in chosen
    assert len(material.choose(found, 3)) <= 3


def test_a_table_for_people(bench, none, monkeypatch):
    monkeypatch.setattr(console, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    said = bench("--vectors", 40, "--dim", 16, "--skip-index", gallery=none)
    assert "recall@10" in said.out
    assert "1.0000" in said.out
    assert "\t" not in said.out


def test_whole_processes_are_timed_and_one_that_fails_is_left_out(none, capsys):
    reporter = console.ConsoleReporter()
    times = bench_cold("nothing", ["--version"], 1, reporter)
    assert times.by == "nothing"
    assert 0 < times.p50_s == times.p95_s
    assert bench_cold("a photo", ["status", "--gallery", str(none)], 1, reporter) is None
    assert "searching by a photo is left out: isa: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--photos", "/no/such/folder"], "/no/such/folder"),
        (["--photos", ""], "--photos"),
        (["--count", "0"], "--count"),
        (["--model", "/no/such/model"], "/no/such/model"),
    ],
    ids=" ".join,
)
def test_senseless_requests_are_one_sentence(bench, arguments, words):
    said = bench(*arguments, "--skip-search")
    assert said.code in {2, 4}
    assert words in said.err
    assert said.out == ""


def test_a_folder_without_photos(bench, tmp_path):
    said = bench("--photos", tmp_path, "--skip-search")
    assert said.code == 2
    assert "there are no photos in" in said.err

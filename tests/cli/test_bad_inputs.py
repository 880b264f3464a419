"""A folder with every kind of bad file in it, indexed by the real command."""

import json
import os
import re

import pytest

from isa_cli.gallery.gallery import Gallery
from tests.bad_inputs import BAD_INPUTS
from tests.cli.conftest import isa_process

APPLYING = [bad for bad in BAD_INPUTS if bad.applies()]


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_model):
    """(what was said, gallery, folder, path by name) of one run over all of them."""
    home = tmp_path_factory.mktemp("bad")
    folder, gallery = home / "photos", home / "gallery"
    folder.mkdir()
    paths = {bad.name: bad.make(folder) for bad in APPLYING}
    said = isa_process("index", folder, "--gallery", gallery, "--model", tiny_model)
    return said, gallery, folder, paths


@pytest.fixture(scope="module")
def files(run):
    """(indexed paths, failed paths with reasons), as the catalogue has them."""
    with Gallery.open(run[1]) as gallery:
        indexed = {
            path
            for keys, _ in gallery.catalog.vectors.chunks()
            for photos in gallery.catalog.photos.of(keys).values()
            for photo in photos
            for path in photo.paths
        }
        return indexed, dict(gallery.catalog.photos.failures()), gallery.catalog.check()


def test_the_run_ends_in_good_order_and_says_that_some_failed(run, files):
    said = run[0]
    assert said.code == 3, said.err
    assert "Traceback" not in said.err
    assert files[2] == []


@pytest.mark.parametrize("bad", APPLYING, ids=lambda bad: repr(bad.name)[2:-1])
def test_each_file_ends_as_the_table_says(bad, run, files):
    path = run[3][bad.name]
    indexed, failed, _ = files
    assert (path in indexed) == (bad.outcome == "indexed")
    assert (path in failed) == (bad.outcome == "failed")
    if bad.outcome == "failed":
        assert re.search(bad.reason, failed[path])
        assert "\n" not in failed[path]


def test_nothing_is_tried_again_until_it_changes(run):
    _, gallery, folder, _ = run
    again = isa_process("index", folder, "--gallery", gallery)
    passing = {"permission"}  # what the file system says may be over by now
    failures = sum(bad.outcome == "failed" and bad.reason not in passing for bad in APPLYING)
    assert f"{failures} failed before and unchanged" in again.err
    assert "0 photos embedded" in again.err


def test_the_failures_are_listed_losslessly(run):
    _, gallery, _, paths = run
    listed = isa_process("status", "--failed", "--json", "--gallery", gallery)
    rows = [json.loads(line) for line in listed.out.splitlines()]
    expected = {paths[bad.name] for bad in APPLYING if bad.outcome == "failed"}
    assert {os.fsencode(row["path"]) for row in rows} == expected
    assert all(row["reason"] for row in rows)

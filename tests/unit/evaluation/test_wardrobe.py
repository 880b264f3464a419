"""The wardrobe as a benchmark: its pictures on disk, its cases as the collection says."""

import pytest
from PIL import Image

from isa_cli.evaluation.wardrobe import KINDS, METRICS, SEEN, UNSEEN, wardrobe
from isa_cli.reporting import Silent
from isa_cli.wardrobe.cases import collection


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wardrobe") / "pictures"
    return wardrobe(Silent(), seed=3, cases=20, gallery=60, folder=folder)


def test_cases_are_the_collections(made):
    expected = collection(3, cases=20, gallery=60).cases
    assert [(c.reference, c.modifier, c.targets) for c in made.cases] == [
        (t.reference, t.change.modifier, t.targets) for t in expected
    ]
    assert [c.groups for c in made.cases] == [
        (t.change.kind, UNSEEN if t.held_out else SEEN) for t in expected
    ]
    assert len({case.id for case in made.cases}) == 20
    assert set(made.groups) == {*KINDS, SEEN, UNSEEN}
    assert made.protocol == {"seed": 3}
    assert not made.keep_reference


def test_every_picture_is_there_in_its_place(made):
    assert len(made.images) == 60
    for path in made.images[::20]:
        with Image.open(path) as image:
            assert image.size == (128, 128)


def test_the_metrics_look_at_no_more_than_is_ranked(made):
    assert list(made.metrics) == ["R@1", "R@5", "R@10", "mAP@10"]
    assert max(int(name.partition("@")[2]) for name in METRICS) == made.depth


def test_pictures_go_to_the_cache_and_are_found_there_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = wardrobe(Silent(), seed=4, cases=2, gallery=6)
    stamps = [path.stat().st_mtime_ns for path in first.images]
    second = wardrobe(Silent(), seed=4, cases=2, gallery=6)
    assert all(path.is_relative_to(tmp_path / "isa" / "wardrobe") for path in first.images)
    assert [path.stat().st_mtime_ns for path in second.images] == stamps
    other = wardrobe(Silent(), seed=5, cases=2, gallery=6)
    assert set(other.images).isdisjoint(first.images)

"""The same folder written in another way: what the catalogue calls it."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from isa_cli.filters import And, Compare, Not, Or, Under
from isa_cli.gallery.catalog import Catalog
from isa_cli.gallery.records import Failed
from isa_cli.gallery.spelling import is_known, known_root, known_spellings, respelled
from isa_cli.types import FileStamp


class Shelf:
    """A disk, a folder on it with a link to it, and a catalogue of files below some roots.

    ``disk/pics`` holds ``trip`` and ``trip/day``; ``home/Pictures`` is a link to it.
    """

    def __init__(self, home):
        self.home = home
        self.catalog = Catalog.open(home / "catalog.db", writable=True)
        (home / "disk" / "pics" / "trip" / "day").mkdir(parents=True)
        (home / "home").mkdir()
        (home / "home" / "Pictures").symlink_to(home / "disk" / "pics")

    def path(self, name):
        return os.fsencode(self.home / name)

    def holds(self, *names, root):
        """Catalogue files, made if they are not there, as if ``root`` had been indexed."""
        for name in names:
            (self.home / name).parent.mkdir(parents=True, exist_ok=True)
            (self.home / name).touch()
        self.catalog.record([Failed(FileStamp(self.path(name), 1, 1), "") for name in names])
        self.catalog.metadata.add_root(self.path(root))

    def known(self, name):
        """Return the known spellings of a path, relative."""
        found = known_spellings(self.catalog, self.path(name))
        return [os.path.relpath(os.fsdecode(path), self.home) for path in found]

    def root(self, name):
        return os.path.relpath(os.fsdecode(known_root(self.catalog, self.path(name))), self.home)


@pytest.fixture
def shelf(tmp_path):
    found = Shelf(tmp_path)
    with found.catalog:
        yield found


@pytest.fixture
def linked(shelf):
    """The root is the link, as in ``isa index ~/Pictures``."""
    names = ("a.jpg", "trip/b.jpg", "trip/day/c.jpg")
    shelf.holds(*(f"home/Pictures/{name}" for name in names), root="home/Pictures")
    return shelf


# --- one spelling --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("disk/pics", "home/Pictures"),
        ("disk/pics/trip", "home/Pictures/trip"),
        ("disk/pics/trip/day", "home/Pictures/trip/day"),
        ("disk/pics/trip/b.jpg", "home/Pictures/trip/b.jpg"),
        ("disk", "home/Pictures"),  # around the root, by what it leads to
        # Known as it is written.
        ("home/Pictures", "home/Pictures"),
        ("home/Pictures/trip", "home/Pictures/trip"),
        ("home/Pictures/a.jpg", "home/Pictures/a.jpg"),
        ("home", "home"),
        # Known in no way.
        ("disk/other", "disk/other"),
        ("disk/pics/none", "disk/pics/none"),
        ("no/such", "no/such"),
    ],
)
def test_a_root_that_is_a_link(linked, given, known):
    (linked.home / "disk" / "other").mkdir()
    assert linked.known(given) == [known]


def test_a_link_to_the_root(shelf):
    shelf.holds("disk/pics/trip/b.jpg", root="disk/pics")
    assert shelf.known("home/Pictures/trip") == ["disk/pics/trip"]
    (shelf.home / "again").symlink_to(shelf.home / "home" / "Pictures" / "trip")
    assert shelf.known("again") == ["disk/pics/trip"]
    (shelf.home / "one.jpg").symlink_to(shelf.home / "disk" / "pics" / "trip" / "b.jpg")
    assert shelf.known("one.jpg") == ["disk/pics/trip/b.jpg"]


def test_a_link_above_the_root_as_macos_has_it(shelf):
    """``/var`` leads to ``/private/var``; the user wrote the one, the shell says the other."""
    (shelf.home / "var").symlink_to(shelf.home / "disk")
    shelf.holds("var/pics/trip/b.jpg", root="var/pics")
    assert shelf.known("disk/pics/trip") == ["var/pics/trip"]
    assert shelf.known("disk") == ["var/pics"]


def test_a_link_inside_a_root(shelf):
    (shelf.home / "album" / "2024").mkdir(parents=True)
    (shelf.home / "disk" / "pics" / "shared").symlink_to(shelf.home / "album")
    names = ("disk/pics/shared/a.jpg", "disk/pics/shared/2024/b.jpg")
    shelf.holds(*names, root="disk/pics")
    assert shelf.known("album") == ["disk/pics/shared"]
    assert shelf.known("album/2024") == ["disk/pics/shared/2024"]
    assert shelf.known("album/2024/b.jpg") == [names[1]]
    shelf.catalog.forget([shelf.path(names[0])])
    assert shelf.known("album") == ["disk/pics/shared"], "though no file lies right in it"


def test_a_folder_around_what_a_link_inside_a_root_leads_to(shelf):
    (shelf.home / "nas" / "album").mkdir(parents=True)
    (shelf.home / "disk" / "pics" / "shared").symlink_to(shelf.home / "nas" / "album")
    shelf.holds("disk/pics/shared/a.jpg", "disk/pics/trip/b.jpg", root="disk/pics")
    assert shelf.known("nas") == ["disk/pics/shared"]


def test_an_accent_written_in_another_way(shelf):
    """HFS+ and APFS take both for one name; elsewhere a link makes it so."""
    one, other = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    (shelf.home / "disk" / "pics" / one).mkdir()
    if not (shelf.home / "disk" / "pics" / other).exists():
        (shelf.home / "disk" / "pics" / other).symlink_to(one)
    shelf.holds(f"home/Pictures/{one}/a.jpg", root="home/Pictures")
    assert shelf.known(f"disk/pics/{other}") == [f"home/Pictures/{one}"]
    assert shelf.known(f"home/Pictures/{other}") == [f"home/Pictures/{one}"]


def test_a_root_that_is_a_file(shelf):
    shelf.holds("home/Pictures/a.jpg", root="home/Pictures/a.jpg")
    assert shelf.known("disk/pics/a.jpg") == ["home/Pictures/a.jpg"]
    assert shelf.known("disk/pics") == ["home/Pictures/a.jpg"]


def test_a_name_need_not_be_text(shelf):
    folder = os.fsdecode(b"caf\xe9\n")
    shelf.holds(f"home/Pictures/{folder}/a.jpg", root="home/Pictures")
    assert shelf.known(f"disk/pics/{folder}") == [f"home/Pictures/{folder}"]


# --- several, and none ---------------------------------------------------------------------------


def test_a_folder_that_several_roots_reach_is_all_of_them(linked):
    (linked.home / "other").symlink_to(linked.home / "disk")
    linked.holds("other/pics/trip/b.jpg", root="other/pics")
    assert linked.known("disk/pics/trip") == ["home/Pictures/trip", "other/pics/trip"]
    assert linked.known("home/Pictures/trip") == ["home/Pictures/trip"], "as it is written"


def test_roots_within_each_other_are_the_outer_one(linked):
    linked.catalog.metadata.add_root(linked.path("home/Pictures/trip"))
    assert linked.known("disk/pics") == ["home/Pictures"]
    assert linked.known("disk") == ["home/Pictures"]


def test_a_folder_that_is_gone(linked):
    shutil.rmtree(linked.home / "disk" / "pics" / "trip")
    assert linked.known("home/Pictures/trip") == ["home/Pictures/trip"]
    assert linked.known("disk/pics/trip") == ["home/Pictures/trip"], "the root is still there"
    shutil.rmtree(linked.home / "disk")
    assert linked.known("home/Pictures/trip") == ["home/Pictures/trip"]
    assert linked.known("disk/pics/trip") == ["disk/pics/trip"]


def test_links_that_lead_nowhere_or_in_a_circle_are_no_folder(linked):
    (linked.home / "loop").symlink_to("loop")
    (linked.home / "nowhere").symlink_to("gone")
    assert linked.known("loop/trip") == ["loop/trip"]
    assert linked.known("nowhere") == ["nowhere"]
    linked.catalog.metadata.add_root(linked.path("loop"))
    assert linked.known("disk/pics/trip") == ["home/Pictures/trip"]


def test_what_is_known_as_it_is_written_is_looked_up_only(linked, monkeypatch):
    monkeypatch.setattr(os, "stat", None)
    assert linked.known("home/Pictures/trip") == ["home/Pictures/trip"]


def test_every_folder_is_looked_at_only_where_the_roots_do_not_tell(linked, monkeypatch):
    looked_at = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: looked_at.append(path) or stat(path))
    assert linked.known("disk/pics/trip") == ["home/Pictures/trip"]
    assert linked.path("home/Pictures/trip/day") not in looked_at
    assert len(looked_at) == len(set(looked_at)), "once each"


# --- filters -------------------------------------------------------------------------------------


def test_a_filter_is_written_as_in_the_catalogue(linked):
    (linked.home / "other").symlink_to(linked.home / "disk")
    linked.holds("other/pics/trip/b.jpg", root="other/pics")
    big = Compare("width", ">", 5)
    where = And((Not(Under(linked.path("disk/pics/trip/day"))), Or((big, Under(b"/no/such")))))
    assert respelled(linked.catalog, where) == And(
        (Not(Under(linked.path("home/Pictures/trip/day"))), Or((big, Under(b"/no/such"))))
    )
    assert respelled(linked.catalog, Under(linked.path("disk/pics/trip"))) == Or(
        (
            Under(linked.path("home/Pictures/trip")),
            Under(linked.path("other/pics/trip")),
        )
    )
    assert respelled(linked.catalog, big) is big


# --- folders to be indexed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("disk/pics", "home/Pictures"),
        ("disk/pics/trip", "home/Pictures/trip"),
        ("disk/pics/new", "home/Pictures/new"),
        ("home/Pictures/new", "home/Pictures/new"),
        ("home/Pictures", "home/Pictures"),
        ("disk", "disk"),  # there is more in it than the root
        ("disk/other", "disk/other"),
        ("home", "home"),
        ("no/such", "no/such"),
    ],
)
def test_a_folder_to_be_indexed_keeps_the_name_it_has(linked, given, named):
    (linked.home / "disk" / "other").mkdir()
    (linked.home / "disk" / "pics" / "new").mkdir()
    assert linked.root(given) == named


def test_two_names_that_are_both_known_stay_two(linked):
    linked.holds("disk/pics/trip/b.jpg", root="disk/pics")
    assert linked.root("disk/pics/trip") == "disk/pics/trip"
    assert linked.root("home/Pictures/trip") == "home/Pictures/trip"


def test_known_means_a_file_at_or_below(linked):
    known = [is_known(linked.catalog, linked.path(name)) for name in ("home", "home/Pictures/tri")]
    assert known == [True, False]
    assert is_known(linked.catalog, linked.path("home/Pictures/a.jpg"))
    assert not is_known(linked.catalog, linked.path("home/Pictures/trip/a.jpg"))
    assert Path(linked.home / "disk" / "pics" / "a.jpg").exists()

"""Folders that other programs made: which they are, that they are told of, and how to have them."""

# Paths are bytes, which pathlib does not take.

import os
import threading

import pytest
from PIL import Image

from isa_cli.gallery import derivatives
from isa_cli.gallery.derivatives import count, kind_of
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.ignore import ScanOptions as Which
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.reporting import Silent
from tests.fakes import MeanColour

MADE = [
    # (a folder, what lies beside it)
    *[(name, "") for name in ("#recycle", "@Recycle", "$RECYCLE.BIN", ".Trash-1000", ".Trashes")],
    *[(name, "") for name in (".recycle", "Network Trash Folder", "u/files_trashbin", ".dtrash")],
    *[
        (name, "")
        for name in ("#snapshot", ".snapshot", ".snapshots", "~snapshot", ".zfs/snapshot")
    ],
    *[(name, "") for name in ("@GMT-2024.05.01-12.00.00", "u/files_versions", ".stversions")],
    *[(name, "") for name in ("@eaDir", ".@__thumb", ".thumbnails", ".xvpics", "mipmaps-ab12.d")],
    ("Photos Library.photoslibrary/resources", "originals"),
    ("Fotos.photoslibrary/resources/derivatives/masters/0", ""),
    ("Fotos.photoslibrary/private", ""),
    ("Old.photoslibrary/Thumbnails", "Masters"),
    ("iPhoto Library/Thumbnails", "Originals"),
    ("iPhoto Library.photolibrary/Data.noindex", ""),
    ("Aperture.aplibrary/Previews", ""),
    ("Catalog Previews.lrdata", ""),
    ("shoot/CaptureOne/Cache/Thumbnails", ""),
    ("My.cocatalog/Cache", "Originals"),
    (".picasaoriginals", ""),
    ("immich/thumbs", ""),
    ("pictures/thumbs", "encoded-video"),
    ("pictures/encoded-video", ""),
    (".photoprism", ""),
    ("photoprism/storage/cache", "sidecar"),
    ("pp/sidecar", "cache"),
    ("appdata_oc1x2y/preview/a/b", ""),
    ("appdata_other/preview", ""),
    ("Plex Media Server/Media/localhost", ""),
    ("project/node_modules/x", ""),
    ("venv/lib/python3.11/site-packages/x", ""),
    ("Library/Caches/x", ""),
    ("AppData/Local/x", ""),
    ("profile/cache2/entries", ""),
]

THEIR_OWN = [
    *["Photos Library.photoslibrary/originals/A", "Old.photoslibrary/Masters/2019"],
    *["iPhoto Library/Originals", "Aperture.aplibrary/Masters", "My.cocatalog/Originals"],
    *["resources", "thumbs", "cache", "Data", "sidecar", "preview", "recycle", "recycled art"],
    *["immich/library/admin", "immich/upload/u", "photoprism/originals", "snapshots", "Trash"],
    *["lrdata", "Previews", "Library", "photos.library/resources", "u/files"],
]


class Everything:
    """A gallery in a folder, and a way to index another folder into it."""

    def __init__(self, home):
        self.photos = home / "photos"
        self.gallery = Gallery.open(home / "gallery", writable=True, space=MeanColour.space)

    def paint(self, *folders):
        """Put a picture of its own into each folder."""
        for number, folder in enumerate(folders):
            path = self.photos / folder / "p.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number % 256, number // 256, len(folder))).save(path)

    def index(self, *roots, **which):
        encoder = MeanColour()
        return index_folders(
            self.gallery,
            [os.fsencode(self.photos / root) for root in roots or ("",)],
            lambda: encoder,
            encoder.input_size,
            IndexOptions(Which(**which)),
            Silent(),
            threading.Event(),
        )

    def holds(self):
        """Return the catalogued folders, relative."""
        root = os.fsencode(self.photos)
        found = self.gallery.catalog.folders_under(root)
        return [os.fsdecode(os.path.relpath(folder, root)) for folder in found]


@pytest.fixture
def everything(tmp_path):
    found = Everything(tmp_path)
    with found.gallery:
        yield found


@pytest.mark.parametrize(("folder", "beside"), MADE)
def test_what_other_programs_made_is_passed_over_and_told(everything, folder, beside):
    everything.paint(folder, ".")
    if beside:
        everything.paint(f"{folder}/../{beside}")
    everything.index()
    assert folder not in everything.holds()
    assert "." in everything.holds()
    tally = everything.index().tally
    assert tally.derivatives, "told of in each run"
    assert (tally.derivative_files >= 1, tally.uncounted) == (True, False)


@pytest.mark.parametrize(("folder", "beside"), MADE)
def test_it_is_indexed_where_the_run_asks_for_it(everything, folder, beside):
    everything.paint(folder)
    if beside:
        everything.paint(f"{folder}/../{beside}")
    tally = everything.index(include_derivatives=True).tally
    assert folder in everything.holds()
    assert not tally.derivatives


@pytest.mark.parametrize(("folder", "beside"), MADE)
def test_a_root_in_such_a_folder_was_asked_for(everything, folder, beside):
    everything.paint(folder, f"{folder}/below", f"{folder}/@eaDir")
    if beside:
        everything.paint(f"{folder}/../{beside}")
    everything.index(folder)
    assert everything.holds() == [folder, f"{folder}/below"]


@pytest.mark.parametrize("folder", THEIR_OWN)
def test_originals_and_folders_that_only_sound_like_it_are_indexed(everything, folder):
    everything.paint(folder)
    tally = everything.index().tally
    assert everything.holds() == [folder]
    assert not tally.derivatives


def test_a_library_named_outright_is_not_asked_for_its_thumbnails(everything):
    library = "Photos Library.photoslibrary"
    everything.paint(f"{library}/originals/A", f"{library}/resources/derivatives")
    everything.index(library)
    assert everything.holds() == [f"{library}/originals/A"]


def test_what_was_indexed_before_is_forgotten_like_what_an_ignore_file_leaves_out(everything):
    everything.paint("a", "@Recycle/2023", ".Trash-1000")
    everything.index(include_derivatives=True)
    assert len(everything.holds()) == 3
    assert everything.index().gone == 2
    assert everything.holds() == ["a"]


def test_what_was_named_outright_stays_when_the_folder_around_it_is_indexed(everything):
    everything.paint("a", "@Recycle/2023", "@Recycle/2024")
    everything.index("@Recycle/2023")
    assert everything.index().gone == 0
    assert everything.holds() == ["@Recycle/2023", "a"]


def test_an_ignore_file_may_ask_for_it_for_good(everything):
    everything.paint("@Recycle", "x/@eaDir")
    (everything.photos / ".isaignore").write_text("!@Recycle/\n")
    tally = everything.index().tally
    assert everything.holds() == ["@Recycle"]
    assert [os.path.basename(folder) for folder in tally.derivatives] == [b"@eaDir"]


def test_hidden_files_may_be_had_without_what_other_programs_made(everything):
    everything.paint(".album", "@Recycle", "Fotos.photoslibrary/resources")
    everything.index(hidden=True)
    assert everything.holds() == [".album"]


def test_all_that_is_asked_for_may_be_hidden_or_not(everything):
    everything.paint(".album", ".Trash-1000", "@Recycle")
    everything.index(include_derivatives=True)
    assert everything.holds() == [".Trash-1000", "@Recycle"]


def test_the_files_are_counted_but_not_without_end(tmp_path, monkeypatch):
    for name in ("a", "a/b", "a/b/c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").touch()
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    folder = os.fsencode(tmp_path / "a")
    assert count([folder]) == (4, True)
    assert count([folder, os.fsencode(tmp_path / "gone")]) == (4, True)
    monkeypatch.setattr(derivatives, "COUNTED", 2)
    assert count([folder]) == (3, False)


def test_what_lies_beside_a_folder_is_looked_up_only_where_it_matters():
    asked = []

    def siblings():
        asked.append(1)
        return {b"encoded-video"}

    assert kind_of(b"/p/2024", siblings) == ""
    assert not asked
    assert kind_of(b"/p/Thumbs", siblings) == "photo programs' copies"
    assert asked

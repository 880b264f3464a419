"""Files beside a photo: which are read, what they may say, and what they must not change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from isa_cli.images import sidecars, with_sidecars
from isa_cli.images.sidecars import by_name, completed
from isa_cli.types import PhotoInfo
from tests.unit.images.telling import taken, xmp

SILENT = PhotoInfo("JPEG", 8, 8)
HERE = {"latitude": 48.137, "longitude": 11.575}
TAKEOUT = json.dumps(
    {"title": "x.jpg", "photoTakenTime": {"timestamp": "1136073600"}, "geoData": HERE}
).encode()  # 2006
XMP = xmp('exif:DateTimeOriginal="2005" exif:GPSLatitude="-33.87" exif:GPSLongitude="151.21"')


def told(files, info=SILENT, name="x.jpg"):
    return completed(info, name, by_name(files), lambda found: files[found])


def dated(year, by):
    return PhotoInfo("JPEG", 8, 8, taken_at=f"{year}-01-01T00:00:00", dated_by=by)


@pytest.mark.parametrize("name", ["x.jpg.xmp", "x.xmp", "x.jpg.XMP", "x.XMP"])
def test_xmp_beside_a_silent_photo(name):
    info = told({name: XMP})
    assert (info.taken_at, info.dated_by) == ("2005-01-01T00:00:00", "exposure")
    assert (info.latitude, info.longitude) == (-33.87, 151.21)


@pytest.mark.parametrize("name", ["x.jpg.json", "x.jpg.supplemental-meta.json", "x.jpg.JSON"])
def test_takeout_beside_a_silent_photo(name):
    info = told({name: TAKEOUT})
    assert (info.taken_at, info.dated_by) == ("2006-01-01T00:00:00", "exposure")
    assert (info.latitude, info.longitude) == (48.137, 11.575)


def test_the_photos_own_xmp_goes_before_one_that_it_may_share():
    assert told({"x.xmp": taken("2001"), "x.jpg.xmp": taken("2002")}).taken_at[:4] == "2002"
    both = {"x.xmp": xmp('tiff:Model="One"'), "x.jpg.xmp": taken("2002")}
    assert (told(both).taken_at[:4], told(both).camera) == ("2002", "One")


@pytest.mark.parametrize(
    ("by", "files", "year"),
    [
        ("exposure", {"x.xmp": XMP, "x.jpg.json": TAKEOUT}, "2024"),
        ("creation", {"x.xmp": XMP, "x.jpg.json": TAKEOUT}, "2005"),
        ("creation", {"x.jpg.json": TAKEOUT}, "2024"),
        ("editing", {"x.xmp": XMP, "x.jpg.json": TAKEOUT}, "2005"),
        ("editing", {"x.jpg.json": TAKEOUT}, "2006"),
        ("editing", {"x.xmp": xmp('exif:DateTimeDigitized="2004"')}, "2024"),
        ("editing", {"x.xmp": xmp('exif:DateTimeOriginal="long ago"')}, "2024"),
    ],
)
def test_a_sidecar_replaces_what_is_no_moment_of_exposure(by, files, year):
    assert told(files, dated(2024, by)).taken_at[:4] == year


def test_a_digitised_date_in_a_sidecar_is_better_than_none():
    info = told({"x.xmp": xmp('exif:DateTimeDigitized="2004"')})
    assert (info.taken_at, info.dated_by) == ("2004-01-01T00:00:00", "editing")


def test_a_place_and_a_camera_of_the_photo_stay():
    info = PhotoInfo("JPEG", 8, 8, camera="Acme", latitude=1.0, longitude=2.0)
    after = told({"x.xmp": XMP.replace(b"exif:GPS", b'tiff:Model="One" exif:GPS', 1)}, info)
    assert (after.camera, after.latitude, after.longitude) == ("Acme", 1.0, 2.0)
    assert after.taken_at[:4] == "2005"


@pytest.mark.parametrize(
    "files",
    [
        {"y.xmp": XMP, "y.jpg.json": TAKEOUT, "x.jpg(1).json": TAKEOUT, "xmp": XMP},
        {"x.xmp": b"<broken", "x.jpg.json": b"{"},
        {"x.xmp": b"", "x.jpg.json": b"[]"},
        {"x.jpg.json": b"[" * 100_000},
        {"x.json": TAKEOUT.replace(b"x.jpg", b"y.jpg")},
    ],
)
def test_files_that_say_nothing_of_it(files):
    assert told(files) == SILENT


def test_a_json_that_is_none_of_takeouts_does_not_hide_the_one_that_is():
    files = {"x.jpg.json": b"{}", "x.jpg.supplemental-metadata.json": b"?", "x.jpg.s.json": TAKEOUT}
    assert told(files).taken_at[:4] == "2006"


# --- on a real folder ---------------------------------------------------------------------------


def test_a_folder_is_listed_once_until_it_changes(tmp_path, monkeypatch):
    listed = []
    real = os.listdir
    monkeypatch.setattr(sidecars.os, "listdir", lambda path: listed.append(path) or real(path))
    (tmp_path / "x.jpg.json").write_bytes(TAKEOUT)
    os.utime(tmp_path, ns=(10**18, 10**18))
    paths = [os.fsencode(tmp_path / name) for name in ("x.jpg", "y.jpg", "z.jpg")]
    assert [with_sidecars(path, SILENT).taken_at for path in paths] == [
        "2006-01-01T00:00:00",
        None,
        None,
    ]
    assert len(listed) == 1
    (tmp_path / "y.xmp").write_bytes(XMP)
    assert with_sidecars(paths[1], SILENT).taken_at == "2005-01-01T00:00:00"
    (tmp_path / "z.xmp").write_bytes(XMP)  # within the same tick of a coarse clock, maybe
    assert with_sidecars(paths[2], SILENT).taken_at == "2005-01-01T00:00:00"


def test_a_photo_that_knows_all_costs_no_look(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_sidecars_in", lambda folder: pytest.fail("looked"))
    info = PhotoInfo(
        "JPEG", 8, 8, taken_at="2024-01-01T00:00:00", latitude=1, longitude=2, dated_by="exposure"
    )
    assert with_sidecars(os.fsencode(tmp_path / "x.jpg"), info) is info


def test_names_that_are_no_text_have_sidecars_too(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(path + b".json")).write_bytes(TAKEOUT)
    assert with_sidecars(path, SILENT).taken_at == "2006-01-01T00:00:00"


def test_pipes_folders_and_giants_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_MOST_BYTES", 2000)
    path = os.fsencode(tmp_path / "x.jpg")
    os.mkfifo(tmp_path / "x.xmp")
    (tmp_path / "x.jpg.xmp").mkdir()
    (tmp_path / "x.jpg.json").write_bytes(TAKEOUT + b" " * 2000)
    (tmp_path / "x.jpg.s.json").symlink_to("nowhere")
    assert with_sidecars(path, SILENT) == SILENT
    assert with_sidecars(os.fsencode(tmp_path / "gone" / "x.jpg"), SILENT) == SILENT

"""A folder of real files, indexed once by the real command, and ways to call ``isa``."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from isa_cli.cli.main import run

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
HOSTILE = b"caf\xe9\n\x1b[31m.jpg"


@dataclass(frozen=True)
class Result:
    """What one call of ``isa`` came to."""

    code: int
    out: str
    err: str


def save(path, colour, *, size=(96, 64), taken=None, camera=None, place=None):
    """Write a JPEG of one colour and a corner of another, with EXIF."""
    image = Image.new("RGB", size, colour)
    image.paste((250, 250, 250), (0, 0, size[0] // 3, size[1] // 2))
    exif = Image.Exif()
    if camera:
        exif[0x0110] = camera
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if place:
        latitude, longitude = place
        exif.get_ifd(0x8825).update(
            {1: "N", 2: (latitude, 0.0, 0.0), 3: "E", 4: (longitude, 0.0, 0.0)}
        )
    with Path(os.fsdecode(path)).open("wb") as file:
        image.save(file, "JPEG", exif=exif)


def make_photos(folder: Path) -> None:
    """Fill a folder: six pictures, one of them twice, one unreadable, one no photo."""
    (folder / "2024").mkdir(parents=True)
    save(folder / "red.jpg", COLOURS["red"], taken="2023:05:01 12:30:00", camera="Pixel 8")
    save(folder / "green.jpg", COLOURS["green"], taken="2024:05:01 00:00:00", camera="Canon R5")
    save(folder / "2024" / "blue.jpg", COLOURS["blue"], size=(640, 480), place=(48.0, 11.0))
    save(folder / "2024" / "dark.jpg", (40, 40, 40), taken="2024:06:01 10:00:00")
    save(os.fsencode(folder) + b"/" + HOSTILE, (200, 200, 20))
    Image.new("RGB", (50, 50), (120, 20, 120)).save(folder / "purple.png")
    (folder / "2024" / "red again.jpg").write_bytes((folder / "red.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes((folder / "red.jpg").read_bytes()[:400])
    (folder / "notes.txt").write_text("no photo")


def isa_process(*arguments, **options) -> Result:
    """Run the real command as a process of its own."""
    command = [sys.executable, "-m", "isa_cli", *map(os.fsencode, map(str, arguments))]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, **options)
    out, err = (os.fsdecode(stream) for stream in (done.stdout, done.stderr))
    return Result(done.returncode, out, err)


@dataclass(frozen=True)
class Indexed:
    """A gallery, its photos, the model, and what ``isa index`` said."""

    gallery: Path
    photos: Path
    model: Path
    said: Result


@pytest.fixture(scope="session")
def indexed(tmp_path_factory, tiny_model) -> Indexed:
    """A gallery for tests that only read it."""
    home = tmp_path_factory.mktemp("indexed")
    make_photos(home / "photos")
    relative = os.path.relpath(tiny_model, home)
    said = isa_process(
        *("index", "photos", "--gallery", "gallery", "--model", relative, "--device", "cpu"),
        cwd=home,
    )
    return Indexed(home / "gallery", home / "photos", tiny_model, said)


@pytest.fixture
def isa(capfd):
    """Call ``isa`` in this process: ``isa("status") -> Result``."""

    def call(*arguments) -> Result:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of photos that a test may change."""
    folder = tmp_path / "photos"
    make_photos(folder)
    return folder

"""A terminal obeys nothing that a name, a caption, a setting or a library says; a pipe gets it all.

Each command that prints names runs on a pseudo-terminal, over names that would clear it, move its
cursor, turn a line around, or can't be seen.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import pty
import re
import shutil
import sys
import termios
import threading
import tty
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from isa_cli.cli import console, main
from isa_cli.cli.main import run
from isa_cli.triplets.records import Triplet, write_triplets
from tests.cli.conftest import COLOURS, Result, isa_process, save

if TYPE_CHECKING:
    from pathlib import Path

EVIL = (
    "\x1b[2J\x1b]0;owned\x07 \x9b31m\x7f\b\r\n\t\x85 \u202egpj.exe \u2066\u200b\u200f\u2028\u2029"
    "\ufeff\U000e0041[bold]"
)
"""Escapes, C0, C1, DEL, bidi, zero-width, ends of lines, tags, and what rich would obey."""

NAME = os.fsencode(EVIL) + b"\xff"
SHOWN = (
    r"\x1b[2J\x1b]0;owned\x07 \x9b31m\x7f\x08\r\n\t\x85 \u202egpj.exe \u2066\u200b\u200f\u2028"
    r"\u2029\ufeff\U000e0041[bold]"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What rich paints tables with."""


def harmless(text):
    """Return whether a terminal that gets this shows it and does nothing.

    Bars go back to the start of their line; ``EVIL`` can't do so without a backspace before.
    """
    return all(line.isprintable() for line in re.split("[\t\r\n]", COLOUR.sub("", text)))


def named(folder, start):
    """A photo of such a name."""
    return folder / os.fsdecode(str(start).encode() + NAME + b".jpg")


@dataclass(frozen=True)
class Hostile:
    """Photos, a gallery and a model, all in folders with such a name."""

    home: Path
    photos: Path
    gallery: Path
    model: Path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, tiny_model):
    home = tmp_path_factory.mktemp("hostile")
    photos, gallery = (home / os.fsdecode(part + NAME) for part in (b"p", b"g"))
    model = home / f"m{EVIL}"  # safetensors opens no path that is no text
    photos.mkdir()
    shutil.copytree(tiny_model, model)
    for position, colour in enumerate(COLOURS.values()):
        save(named(photos, position), colour, camera="=1+1")
    named(photos, "broken").write_bytes(b"\xff\xd8\xff")
    index = ("index", photos, "--gallery", gallery, "--model", model, "--device", "cpu")
    assert isa_process(*index).code == 3
    return Hostile(home, photos, gallery, model)


@pytest.fixture
def terminal(monkeypatch):
    """Call ``isa`` with a pseudo-terminal for stdout and stderr; what it gets comes as ``out``."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        ours, theirs = pty.openpty()
        tty.setraw(theirs)  # bytes as they are
        termios.tcsetwinsize(theirs, (50, 200))
        got = []
        reader = threading.Thread(target=_drain, args=(ours, got))
        reader.start()
        with monkeypatch.context() as patch:
            for name in ("stdout", "stderr"):
                stream = os.fdopen(os.dup(theirs), "w", encoding="utf-8", buffering=1)
                patch.setattr(sys, name, stream)
            code = run([os.fsdecode(os.fsencode(argument)) for argument in map(str, arguments)])
            for stream in (sys.stdout, sys.stderr):
                stream.close()
        os.close(theirs)
        reader.join()
        os.close(ours)
        return Result(code, b"".join(got).decode("utf-8", "surrogateescape"), "")

    return call


def _drain(descriptor, got):
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # the other end is closed
            return
        if not data:
            return
        got.append(data)


# --- every command that prints names -------------------------------------------------------------

SEARCH = ("search", "dog", "--device", "cpu", "--gallery")


@pytest.mark.parametrize(
    "form", [[], ["--csv"], ["--paths"], ["-0"], ["--json"], ["--preview"], ["--paths", "-0"]]
)
def test_search(terminal, hostile, form):
    said = terminal(*SEARCH, hostile.gallery, *form)
    assert said.code == 0
    told = COLOUR.sub("", said.out)
    assert harmless(told)
    if form not in (["--json"], ["--preview"]):  # JSON has escapes of its own
        assert "".join(told.split()).count(r"\x1b]0;owned\x07") >= 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--failed"],
        ["status", "--json"],
        ["doctor"],
        ["forget", "no/" + EVIL],
        ["search", "dog", "--under", "no" + EVIL],
        ["search", "./no" + EVIL],
        ["search", "one" + EVIL, "two" + EVIL],
        ["search", "dog", "--html", "no/such/" + EVIL],
        ["explain", "./no" + EVIL, "red"],
        ["index", "--dry-run"],
        ["index", "no" + EVIL],
        ["index", "--retry-failed", "--device", "cpu"],
        ["eval", "no" + EVIL + ".csv"],
        ["train", "--out", "no/such/" + EVIL],
        ["bench", "--photos", "no" + EVIL],
    ],
    ids=lambda arguments: " ".join(arguments).partition("\x1b")[0],
)
def test_what_is_said_of_a_gallery(terminal, hostile, arguments):
    said = terminal(*arguments, "--gallery", hostile.gallery)
    assert said.code in {0, 1, 2, 3, 4}
    assert said.out
    assert harmless(said.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["triplets", "check", "no" + EVIL],
        ["models", "no" + EVIL],
        ["models", "import", "no" + EVIL, "--for", "no" + EVIL],
        ["wardrobe", "render", "/proc/no" + EVIL],
        ["eval", "no" + EVIL],
        ["eval", "cirr", "--root", "no" + EVIL],
        ["eval", "compare", "no" + EVIL, "no" + EVIL],
        ["no" + EVIL],
        ["search", "--no" + EVIL],
        ["search", "dog", "--top", "no" + EVIL],
        ["search", "dog", "--method", "no" + EVIL],
        ["search", "dog", "--after", "no" + EVIL],
        ["search", "dog", "--model", "no" + EVIL],
        ["search", "dog", "--device", "no" + EVIL],
    ],
    ids=lambda arguments: " ".join(arguments).partition("\x1b")[0],
)
def test_what_is_said_of_a_command_line(terminal, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    said = terminal(*arguments)
    assert said.code in {1, 2, 4}
    assert harmless(said.out)


def test_forget_a_file_of_that_name(terminal, hostile, tmp_path):
    gallery = tmp_path / "g"
    shutil.copytree(hostile.gallery, gallery)
    said = terminal("forget", named(hostile.photos, 0), "--gallery", gallery)
    assert said.code == 0
    assert harmless(said.out)


def test_a_missing_folder_of_photos(terminal, hostile, tmp_path):
    gallery, photos = tmp_path / "g", tmp_path / os.fsdecode(NAME)
    photos.mkdir()
    save(photos / "a.jpg", (1, 2, 3))
    index = ("index", photos, "--gallery", gallery, "--model", hostile.model, "--device", "cpu")
    assert isa_process(*index).code == 0
    shutil.rmtree(photos)
    for arguments in (["index"], ["doctor"], ["status"]):
        said = terminal(*arguments, "--gallery", gallery)
        assert SHOWN in said.out
        assert harmless(said.out)


def test_an_explanation(terminal, hostile, tmp_path):
    home = tmp_path / os.fsdecode(NAME)
    world = tmp_path / "world"
    assert terminal("wardrobe", "render", world, "--count", "12", "--size", "48").code == 0
    os.rename(world, home)  # noqa: PTH104
    index = ("index", home, "--gallery", tmp_path / "g", "--model", "isa-mini", "--device", "cpu")
    said = terminal(*index)
    assert said.code == 0
    assert harmless(said.out)
    photo = next(home.glob("**/*.png"), None) or next(home.glob("**/*.jpg"))
    page = tmp_path / os.fsdecode(NAME + b".html")
    said = terminal("explain", photo, "in " + EVIL, "--gallery", tmp_path / "g", "--html", page)
    assert said.code == 0, said.out
    assert SHOWN in said.out
    assert harmless(said.out)


def test_questions_groups_and_methods_of_a_report(terminal, hostile, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    questions = tmp_path / os.fsdecode(NAME + b".csv")
    name = named(hostile.photos, 0).name
    with questions.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file).writerows([("reference", "modifier", "targets"), (name, EVIL, "x")])
    said = terminal("eval", questions, "--gallery", hostile.gallery, "--device", "cpu")
    assert harmless(said.out)  # names no text, so that the file is refused by its name
    plain = hostile.home / "plain"
    if not plain.exists():
        plain.mkdir()
        for position, colour in enumerate(COLOURS.values()):
            save(plain / f"{position}.jpg", colour)
    questions = tmp_path / (EVIL + ".csv")
    with questions.open("w", newline="", encoding="utf-8") as file:
        rows = [("reference", "modifier", "targets", "group"), ("0.jpg", EVIL, "1.jpg", EVIL)]
        csv.writer(file).writerows(rows)
    asked = ("eval", questions, "--gallery", plain, "--model", hostile.model, "--device", "cpu")
    for form in ([], ["--markdown"], ["--json"]):
        said = terminal(*asked, *form)
        assert said.code == 0, said.out
        assert harmless(said.out)


def test_a_comparison_of_documents_by_anybody(terminal, tmp_path):
    result = {
        "method": EVIL + "[/red]",
        "metrics": {EVIL: 0.5},
        "intervals": {EVIL: [0, 1]},
        "groups": {},
        "values": {EVIL: [0, 1]},
    }
    document = {
        "benchmark": EVIL,
        "split": EVIL,
        "protocol": {},
        "results": [result],
        "cases": [EVIL, "b"],
        "macro": {},
    }
    for name in ("a", "b"):
        (tmp_path / (name + EVIL)).write_text(json.dumps(document))
    said = terminal("eval", "compare", tmp_path / ("a" + EVIL), tmp_path / ("b" + EVIL))
    assert said.code == 0, said.out
    assert said.out.count(r"\x1b]0;owned\x07") >= 4
    assert harmless(said.out)


# --- triplets and training -----------------------------------------------------------------------


def test_triplets(terminal, tmp_path, hostile):
    file = tmp_path / os.fsdecode(NAME)
    write_triplets(file, [Triplet(1, hostile.photos / "no", EVIL, hostile.photos / "other")])
    said = terminal("triplets", "check", file)
    assert said.code == 2
    assert SHOWN in said.out
    assert harmless(said.out)

    captions = tmp_path / "captions.csv"
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / name, (len(name), 2, 3))
    captions.write_text(f'image,caption\n"{EVIL}",x\na.jpg,{"y" * 9}\nb.jpg,z\n', newline="")
    said = terminal("triplets", "make", "--captions", captions, "--out", tmp_path / (EVIL + "2"))
    assert harmless(said.out)


def test_the_warnings_of_training(terminal, hostile, tmp_path):
    photos, gallery = tmp_path / "photos", tmp_path / "g"
    photos.mkdir()
    for position in range(48):
        save(named(photos, position), (5 * position, 90, 250 - 5 * position))
    index = ("index", photos, "--gallery", gallery, "--model", hostile.model, "--device", "cpu")
    assert isa_process(*index).code == 0
    for photo in photos.iterdir():  # each a file of the same size and age, and no picture
        if photo.name.startswith("1"):
            was = photo.stat()
            photo.write_bytes(bytes(was.st_size))
            os.utime(photo, ns=(was.st_atime_ns, was.st_mtime_ns))
    light = ("--light", "mobilenetv3_small_050", "--light-size", "32", "--scratch")
    small = ("--epochs", "1", "--distil-epochs", "0", "--batch-size", "8", "--tokens", "2")
    out = ("--out", tmp_path / (EVIL + ".safetensors"))
    said = terminal("train", "--gallery", gallery, "--device", "cpu", *light, *small, *out)
    assert said.code == 0, said.out
    assert SHOWN + r"\xff.jpg is left out: " in said.out
    assert f"query model: {tmp_path}/{SHOWN}.safetensors\n" in said.out
    assert harmless(said.out)


# --- what isa does not say itself ----------------------------------------------------------------


@pytest.fixture
def meets(terminal, monkeypatch):
    """Call a command on a terminal that does this."""

    def call(does):
        monkeypatch.setattr(main.app, "registered_commands", [])
        main.app.command("broken")(does)
        return terminal("broken")

    return call


def test_the_traceback_of_a_bug(meets):
    def broken():
        raise RuntimeError(EVIL)

    said = meets(broken)
    assert said.code == 70
    assert "Traceback (most recent call last):\n" in said.out
    assert r"\x1b[2J" in said.out
    assert harmless(said.out)


def test_libraries_that_write_past_isa(meets):
    def broken():
        sys.stderr.write(warnings.formatwarning(EVIL, UserWarning, EVIL, 1))
        logging.lastResort.handle(logging.makeLogRecord({"msg": EVIL, "levelno": logging.ERROR}))
        print(EVIL)
        print(EVIL, file=sys.stderr)
        sys.stderr.writelines([EVIL, "\n"])

    said = meets(broken)
    assert said.out.count(r"\x1b[2J") == 6
    assert harmless(said.out)


def test_a_bar_moves_on_its_line_and_its_words_do_not(meets):
    def broken():
        reporter = console.ConsoleReporter()
        with reporter.progress("label" + EVIL, 2, "unit" + EVIL) as progress:
            progress.advance()
            reporter.warn("warned" + EVIL)
            progress.advance()

    said = meets(broken)
    assert "warned" + SHOWN in said.out
    assert "label" + SHOWN in said.out
    assert "\r" in said.out
    assert harmless(said.out)


def test_settings_that_bite(terminal, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "isa" / "config.toml"
    file.parent.mkdir()
    for text in (f"{json.dumps(EVIL)} = 'x'", f"device = {json.dumps(EVIL)}", "gallery = \x1b"):
        file.write_text(text, encoding="utf-8")
        for command in ("status", "doctor"):
            said = terminal(command)
            assert said.code in {2, 4}
            assert harmless(said.out)


# --- pipes and files -----------------------------------------------------------------------------


def test_programs_get_the_bytes(hostile):
    raw = os.fsencode(named(hostile.photos, 0))
    found = {
        form: os.fsencode(isa_process(*SEARCH, hostile.gallery, form).out)
        for form in ("--paths", "-0", "--csv", "--json")
    }
    assert raw + b"\n" in found["--paths"]
    assert raw in found["-0"].split(b"\0")
    rows = csv.DictReader(io.StringIO(os.fsdecode(found["--csv"]), newline=""))
    assert raw in [os.fsencode(row["path"]) for row in rows]
    lines = found["--json"].splitlines()
    assert raw in [os.fsencode(json.loads(line)["path"]) for line in lines]


def test_words_for_people_are_clean_in_a_pipe_too(hostile):
    said = isa_process(*SEARCH, hostile.gallery)
    assert SHOWN + r"\xff" in said.out
    assert harmless(said.out)
    assert harmless(isa_process("status", "--failed", "--gallery", hostile.gallery).out)


def test_a_gallery_that_cameras_wrote_formulas_into(hostile):
    said = isa_process(*SEARCH, hostile.gallery, "--csv")
    rows = list(csv.DictReader(io.StringIO(said.out, newline="")))
    assert {row["camera"] for row in rows} == {"'=1+1"}
    told = isa_process(*SEARCH, hostile.gallery, "--json").out
    assert {json.loads(line)["camera"] for line in told.splitlines()} == {"=1+1"}

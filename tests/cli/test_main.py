"""The one except: what every kind of trouble comes to."""

import errno
import sqlite3
import sys

import pytest

from isa_cli import errors
from isa_cli.cli import main


@pytest.fixture
def raising(isa, monkeypatch):
    """Call a command that meets this trouble."""

    def call(error):
        monkeypatch.setattr(main.app, "registered_commands", [])

        @main.app.command()
        def broken():
            raise error

        return isa("broken")

    return call


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (errors.UsageError("it is odd", "do this"), 2, "isa: it is odd\n  → do this\n"),
        (errors.GalleryLocked("it is locked"), 4, "isa: it is locked\n"),
        (errors.ImageError("empty"), 2, "isa: empty\n"),
        (errors.UsageError("name \x1b[31m\n"), 2, "isa: name \\x1b[31m\\n\n"),
        (KeyboardInterrupt(), 130, "isa: interrupted\n"),
    ],
    ids=repr,
)
def test_errors_of_ours_are_a_sentence_and_a_next_step(raising, error, code, words):
    said = raising(error)
    assert (said.code, said.out, said.err.lstrip("\n")) == (code, "", words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/full/x"), "free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "/somewhere/x"), "/somewhere/x"),
        (OSError(errno.EROFS, "Read-only file system"), "--gallery DIR"),
        (MemoryError(), "--batch-size"),
        (sqlite3.OperationalError("database or disk is full"), "database or disk is full"),
    ],
    ids=repr,
)
def test_what_the_world_does_is_a_sentence_too(raising, error, words):
    said = raising(error)
    assert said.code == 4
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_bug_shows_its_traceback_and_where_to_take_it(raising):
    said = raising(ValueError("broken"))
    assert said.code == 70
    assert "Traceback" in said.err
    assert "bug in isa" in said.err


def test_a_mistyped_command_is_guessed(isa):
    said = isa("serach", "x")
    assert said.code == 2
    assert "search" in said.err


def test_without_arguments_the_help_is_shown(isa):
    said = isa()
    assert said.code == 2
    assert "isa index ~/Pictures" in said.out + said.err


@pytest.mark.parametrize("option", ["--gallery", "--model", "--device", "--precision"])
def test_an_empty_option_is_no_working_directory(isa, option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = isa("index", tmp_path, option, "")
    assert said.code == 2
    assert f"{option} is empty" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_closed_stdout_is_no_bug(isa, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert isa("models").code == 0
    sys.stdout.close()  # what it was replaced with


def test_a_working_directory_that_is_gone(isa, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = isa("index", "photos")
    assert said.code == 2
    assert "working directory" in said.err


def test_version(isa):
    said = isa("--version")
    assert said.code == 0
    assert said.out.startswith("isa 0.")


def test_settings_that_cannot_be_read(isa, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "isa").mkdir()
    (tmp_path / "isa" / "config.toml").write_text("modle = 'x'")
    said = isa("status")
    assert said.code == 2
    assert "modle" in said.err

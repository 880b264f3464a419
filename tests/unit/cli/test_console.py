"""What reaches the terminal, and what never may."""

import io
import os
import signal
import sys

import pytest

from isa_cli import wording
from isa_cli.cli import console


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"IMG 1.jpg", "IMG 1.jpg"),
        ("Grüße 日本.jpg".encode(), "Grüße 日本.jpg"),
        (b"a\nb.jpg", r"a\nb.jpg"),
        (b"a\tb.jpg", r"a\tb.jpg"),
        (b"\x1b[31mred.jpg", r"\x1b[31mred.jpg"),
        (b"caf\xe9.jpg", r"caf\xe9.jpg"),
        ("evil\u202egpj.exe".encode(), r"evil\u202egpj.exe"),
        (b"bell\x07\x9b.jpg", r"bell\x07\x9b.jpg"),
    ],
)
def test_names_are_shown_without_harm(name, shown):
    assert wording.printable(name) == shown
    assert wording.printable(os.fsdecode(name)) == shown
    assert wording.printable(name).isprintable()


def test_paths_are_relative_below_the_working_directory_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = os.fsencode(str(tmp_path))
    assert wording.shortest(here + b"/a/b.jpg") == "a/b.jpg"
    assert wording.shortest(here + b"2/b.jpg") == str(tmp_path) + "2/b.jpg"
    monkeypatch.chdir("/")
    assert wording.shortest(b"/a.jpg") == "a.jpg"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (3_400_000, "3.4 MB"),
        (2e13, "20.0 TB"),
    ],
)
def test_sizes(count, shown):
    assert wording.size(count) == shown


def test_counts():
    assert wording.counted(1, "photo") == "1 photo"
    assert wording.counted(1234, "photo") == "1,234 photos"
    assert wording.counted(2, "copy", "copies") == "2 copies"


def test_reporter_speaks_on_stderr_and_quiet_keeps_warnings(capsys):
    console.ConsoleReporter().note("noted")
    quiet = console.ConsoleReporter(quiet=True)
    quiet.note("not said")
    quiet.warn("warned")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "noted\nwarned\n"


def test_no_progress_where_stderr_is_no_terminal(capsys):
    reporter = console.ConsoleReporter()
    with reporter.progress("indexing", 10, "img") as progress:
        progress.advance(4)
        reporter.note("still heard")
    assert capsys.readouterr().err == "still heard\n"


def test_progress_on_a_terminal_shows_speed_and_lets_lines_through(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    reporter = console.ConsoleReporter()
    with reporter.progress("indexing", 10, "img") as progress:
        progress.advance(10)
        reporter.warn("a line")
    err = capsys.readouterr().err
    assert "indexing" in err
    assert "img/s" in err
    assert "\na line\n" in err.replace("\r", "\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_stops(number, capfd):
    before = signal.getsignal(number)
    with console.stop_on_signals("saving") as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
    assert capfd.readouterr().err == "\nsaving\n"


# --- the way out ---------------------------------------------------------------------------------


class Screen(io.StringIO):
    """A terminal that keeps what it gets."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("Grüße 日本\n", "Grüße 日本\n"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("over\rwritten", r"over\rwritten"),
        ("\rbar 10%", "\rbar 10%"),  # tqdm's own way back
        ("\r\x1b[2J", "\r\\x1b[2J"),
        ("\n\n\x1b[A\x1b[A", "\n\n\x1b[A\x1b[A"),
        ("\x1b[A\x1b[Abar", r"\x1b[A\x1b[Abar"),
        ("\u202e\u2028\x85", r"\u202e\u2028\x85"),
        ("\udcff\ud800", r"\xff\ud800"),
        ("", ""),
    ],
)
def test_a_guarded_terminal_shows_and_does_not_obey(written, shown):
    screen = Screen()
    assert console.Guard(screen).write(written) == len(written)
    assert screen.getvalue() == shown


def test_terminals_are_guarded_while_isa_runs_and_as_before_afterwards(monkeypatch):
    screen, file = Screen(), io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", file)
    with console.guarded():
        assert console.raw_stdout() is screen
        assert sys.stderr is file
        print("\x1b")
        console.put("\x1b")
        console.say("\x1b → \udcff")
    assert (sys.stdout, sys.stderr) == (screen, file)
    assert screen.getvalue() == "\\x1b\n" * 2
    assert file.buffer.getvalue() == b"\\x1b \\u2192 \\xff\n"


def test_a_pipe_of_any_encoding_gets_a_names_bytes(monkeypatch):
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="")
    monkeypatch.setattr(sys, "stdout", pipe)
    with console.guarded():
        console.put_raw("caf\udce9 é → \ud800", end="\0")
        pipe.flush()
    assert pipe.buffer.getvalue() == b"caf\xe9 \xe9 \\u2192 \\ud800\0"

"""How isa speaks: results on stdout, everything else on stderr, progress only to somebody.

File names need not be text and may hold anything: ``printable`` is for people's eyes, and the
formats for programs carry names unchanged (undecodable bytes travel as surrogate escapes).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


# --- words ---------------------------------------------------------------------------------------


def printable(name: str | bytes) -> str:
    r"""Return a file name that is safe to show: what a terminal might obey becomes ``\x1b``."""
    text = os.fsdecode(name)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is no text, as os.fsdecode carries it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def shortest(path: bytes) -> str:
    """Return a path for people: relative where it lies below the working directory."""
    try:
        here = os.fsencode(Path.cwd()).rstrip(b"/")
    except FileNotFoundError:  # deleted meanwhile
        return printable(path)
    return printable(path[len(here) + 1 :] if path.startswith(here + b"/") else path)


def size(count: float) -> str:
    """Return a number of bytes for people: ``3.4 MB``."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(count: int, one: str, many: str = "") -> str:
    """Return ``1 photo``, ``1,234 photos``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def put(text: str, end: str = "\n") -> None:
    """Put one line of results on stdout."""
    sys.stdout.write(text + end)


def say(message: str) -> None:
    """Put one line on stderr."""
    typer.echo(message, err=True)


def complain(message: str, hint: str = "") -> None:
    """Put an error and its next step on stderr; they may quote a file name."""
    say(f"isa: {printable(message)}")
    if hint:
        say(f"  → {printable(hint)}")


def on_terminal() -> bool:
    """Return whether a person is looking at stdout."""
    return sys.stdout.isatty()


# --- the library's voice -------------------------------------------------------------------------


class ConsoleReporter:
    """The library's reporter: lines on stderr, and a progress bar if stderr is a terminal.

    Args:
        quiet: drop notes and progress; warnings stay.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def note(self, message: str) -> None:
        """Say one line, above the progress bar if there is one."""
        if not self._quiet:
            self.warn(message)

    def warn(self, message: str) -> None:
        """Say one line, quiet or not."""
        if self._bar is None:
            say(message)
        else:
            self._bar.write(message, file=sys.stderr)

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[_Bar]:
        """Show a count, its speed and the time left while the context is open."""
        if self._quiet or not sys.stderr.isatty():
            yield _Bar(None)
            return
        from tqdm import tqdm

        with tqdm(
            desc=label, total=total, unit=unit, leave=False, dynamic_ncols=True, file=sys.stderr
        ) as bar:
            self._bar = bar
            try:
                yield _Bar(bar)
            finally:
                self._bar = None


class _Bar:
    """A ``reporting.Progress`` over tqdm, or over nothing."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def advance(self, count: int = 1) -> None:
        """Say that ``count`` more are done."""
        if self._bar is not None:
            self._bar.update(count)


# --- signals -------------------------------------------------------------------------------------


@contextlib.contextmanager
def stop_on_signals(farewell: str) -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second one stops at once.

    Args:
        farewell: what to say at the first, so that nobody presses twice out of doubt.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        # Not through sys.stderr: a handler may interrupt a write to that very buffer.
        os.write(2, f"\n{farewell}\n".encode())

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

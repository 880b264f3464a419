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
from typing import TYPE_CHECKING, Any

import typer

from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


# --- words ---------------------------------------------------------------------------------------


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

"""How isa speaks: results on stdout, everything else on stderr, progress only to somebody.

File names need not be text and may hold anything, and so may captions, a camera's name, and what a
library says of them.  What people read passes ``printable`` here, whoever made the sentence, and
``guarded`` stands between a terminal and everybody who writes to it past this file.  The formats
for programs carry names unchanged, but not to a terminal (``put_raw``).
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


# --- words ---------------------------------------------------------------------------------------


def put(line: str = "") -> None:
    """Put one line of results on stdout, for people: tabs are ours, all else is spelt out."""
    sys.stdout.write(f"{_one_line(line)}\n")


def put_raw(name: str, end: str = "\n") -> None:
    r"""Put a name on stdout for a program, byte for byte; a terminal gets what people may see.

    Args:
        name: undecodable bytes are surrogate escapes, as ``os.fsdecode`` makes them.
        end: what follows; a terminal is shown ``\x00`` for a NUL.
    """
    if on_terminal():
        name, end = printable(name), "\n" if end == "\n" else printable(end)
    sys.stdout.write(name + end)


def say(line: str) -> None:
    """Put one line on stderr."""
    sys.stderr.write(f"{printable(line)}\n")
    sys.stderr.flush()


def say_lines(text: str) -> None:
    """Put the lines of a foreign text on stderr: a traceback, how a command is used."""
    for line in text.rstrip("\n").split("\n"):
        say(line)


def complain(message: str, hint: str = "") -> None:
    """Put an error and its next step on stderr."""
    say(f"isa: {printable(message)}")
    if hint:
        say(f"  → {printable(hint)}")


def on_terminal() -> bool:
    """Return whether a person is looking at stdout."""
    return sys.stdout.isatty()


def _one_line(text: str) -> str:
    return "\t".join(map(printable, text.split("\t")))


# --- the way out ---------------------------------------------------------------------------------

ENCODED = "isa-names"
"""The error handler of both streams, see ``_carried``."""

MOVES = re.compile(r"\r|(\n|\x1b\[A)*\Z|")
"""How a progress bar goes back to its line: tqdm's, which the model hub shows too."""


class Guard:
    """A terminal that shows what is written to it, and obeys nothing but the ends of lines.

    A write may begin with a bar's way back to its line.

    Args:
        stream: the terminal's.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text, with all that might move the cursor or turn the line around spelt out."""
        start = MOVES.match(text).end()  # type: ignore[union-attr]  # nothing matches, too
        lines = text[start:].split("\n")
        self.stream.write(text[:start] + "\n".join(map(_one_line, lines)))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's."""
        return getattr(self.stream, name)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Guard what is a terminal of stdout and stderr, and carry any name's bytes to what is none."""
    codecs.register_error(ENCODED, _carried)
    before = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell: isa status >&-
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ENCODED)
        setattr(sys, name, Guard(stream) if stream.isatty() else stream)
    try:
        yield
    finally:
        for name, stream in zip(("stdout", "stderr"), before, strict=True):
            if stream is not None:
                setattr(sys, name, stream)


def raw_stdout() -> TextIO:
    """Stdout for what draws: its colours and pictures are ours, its words it has to clean."""
    return getattr(sys.stdout, "stream", sys.stdout)


def _carried(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Encode what a stream's encoding can't: a name's bytes as they are, the rest spelt out."""
    if not isinstance(error, UnicodeEncodeError):  # whoever reads it back
        return codecs.lookup_error("surrogateescape")(error)
    wrong = error.object[error.start : error.end]
    return b"".join(map(_bytes_of, wrong)), error.end


def _bytes_of(char: str) -> bytes:
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00])
    return char.encode("ascii", "backslashreplace")


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
            self._bar.write(printable(message), file=sys.stderr)

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[_Bar]:
        """Show a count, its speed and the time left while the context is open."""
        if self._quiet or not sys.stderr.isatty():
            yield _Bar(None)
            return
        from tqdm import tqdm

        with tqdm(
            desc=printable(label),
            total=total,
            unit=printable(unit),
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
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

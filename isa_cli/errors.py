"""The error tree; ``cli/main()`` is the only place that turns an error into words and an exit code.

    IsaError                    a user's problem: one sentence, and a hint with the next step
    ├── UsageError        2     the command line or the settings ask for something impossible
    │   └── FilterError   2     a filter that cannot be read
    ├── ImageError        2     a picture that cannot be opened (while indexing: recorded instead)
    ├── ModelError        4     a model that cannot be found, fetched or understood
    ├── GalleryError      4     a gallery that cannot be opened
    │   ├── GalleryMissing      there is none yet
    │   ├── GalleryLocked       another process is writing
    │   ├── GalleryDamaged      the catalogue itself fails its integrity check
    │   └── SpaceMismatch       the gallery holds another model's vectors
    ├── TrainingError     4     a training run that cannot begin, or go on
    └── BenchmarkError    4     a published benchmark that is not there as it was published

The numbers are ``ExitCode``'s.  ``ValueError`` is a programmer's mistake and shows its traceback.
"""

from __future__ import annotations

import errno
import re
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from isa_cli.types import EmbeddingSpace


class ExitCode(IntEnum):
    """How a command ends."""

    DONE = 0
    NOTHING_FOUND = 1
    USAGE = 2
    """The request asks for something impossible."""
    SOME_FAILED = 3
    """Done, but some files could not be."""
    WORLD = 4
    """The gallery, the model or the machine is in the way."""
    BUG = 70
    """An unexpected error (EX_SOFTWARE): never 1, which says that nothing was found."""
    INTERRUPTED = 130
    """By SIGINT or SIGTERM, after everything finished has been saved."""
    CLOSED_PIPE = 141
    """What a shell reports for a program that SIGPIPE ended: ``isa search x | head -1``."""


class IsaError(Exception):
    """A problem that a person can do something about.

    Args:
        message: one sentence saying what is wrong, naming the thing.
        hint: what to do next; '' where there is nothing better than the message.

    Examples:
        >>> import isa_cli
        >>> try:
        ...     isa_cli.open("/nowhere").search(modifier="a dog")
        ... except isa_cli.IsaError as error:
        ...     print(error.message, "->", error.hint, "->", error.exit_code)
        there is no gallery in /nowhere yet -> make one with: isa index FOLDER -> 4
    """

    exit_code: ClassVar[int] = ExitCode.WORLD

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(IsaError):
    """The command line or the settings ask for something impossible."""

    exit_code = ExitCode.USAGE


class FilterError(UsageError):
    """A filter (``--after``, ``--near``, ...) that cannot be read."""


class ImageError(IsaError):
    """A file that is no picture, or not a whole one.

    Args:
        reason: a short phrase that follows a file's name: ``truncated after 12,288 bytes``.
        hint: what to do next.
        passing: it lies in the file system, the memory or the machine, and may be over now.
        needs: what would open it as it is, see ``images.limits``: ``pixels 400000000``, ``raw``;
            '' where nothing is known that would, and then it lies in the bytes.
    """

    exit_code = ExitCode.USAGE

    def __init__(
        self, reason: str, hint: str = "", *, passing: bool = False, needs: str = ""
    ) -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.passing = passing
        self.needs = needs

    def of(self, name: str) -> ImageError:
        """The same with a file's name before the reason."""
        reason = f"{name}: {self.reason}"
        return ImageError(reason, self.hint, passing=self.passing, needs=self.needs)


class ModelError(IsaError):
    """A model that cannot be found, fetched or understood."""


class GalleryError(IsaError):
    """A gallery that cannot be opened or written."""


class GalleryMissing(GalleryError):
    """No gallery at that place yet."""


class GalleryLocked(GalleryError):
    """Another process is writing to this gallery."""


class GalleryDamaged(GalleryError):
    """The catalogue itself cannot be read; the index never raises this, it is rebuilt."""


class SpaceMismatch(GalleryError):
    """The gallery holds vectors of another model; names both."""

    def __init__(self, gallery: EmbeddingSpace, model: EmbeddingSpace) -> None:
        super().__init__(
            f"this gallery was indexed with {gallery}, but the model asked for is {model}",
            "search with the gallery's own model, or index into another folder with "
            "--gallery DIR; vectors of two models can't be compared",
        )
        self.gallery = gallery
        self.model = model


class TrainingError(IsaError):
    """A training run that cannot begin or go on: too few photos, other settings, no number."""


class BenchmarkError(IsaError):
    """A published benchmark that is not there as it was published; says which file, and what."""


def brief(error: BaseException, lines: int = 1) -> str:
    r"""What a foreign exception says, short enough for one sentence of ours: 300 characters.

    Args:
        error: of a library's.
        lines: how many of its lines may count; torch's first one alone names no layer.

    Examples:
        >>> brief(RuntimeError("size mismatch  for\n\n  layer.0"), lines=2)
        'size mismatch for layer.0'
        >>> brief(KeyError())
        'KeyError'
    """
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(" ".join(said[:lines]).split())[:300] or type(error).__name__


ROOM = "free some space and run the same command again; nothing saved is lost"

_ROOM_AND_FILES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "no file so large may be written there: choose another place, or `ulimit -f`",
    errno.EMFILE: "allow more open files with `ulimit -n 4096`",
}
"""What helps against errors of the system that are no mistake of a path's."""


def next_step(error: BaseException, otherwise: str = "") -> str:
    """What to do about an error of the system's, or a library's that tells of one.

    A full disk is a full disk wherever it is met; a hint about the path would mislead.

    Args:
        error: while a file was written.
        otherwise: what helps where the path is at fault.

    Examples:
        >>> next_step(OSError(28, "No space left on device"), "name another file")
        'free some space and run the same command again; nothing saved is lost'
        >>> next_step(PermissionError(13, "Permission denied"), "name another file")
        'name another file'
    """
    return _ROOM_AND_FILES.get(system_error(error), otherwise)


def system_error(error: BaseException | None) -> int:
    """The number of the system's error that is told, or behind it; 0: of none.

    Libraries in Rust say it in words: ``I/O error: No space left on device (os error 28)``.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        if told := re.search(r"\b(?:os error|Errno) (\d+)\b", str(error)):
            return int(told[1])
        error = error.__cause__ or error.__context__
    return 0

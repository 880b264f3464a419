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
    ├── BenchmarkError    4     a published benchmark that is not there as it was published
    └── Interrupted       130   SIGINT or SIGTERM, after everything finished has been saved

Exit codes: 0 done, 1 nothing found, 2 the request, 3 done but some files failed, 4 the world,
130 interrupted.  ``ValueError`` is a programmer's mistake and shows its traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from isa_cli.types import EmbeddingSpace


class IsaError(Exception):
    """A problem that a person can do something about.

    Args:
        message: one sentence saying what is wrong, naming the thing.
        hint: what to do next; '' where there is nothing better than the message.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(IsaError):
    """The command line or the settings ask for something impossible."""

    exit_code = 2


class FilterError(UsageError):
    """A filter (``--after``, ``--near``, ...) that cannot be read."""


class ImageError(IsaError):
    """A file that is no picture, or not a whole one.

    Args:
        reason: a short phrase that follows a file's name: ``truncated after 12,288 bytes``.
        hint: what to do next.
    """

    exit_code = 2

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason = reason


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


class Interrupted(IsaError):
    """Stopped by a signal, after everything finished has been saved."""

    exit_code = 130

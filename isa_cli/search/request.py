"""What a person asks, and what comes back: plain values, and which requests make sense."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.query.methods import DEFAULT_METHOD, MADE_BY, METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from PIL.Image import Image

    from isa_cli.filters import Where
    from isa_cli.types import Hit

    Reference: TypeAlias = Path | bytes | Image
    """A picture to start from: a file, a file's bytes, or a picture in memory."""

    Picture: TypeAlias = str | os.PathLike[str] | bytes | Image
    """The same as a person may write it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks.

    Attributes:
        references: pictures to start from, in the gallery or not.
        modifier: the words that change them; '' for none.
        avoid_texts, avoid_images: what should not show.
        where: a filter, or ``None``.
        top: k, how many answers.
        method: a name of ``query.methods.METHODS``, or ``auto``.
        alpha: weight of the words in [0, 1]; ``None``: the method's default.
        include_reference: let the references themselves be answers.
        group: cosine from which near-duplicates are folded into one answer; ``None``: never.
        exact: compare with every vector, whatever the gallery's size.

    Examples:
        >>> from pathlib import Path
        >>> from isa_cli import Request
        >>> request = Request((Path("ref.jpg"),), "at night", top=5, group=0.95)
        >>> request.method, request.alpha
        ('auto', None)
    """

    references: tuple[Reference, ...] = ()
    modifier: str = ""
    avoid_texts: tuple[str, ...] = ()
    avoid_images: tuple[Reference, ...] = ()
    where: Where | None = None
    top: int = 20
    method: str = "auto"
    alpha: float | None = None
    include_reference: bool = False
    group: float | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and how.

    Attributes:
        hits: best first.
        method: the composer that answered.
        alpha: its weight of the words; ``None`` where it does not weigh.
        considered: how many photos' vectors the filter left to compare with.
        total: how many the gallery has.

    Examples:
        >>> from isa_cli import Answer
        >>> answer = Answer([], "text", None, considered=0, total=24)
        >>> len(answer), [hit.photo.path for hit in answer]
        (0, [])
    """

    hits: list[Hit]
    method: str
    alpha: float | None
    considered: int
    total: int

    def __iter__(self) -> Iterator[Hit]:
        """The hits, best first."""
        return iter(self.hits)

    def __len__(self) -> int:
        """How many hits there are."""
        return len(self.hits)

    def __getitem__(self, number: int) -> Hit:
        """One hit, counted from 0."""
        return self.hits[number]


def references_of(given: Picture | Sequence[Picture] | None) -> tuple[Reference, ...]:
    """Pictures as a request has them; what is written as text is a path.

    Examples:
        >>> references_of(["a.jpg", b"..."])
        (PosixPath('a.jpg'), b'...')
        >>> references_of(None)
        ()
    """
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        return tuple(one for each in given for one in references_of(each))
    return (Path(given).expanduser(),) if isinstance(given, str | os.PathLike) else (given,)  # type: ignore[return-value]


def asked(request: Request) -> str:
    """Return the composer that a possible request asks for; ``auto`` is still open.

    Raises:
        UsageError: nothing is asked, or something impossible.
    """
    _check_numbers(request)
    if request.method not in {"auto", *METHODS}:
        raise UsageError(
            f"no composer is called {request.method!r}", f"there are {', '.join(METHODS)}"
        )
    if not request.references and not request.modifier:
        raise UsageError(
            "nothing to search for: give a reference picture, words, or both",
            'isa search ref.jpg "at night", isa search ref.jpg, or isa search --text "a dog"',
        )
    if not request.references:
        return _only("text", request.method, missing="a reference picture")
    if not request.modifier:
        return _only("image", request.method, missing="words")
    return request.method


def learned_method(asked: str, own: tuple[str, ...], usual: str = DEFAULT_METHOD) -> str:
    """Return the composer to use, where it depends on the query model.

    Args:
        asked: ``auto`` or a learned method.
        own: the methods that this gallery's query model serves, the best first; (): there is none.
        usual: the composer for a gallery without one.

    Raises:
        UsageError: the query model serves another method, or there is none.
    """
    if asked == "auto":
        return own[0] if own else usual
    if not own:
        raise UsageError(
            f"--method {asked} needs a query model, and this gallery has none",
            f"{MADE_BY[asked]} makes one",
        )
    if asked not in own:
        raise UsageError(
            f"--method {asked} needs a query model of {MADE_BY[asked]}, but this gallery's is one "
            f"of {MADE_BY[own[0]]}",
            f"use --method {own[0]}, or leave --method out",
        )
    return asked


def _only(method: str, asked: str, missing: str) -> str:
    """Return the one method that is left where half of a query is missing."""
    if asked in {"image", "text"} and asked != method:
        raise UsageError(f"--method {asked} needs {missing}")
    return method


def _check_numbers(request: Request) -> None:
    if request.alpha is not None and not 0.0 <= request.alpha <= 1.0:
        raise UsageError(f"--alpha is {request.alpha}, but a weight lies between 0 and 1")
    if request.group is not None and not -1.0 <= request.group <= 1.0:
        raise UsageError(f"--group-at is {request.group}, but a cosine lies between -1 and 1")
    if request.top < 1:
        raise UsageError(f"--top is {request.top}, but at least 1 answer has to be asked for")

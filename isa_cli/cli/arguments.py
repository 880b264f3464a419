"""Which of ``isa search``'s arguments are pictures and which are words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from isa_cli.errors import UsageError
from isa_cli.paths import expanded
from isa_cli.regular import opened
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STARTS = tuple(f"{start}{os.sep}" for start in ("", ".", "..", "~"))


def references_and_modifier(
    arguments: Sequence[str], text: str | None
) -> tuple[tuple[Path, ...], str]:
    """Return the reference pictures and the words among a command line's arguments.

    A picture is what exists as a file, or what is written like one: with a picture's suffix, a
    leading ``/``, ``./``, ``../`` or ``~/``, or a slash and no blank.  So a mistyped path is
    reported and never searched for as words.  A bare word is words, though a file or a folder of
    that name happens to lie there, if no picture is in it and nothing else is words.

    Args:
        arguments: in any order; at most one of them is words.
        text: words given with ``--text``, which may look like anything.

    Raises:
        UsageError: a picture that is not there or none, or words twice.
    """
    words = [argument for argument in arguments if not _is_like_a_file(argument)]
    if text is None and not words:
        words = [argument for argument in arguments if _is_just_a_word(argument)][:1]
    paths = list(arguments)
    for word in words:
        paths.remove(word)
    if text is not None:
        words.append(text)
    if len(words) > 1:
        together = " ".join(word for word in words if word != text) or words[0]
        hint = f'in quotes they are one modifier: "{together}"'
        if text is not None:
            hint = "give the words either with --text or without it"
        raise UsageError(
            f"the words are given {len(words)} times: " + ", ".join(repr(w) for w in words), hint
        )
    if words and not words[0].strip():
        raise UsageError("the words are empty", "leave them out to search by the picture alone")
    return tuple(picture(path) for path in paths), words[0] if words else ""


def picture(name: str, instead: str = "--text") -> Path:
    """Return the path of a picture that exists.

    Args:
        name: as it was typed.
        instead: the option for words, for whoever meant some.

    Raises:
        UsageError: there is no such file, or it begins as no picture does.
    """
    path = expanded(name)
    shown = printable(name)
    if _is_file(name):
        head = _first_bytes(name)
        if head and not _is_picture(head):
            from isa_cli.images.sniff import resemblance

            raise UsageError(
                f"{shown} is no picture isa knows{resemblance(head)}",
                f'if you meant words, use {instead} "{shown}"',
            )
        return path
    if path.is_dir():
        raise UsageError(
            f"{shown} is a folder, and a reference has to be a picture",
            f"to search only in that folder: --under {shown}",
        )
    if not path.exists():
        raise UsageError(
            f"there is no file {shown}", f"check the path; if you meant words, use {instead}"
        )
    raise UsageError(f"{shown} is no regular file")


def _is_file(argument: str) -> bool:
    """Return whether there is such a file; words may be no possible name, or too long for one."""
    try:
        return expanded(argument).is_file()
    except (OSError, ValueError):
        return False


def _is_like_a_file(argument: str) -> bool:
    if argument.startswith(_STARTS) or _is_file(argument):
        return True
    if os.sep in argument and " " not in argument:
        return True
    from isa_cli.images import looks_like_photo  # late: it brings Pillow

    return looks_like_photo(os.fsencode(argument))


def _is_just_a_word(argument: str) -> bool:
    """Whether a file only happens to be called so: a name without suffix or slash, of no picture.

    What looks like a picture that isa can't open was meant as one.
    """
    if os.sep in argument or os.path.splitext(argument)[1]:  # noqa: PTH122 - need be no path
        return False
    head = _first_bytes(argument)
    return head is not None and not _is_picture(head) and not _is_nearly_one(head)


def _first_bytes(name: str) -> bytes | None:
    """The beginning of a file; ``None`` where it can't be read, which its opener will explain."""
    try:
        with opened(expanded(name)) as file:
            return file.read(_HEAD)
    except OSError:
        return None


_HEAD = 4_096
_NEARLY = ("JPEG XL", "JPEG 2000", "a Photoshop document", "an SVG drawing", "a PDF", "a video")
"""What holds pictures as well, of kinds that isa does not read."""


def _is_picture(head: bytes) -> bool:
    from isa_cli.images import sniff

    return bool(sniff(head))


def _is_nearly_one(head: bytes) -> bool:
    from isa_cli.images.sniff import resemblance

    return resemblance(head).endswith(_NEARLY)

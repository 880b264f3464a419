"""Words and names as markup that says what they say, and does nothing else.

Names come from file systems and words from anybody's files: what a browser would take for markup
is quoted, and what would turn the text around or can't be seen is spelt out, as ``printable``
spells it.  Blanks of other scripts and the joiners between letters stay: in a page they move no
cursor, and names and words look wrong without them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from html import escape
from pathlib import Path

from isa_cli.wording import printable

JOINERS = "\u200c\u200d"
"""Zero-width: Persian and Indian scripts need them, and so do pictures made of several signs."""


def words(text: str) -> str:
    """A person's words as markup; the ends of lines are blanks, as ever in a page."""
    return named(re.sub(r"[\t\r\n]+", " ", text))


def named(name: str | bytes) -> str:
    """A name from a file system, or text from a file, as markup."""
    return escape(_visible(os.fsdecode(name)))


def name_of(path: bytes) -> str:
    """A file's name, without its folder, as markup."""
    return named(Path(os.fsdecode(path)).name)


def uri_of(path: bytes) -> str:
    """Where a link to a file leads, as an attribute's value."""
    return escape(Path(os.fsdecode(path)).as_uri())


def to_file(path: bytes) -> str:
    """The attributes of a link to a file: where it leads, and the whole path to read."""
    return f'href="{uri_of(path)}" title="{named(path)}"'


def link(path: bytes) -> str:
    """A link to a file, by its name."""
    return f"<a {to_file(path)}>{name_of(path)}</a>"


def copied(path: bytes) -> str:
    """The path to copy, as an attribute's value; its URI where no plain text could name it."""
    text = os.fsdecode(path)
    return escape(text) if _visible(text) == text else uri_of(path)


def _visible(text: str) -> str:
    return "".join(char if _harmless(char) else printable(char) for char in text)


def _harmless(char: str) -> bool:
    return char.isprintable() or char in JOINERS or unicodedata.category(char) == "Zs"

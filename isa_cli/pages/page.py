"""What every page is: one file that holds all it shows, and how it gets onto the disk.

A page fetches nothing and runs nothing but its own few lines (its Content-Security-Policy says so
to the browser), so it may be kept, mailed and opened years later.
"""

from __future__ import annotations

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from isa_cli.atomic import write_text
from isa_cli.errors import UsageError, next_step
from isa_cli.pages.markup import words
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping


def whole(
    *,
    title: str,
    top: str,
    body: str,
    facts: Mapping[str, str],
    style: str = "",
    script: str = "",
) -> str:
    """A page as text, with the looks that all of them share.

    Args:
        title: a heading, in words.
        top: markup of what the page is about.
        body: markup of what it shows.
        facts: for its foot, in words, by what they are of.
        style: rules of its own, which come after those that all share.
        script: the one program that it may run.
    """
    return Template(resource("page.html")).substitute(
        title=words(title),
        top=top,
        body=body,
        facts="".join(f"<span>{words(k)} <b>{words(v)}</b></span>" for k, v in facts.items()),
        style=resource("page.css") + style,
        script=f"<script>{script}</script>\n" if script else "",
        allowed=f"'sha256-{_sha256(script)}'" if script else "'none'",
    )


def resource(*names: str) -> str:
    """The text of files beside this one, one after the other."""
    folder = resources.files(__package__)
    return "".join(folder.joinpath(name).read_text("utf-8") for name in names)


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def put(path: Path, page: str) -> None:
    """Write a page whole or not at all; a device is written to, a link stays a link.

    Args:
        path: replaced if it is there.
        page: its text.

    Raises:
        UsageError: the file can't be written.
    """
    path = path.resolve()
    is_device = path.exists() and not path.is_file()
    write = Path.write_text if is_device else write_text
    try:
        write(path, page)
    except OSError as error:
        raise UsageError(
            f"the page {printable(os.fsencode(path))} can't be written: {error.strerror}",
            next_step(error, "name a file in a folder that exists and is yours"),
        ) from error

"""A folder of rendered scenes: the pictures, and beside them the truth.

::

    DIR/00000.jpg  00001.jpg  ...
    DIR/wardrobe.jsonl     one line per picture: image, caption, attributes, background, light, seed
"""

from __future__ import annotations

import json
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from multiprocessing import get_context
from random import Random
from typing import TYPE_CHECKING

from isa_cli.atomic import replacing, write_bytes
from isa_cli.config import usable_cores
from isa_cli.errors import UsageError, next_step
from isa_cli.wardrobe.captions import caption
from isa_cli.wardrobe.drawing import render
from isa_cli.wardrobe.drawing.render import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from isa_cli.reporting import Reporter
    from isa_cli.wardrobe.scenes import Scene

    Job = tuple[Path, Scene, int]

TRUTH = "wardrobe.jsonl"

RENDERER = 1
"""Counts the changes of the drawing: pictures of an older one are drawn again."""

CHUNK = 32
"""Pictures that a process draws before it reports."""

ALONE = 4 * CHUNK
"""Up to so many pictures are drawn before other processes would have started."""

QUALITY = 90


def write(
    folder: Path, scenes: Sequence[Scene], reporter: Reporter, *, size: int = SIZE
) -> list[Path]:
    """Render scenes into a folder on all cores, and return the pictures' paths in order.

    Pictures that are there already from the same scenes are kept, so an interrupted run goes on.

    Args:
        folder: new, empty, or one that this function has written.
        scenes: what to draw.
        reporter: sees the progress.
        size: pixels on a side.

    Raises:
        UsageError: the folder holds other things, or can't be written to.
    """
    names = [f"{number:05d}.jpg" for number in range(len(scenes))]
    lines = [_line(name, scene, size) for name, scene in zip(names, scenes, strict=True)]
    paths = [folder / name for name in names]
    try:
        old = _prepare(folder)
        for name in old.keys() - set(names):
            (folder / name).unlink(missing_ok=True)
        stale = [
            path for path, line in zip(paths, lines, strict=True) if old.get(path.name) != line
        ]
        for path in stale:
            path.unlink(missing_ok=True)
        write_bytes(folder / TRUTH, "".join(f"{line}\n" for line in lines).encode())
        jobs = [
            (path, scene, size)
            for path, scene in zip(paths, scenes, strict=True)
            if not path.is_file()
        ]
        _draw_all(jobs, reporter)
    except OSError as error:
        raise UsageError(
            f"can't write pictures to {folder}: {error.strerror or error}",
            next_step(error, "choose another folder"),
        ) from error
    return paths


def _line(name: str, scene: Scene, size: int) -> str:
    rng = Random(scene.seed)  # noqa: S311 - reproducible, not secret
    truth = {
        "image": name,
        "caption": caption(scene, rng, full=True),
        "attributes": scene.garment.as_dict(),
        **{field.name: getattr(scene, field.name) for field in fields(scene)[1:]},
        "size": size,
        "renderer": RENDERER,
    }
    return json.dumps(truth)


def _prepare(folder: Path) -> dict[str, str]:
    """Make the folder if need be; return the truth's lines by picture, if it was ours before."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = folder / TRUTH
    if not truth.is_file():
        if any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty, and its files are not a rendered wardrobe",
                "name a new folder",
            )
        return {}
    old = {}
    for line in truth.read_text(encoding="utf-8", errors="replace").splitlines():
        name = line.removeprefix('{"image": "').partition('"')[0]
        if name.endswith(".jpg") and "/" not in name:
            old[name] = line
    return old


def _draw_all(jobs: Sequence[Job], reporter: Reporter) -> None:
    chunks = [jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK)]
    with ExitStack() as stack:
        progress = stack.enter_context(reporter.progress("rendering", len(jobs), "picture"))
        each: Callable[..., Iterable[int]] = map
        if len(jobs) > ALONE and usable_cores() > 1:
            # spawned, not forked: whoever calls may have threads
            pool = ProcessPoolExecutor(
                usable_cores(), mp_context=get_context("spawn"), initializer=_leave_ctrl_c
            )
            stack.callback(pool.shutdown, cancel_futures=True)
            each = pool.map
        for count in each(_draw, chunks):
            progress.advance(count)


def _leave_ctrl_c() -> None:
    """Leave Ctrl-C, which a terminal sends to every process, to the one that the user started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw(jobs: Sequence[Job]) -> int:
    for path, scene, size in jobs:
        with replacing(path) as part:
            render(scene, size).save(part, "JPEG", quality=QUALITY)
    return len(jobs)
